#ifndef SR2L_COMMON_CONFIG_NEAREST_FIELD_H_
#define SR2L_COMMON_CONFIG_NEAREST_FIELD_H_

#include <google/protobuf/descriptor.h>

#include <string>

#include "absl/strings/string_view.h"

namespace sr2l {

// The name of the field of `descriptor` that takes the fewest typing errors to become
// `name`; the first of several. `descriptor` has a field.
std::string NearestField(const google::protobuf::Descriptor& descriptor, absl::string_view name);

}  // namespace sr2l

#endif  // SR2L_COMMON_CONFIG_NEAREST_FIELD_H_
