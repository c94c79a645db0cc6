#ifndef SR2L_DEPLOY_EXPORT_CONTRACT_JSON_H_
#define SR2L_DEPLOY_EXPORT_CONTRACT_JSON_H_

#include <string>

#include "absl/status/statusor.h"
#include "deploy/export/contract.pb.h"

namespace sr2l {

// As JSON, with the field names of contract.proto, over several lines.
std::string FormatContract(const exported::Contract& contract);

// InvalidArgument for what is no contract; fields that later versions add are passed over.
absl::StatusOr<exported::Contract> ParseContract(const std::string& json);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_EXPORT_CONTRACT_JSON_H_
