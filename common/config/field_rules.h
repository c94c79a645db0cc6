#ifndef SR2L_COMMON_CONFIG_FIELD_RULES_H_
#define SR2L_COMMON_CONFIG_FIELD_RULES_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sr2l {

// Checks each field of `message` and of all messages within against the table of what it
// may hold, taken from the .proto comments: ranges, names, required fields, list lengths;
// and that there are no unknown fields. `path` is where `message` stands ("task"; empty:
// at the top). What involves two fields is not checked here.
absl::Status CheckFields(const google::protobuf::Message& message, const std::string& path);

// InvalidArgument "PATH must ALLOWED, got VALUE", for example with "be > 0".
absl::Status MustError(absl::string_view path, absl::string_view allowed,
                       absl::string_view value);

// Whether the table says what this field of an experiment may hold. Every number, string
// and enum needs a line or a reason; for tests.
bool HasFieldRule(const google::protobuf::FieldDescriptor& field);

// A number for a message, in its shortest form that reads back to the same value.
std::string NumberText(double value);

}  // namespace sr2l

#endif  // SR2L_COMMON_CONFIG_FIELD_RULES_H_
