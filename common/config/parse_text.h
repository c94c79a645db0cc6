#ifndef SR2L_COMMON_CONFIG_PARSE_TEXT_H_
#define SR2L_COMMON_CONFIG_PARSE_TEXT_H_

#include <google/protobuf/message.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sr2l {

// Parses protobuf text with ranges (expanded_text.h) into `message`, which is cleared
// first. The error is InvalidArgument with the first thing that is wrong:
// "NAME:LINE:COLUMN: what", or just "what" when `name` is empty.
absl::Status ParseText(absl::string_view text, const std::string& name,
                       google::protobuf::Message& message);

}  // namespace sr2l

#endif  // SR2L_COMMON_CONFIG_PARSE_TEXT_H_
