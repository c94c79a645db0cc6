#include "deploy/export/contract_json.h"

#include <google/protobuf/util/json_util.h>

#include "common/status/check.h"

namespace sr2l {

std::string FormatContract(const exported::Contract& contract) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string json;
  SR2L_CHECK(google::protobuf::util::MessageToJsonString(contract, &json, options).ok());
  return json;
}

absl::StatusOr<exported::Contract> ParseContract(const std::string& json) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  exported::Contract contract;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &contract, options);
  if (status.ok() && contract.has_format() && contract.observation_dim() > 0 &&
      contract.action_dim() == contract.action_size() && contract.action_dim() > 0) {
    return contract;
  }
  return absl::InvalidArgumentError("it is not the contract of an exported policy");
}

}  // namespace sr2l
