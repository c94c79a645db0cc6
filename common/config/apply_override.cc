#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/config/load.h"
#include "common/config/nearest_field.h"
#include "common/config/parse_text.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// "trpo" + "max_kl"; the first name stands alone.
std::string Join(const std::string& path, absl::string_view name) {
  return path.empty() ? std::string(name) : absl::StrCat(path, ".", name);
}

absl::StatusOr<const FieldDescriptor*> FindField(const Descriptor& descriptor,
                                                 const std::string& path,
                                                 const std::string& name) {
  const FieldDescriptor* field = descriptor.FindFieldByName(name);
  if (field != nullptr) return field;
  const std::string nearest = NearestField(descriptor, name.substr(0, name.find('[')));
  if (absl::StrContains(name, '[')) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown field ", Join(path, name), "; a list is set as a whole: ",
                     Join(path, nearest), "=[...]"));
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown field ", Join(path, name),
                                                 "; did you mean ", Join(path, nearest), "?"));
}

std::string EnumNames(const google::protobuf::EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) {
    names.emplace_back(type.value(i)->name());
    if (absl::EndsWith(names.back(), "UNSPECIFIED")) names.pop_back();
  }
  return absl::StrJoin(names, ", ");
}

std::string ExpectedElement(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
      return "an integer";
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
      return "an integer >= 0";
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return "a number";
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true or false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return absl::StrCat("one of ", EnumNames(*field.enum_type()));
    case FieldDescriptor::CPPTYPE_STRING:
      return "a string";
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return absl::StrCat("{...} with fields of ", std::string(field.message_type()->name()));
  }
  return "a value";
}

std::string ExpectedType(const FieldDescriptor& field) {
  if (!field.is_repeated()) return ExpectedElement(field);
  return absl::StrCat("a list [...], each element ", ExpectedElement(field));
}

bool IsQuoted(absl::string_view value) {
  return absl::StartsWith(value, "\"") || absl::StartsWith(value, "'");
}

absl::Status SetField(const FieldDescriptor& field, const std::string& path,
                      absl::string_view value, Message& message) {
  const bool is_list = field.is_repeated();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING && !is_list && !IsQuoted(value)) {
    message.GetReflection()->SetString(&message, &field, std::string(value));
    return absl::OkStatus();
  }
  // One element may stand for a list of one.
  const bool bracket = is_list && !absl::StartsWith(value, "[");
  const std::unique_ptr<Message> parsed(message.New());
  absl::Status status =
      ParseText(absl::StrCat(std::string(field.name()), ": ", bracket ? "[" : "", value,
                             bracket ? "]" : ""),
                /*name=*/"", *parsed);
  // A value like "1 damping: 2" would set a second field.
  std::vector<const FieldDescriptor*> set;
  parsed->GetReflection()->ListFields(*parsed, &set);
  const bool only_this = set.empty() || (set.size() == 1 && set[0] == &field);
  if (status.ok() && !only_this) status = absl::InvalidArgumentError("more than one value");
  if (!status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(path, " must be ", ExpectedType(field),
                                                   ", got ", value, " (", status.message(), ")"));
  }
  message.GetReflection()->ClearField(&message, &field);
  message.MergeFrom(*parsed);
  return absl::OkStatus();
}

absl::Status SetPath(const std::string& path, absl::string_view value,
                     v1::ExperimentConfig& config) {
  Message* message = &config;
  const std::vector<std::string> names = absl::StrSplit(path, '.');
  std::string walked;
  for (size_t i = 0; i < names.size(); ++i) {
    SR2L_ASSIGN_OR_RETURN(const FieldDescriptor* field,
                          FindField(*message->GetDescriptor(), walked, names[i]));
    walked = Join(walked, names[i]);
    if (i + 1 == names.size()) return SetField(*field, walked, value, *message);
    if (field->is_repeated()) {
      return absl::InvalidArgumentError(
          absl::StrCat(walked, " is a list, which is set as a whole: ", walked, "=[...]"));
    }
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      return absl::InvalidArgumentError(absl::StrCat("unknown field ", path, "; ", walked, " is ",
                                                     ExpectedType(*field), " and has no fields"));
    }
    message = message->GetReflection()->MutableMessage(message, field);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplyOverride(absl::string_view assignment, v1::ExperimentConfig& config) {
  const size_t equals = assignment.find('=');
  if (equals == absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("an override must be PATH=VALUE, got ", assignment));
  }
  // Changes nothing when it fails.
  v1::ExperimentConfig changed = config;
  SR2L_RETURN_IF_ERROR(
      SetPath(std::string(absl::StripAsciiWhitespace(assignment.substr(0, equals))),
              absl::StripAsciiWhitespace(assignment.substr(equals + 1)), changed));
  config = std::move(changed);
  return absl::OkStatus();
}

}  // namespace sr2l
