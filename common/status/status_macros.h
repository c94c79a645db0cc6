#ifndef SR2L_COMMON_STATUS_STATUS_MACROS_H_
#define SR2L_COMMON_STATUS_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the enclosing function when `expression`, an absl::Status, is not OK.
#define SR2L_RETURN_IF_ERROR(expression)             \
  do {                                               \
    absl::Status sr2l_status = (expression);         \
    if (!sr2l_status.ok()) return sr2l_status;       \
  } while (false)

// SR2L_ASSIGN_OR_RETURN(const Model model, LoadModel(path));
#define SR2L_ASSIGN_OR_RETURN(declaration, expression) \
  SR2L_ASSIGN_OR_RETURN_IMPL_(SR2L_CONCAT_(sr2l_statusor_, __LINE__), declaration, expression)

#define SR2L_ASSIGN_OR_RETURN_IMPL_(statusor, declaration, expression) \
  auto statusor = (expression);                                        \
  if (!statusor.ok()) return statusor.status();                        \
  declaration = std::move(statusor).value()

#define SR2L_CONCAT_(a, b) SR2L_CONCAT_IMPL_(a, b)
#define SR2L_CONCAT_IMPL_(a, b) a##b

#endif  // SR2L_COMMON_STATUS_STATUS_MACROS_H_
