#include "common/config/field_rules.h"

#include <google/protobuf/unknown_field_set.h>

#include <charconv>
#include <limits>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/config/members.h"
#include "common/config/number_rules.h"
#include "common/status/check.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;

// ---- The table. Fields are named Message.field.

// Enumerations that allow less than every value; "..._UNSPECIFIED" is never allowed.
const std::map<std::string, std::vector<std::string>>& EnumRules() {
  static const auto* rules = new std::map<std::string, std::vector<std::string>>{
      {"TrpoConfig.activation", {"TANH", "RELU"}},
      {"DdpgConfig.activation", {"TANH", "RELU"}},
      {"ValueNetworkConfig.activation", {"TANH", "RELU"}},
      {"HealthCondition.quantity", {"QPOS", "QVEL"}},
  };
  return *rules;
}

struct StringRule {
  bool (*allows)(absl::string_view);
  absl::string_view allowed;
};

template <typename Allows>
bool AllOf(absl::string_view text, size_t max_length, Allows allows) {
  if (text.empty() || text.size() > max_length) return false;
  for (const char c : text) {
    if (!allows(c)) return false;
  }
  return true;
}

bool IsExperimentName(absl::string_view text) {
  return AllOf(text, 64, [](char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
  });
}

bool IsTaskName(absl::string_view text) {
  return AllOf(text, 64, [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_';
  });
}

bool IsModelName(absl::string_view text) {
  return AllOf(text, 1000, [](char c) { return absl::ascii_isprint(c); });
}

bool IsSafePath(absl::string_view text) {
  const bool printable = AllOf(text, 1000, [](char c) {
    return absl::ascii_isprint(c) && c != '\\';
  });
  return printable && text[0] != '/' && !absl::StrContains(text, "..");
}

const std::map<std::string, StringRule>& StringRules() {
  static constexpr absl::string_view kPath =
      "be a relative path without \"..\", at most 1000 printable ASCII characters";
  static constexpr absl::string_view kModelName = "be 1 to 1000 printable ASCII characters";
  static const auto* rules = new std::map<std::string, StringRule>{
      {"ExperimentConfig.name", {IsExperimentName, "be 1 to 64 characters of A-Za-z0-9._-"}},
      {"TaskConfig.name", {IsTaskName, "be 1 to 64 characters of a-z0-9_"}},
      {"TaskConfig.model", {IsSafePath, kPath}},
      {"ModelFile.name", {IsSafePath, kPath}},
      {"ForwardVelocity.body", {IsModelName, kModelName}},
      {"GeomFriction.geom", {IsModelName, kModelName}},
  };
  return *rules;
}

const std::set<std::string>& RequiredFields() {
  static const auto* fields = new std::set<std::string>{
      "ExperimentConfig.task",   "TaskConfig.model",         "TaskConfig.observation_dim",
      "TaskConfig.action_dim",   "ModelFile.name",           "ModelFile.content",
      "ActionRange.low",         "ActionRange.high",         "ObservationTerm.quantity",
      "HealthCondition.quantity", "GeomFriction.geom",        "GeomFriction.sliding",
  };
  return *fields;
}

// Of every other oneof, a field must be set.
const std::set<std::string>& OptionalOneofs() {
  static const auto* oneofs = new std::set<std::string>{"TrpoConfig.baseline"};
  return *oneofs;
}

struct SizeRule {
  int low;
  int high;
};

const std::map<std::string, SizeRule>& SizeRules() {
  constexpr int kNoLimit = std::numeric_limits<int>::max();
  static const auto* rules = new std::map<std::string, SizeRule>{
      {"TrpoConfig.hidden", {0, 8}},  // empty: the default
      {"DdpgConfig.hidden", {0, 8}},
      {"DdpgConfig.critic_hidden", {0, 8}},
      {"ValueNetworkConfig.hidden", {0, 8}},
      {"MembersConfig.seeds", {0, kMaxMembers}},
      {"MembersConfig.radius", {0, kMaxMembers}},
      {"MembersConfig.coefficient", {0, kMaxMembers}},
      {"MembersConfig.member", {0, kMaxMembers}},
      {"TaskConfig.observation", {1, kNoLimit}},
      {"TaskConfig.reward", {1, kNoLimit}},
  };
  return *rules;
}

// ---- What applies it.

template <typename DescriptorType>
std::string Key(const DescriptorType& descriptor) {
  return absl::StrCat(std::string(descriptor.containing_type()->name()), ".",
                      std::string(descriptor.name()));
}

template <typename DescriptorType>
std::string Join(const std::string& path, const DescriptorType& descriptor) {
  const std::string name(descriptor.name());
  return path.empty() ? name : absl::StrCat(path, ".", name);
}

// "(0, 1]" and the like.
struct Interval {
  explicit Interval(const std::string& text) : text(text) {
    const std::vector<std::string> bounds =
        absl::StrSplit(text.substr(1, text.size() - 2), ", ");
    SR2L_CHECK(bounds.size() == 2 && absl::SimpleAtod(bounds[0], &low) &&
               absl::SimpleAtod(bounds[1], &high));
    low_open = text.front() == '(';
    high_open = text.back() == ')';
  }

  // False for NaN.
  bool Contains(double value) const {
    return (low_open ? value > low : value >= low) && (high_open ? value < high : value <= high);
  }

  std::string Describe() const {
    if (text == "(-inf, inf)") return "be finite";
    if (text == "[-inf, inf]") return "be a number";
    if (text == "[0, inf)") return "be >= 0";
    return absl::StrCat("be in ", text);
  }

  std::string text;
  double low = 0;
  double high = 0;
  bool low_open = false;
  bool high_open = false;
};

const std::map<std::string, Interval>& Intervals() {
  static const auto* intervals = [] {
    auto* parsed = new std::map<std::string, Interval>();
    for (const auto& [field, text] : kNumberRules) parsed->emplace(field, Interval(text));
    return parsed;
  }();
  return *intervals;
}

absl::Status CheckNumber(const FieldDescriptor& field, const std::string& path, double value) {
  const auto interval = Intervals().find(Key(field));
  SR2L_CHECK(interval != Intervals().end());
  if (interval->second.Contains(value)) return absl::OkStatus();
  return MustError(path, interval->second.Describe(), NumberText(value));
}

std::vector<std::string> AllowedValues(const FieldDescriptor& field) {
  const auto rule = EnumRules().find(Key(field));
  if (rule != EnumRules().end()) return rule->second;
  std::vector<std::string> names;
  for (int i = 0; i < field.enum_type()->value_count(); ++i) {
    std::string name(field.enum_type()->value(i)->name());
    if (!absl::EndsWith(name, "UNSPECIFIED")) names.push_back(std::move(name));
  }
  return names;
}

absl::Status CheckEnum(const FieldDescriptor& field, const std::string& path,
                       const EnumValueDescriptor& value) {
  const std::vector<std::string> allowed = AllowedValues(field);
  const std::string name(value.name());
  for (const std::string& candidate : allowed) {
    if (name == candidate) return absl::OkStatus();
  }
  return MustError(path, absl::StrCat("be ", absl::StrJoin(allowed, " or ")), name);
}

absl::Status CheckString(const FieldDescriptor& field, const std::string& path,
                         const std::string& value) {
  const auto rule = StringRules().find(Key(field));
  if (rule == StringRules().end() || rule->second.allows(value)) return absl::OkStatus();
  return MustError(path, rule->second.allowed, value);
}

absl::Status CheckValue(const Message& message, const FieldDescriptor& field,
                        const std::string& path, int index) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const bool repeated = field.is_repeated();
// Reads the field, or its element `index`, as TYPE.
#define SR2L_GET(TYPE)                                                  \
  (repeated ? reflection.GetRepeated##TYPE(message, &field, index) \
            : reflection.Get##TYPE(message, &field))
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return CheckNumber(field, path, SR2L_GET(Int32));
    case FieldDescriptor::CPPTYPE_INT64:
      return CheckNumber(field, path, static_cast<double>(SR2L_GET(Int64)));
    case FieldDescriptor::CPPTYPE_UINT32:
      return CheckNumber(field, path, SR2L_GET(UInt32));
    case FieldDescriptor::CPPTYPE_UINT64:
      return CheckNumber(field, path, static_cast<double>(SR2L_GET(UInt64)));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return CheckNumber(field, path, SR2L_GET(Double));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return CheckNumber(field, path, static_cast<double>(SR2L_GET(Float)));
    case FieldDescriptor::CPPTYPE_BOOL:
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_ENUM:
      return CheckEnum(field, path, *SR2L_GET(Enum));
    case FieldDescriptor::CPPTYPE_STRING:
      return CheckString(field, path, SR2L_GET(String));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return CheckFields(repeated ? reflection.GetRepeatedMessage(message, &field, index)
                                  : reflection.GetMessage(message, &field),
                         path);
  }
#undef SR2L_GET
  return absl::OkStatus();
}

absl::Status CheckList(const Message& message, const FieldDescriptor& field,
                       const std::string& path) {
  const int size = message.GetReflection()->FieldSize(message, &field);
  const auto rule = SizeRules().find(Key(field));
  if (rule != SizeRules().end() && (size < rule->second.low || size > rule->second.high)) {
    return MustError(path,
                     size < rule->second.low
                         ? absl::StrCat("have at least ", rule->second.low, " element")
                         : absl::StrCat("have at most ", rule->second.high, " elements"),
                     absl::StrCat(size));
  }
  for (int i = 0; i < size; ++i) {
    SR2L_RETURN_IF_ERROR(CheckValue(message, field, absl::StrCat(path, "[", i, "]"), i));
  }
  return absl::OkStatus();
}

absl::Status CheckOneof(const Message& message, const OneofDescriptor& oneof,
                        const std::string& path) {
  if (message.GetReflection()->HasOneof(message, &oneof)) return absl::OkStatus();
  if (OptionalOneofs().count(Key(oneof)) > 0) return absl::OkStatus();
  std::vector<std::string> names;
  for (int i = 0; i < oneof.field_count(); ++i) names.emplace_back(oneof.field(i)->name());
  return MustError(Join(path, oneof), absl::StrCat("be ", absl::StrJoin(names, " or ")),
                   "nothing");
}

}  // namespace

absl::Status MustError(absl::string_view path, absl::string_view allowed,
                       absl::string_view value) {
  constexpr size_t kLongestValue = 80;
  return absl::InvalidArgumentError(
      absl::StrCat(path, " must ", allowed, ", got ",
                   absl::Utf8SafeCHexEscape(value.substr(0, kLongestValue)),
                   value.size() > kLongestValue ? "..." : ""));
}

std::string NumberText(double value) {
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof(text), value).ptr);
}

bool HasFieldRule(const FieldDescriptor& field) {
  const std::string key = Key(field);
  return Intervals().count(key) + EnumRules().count(key) + StringRules().count(key) > 0;
}

absl::Status CheckFields(const Message& message, const std::string& path) {
  const Descriptor& descriptor = *message.GetDescriptor();
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const google::protobuf::UnknownFieldSet& unknown = reflection.GetUnknownFields(message);
  if (!unknown.empty()) {
    return MustError(path.empty() ? "the experiment" : path, "have no unknown field",
                     absl::StrCat("number ", unknown.field(0).number()));
  }
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    const std::string field_path = Join(path, field);
    if (field.is_repeated()) {
      SR2L_RETURN_IF_ERROR(CheckList(message, field, field_path));
    } else if (reflection.HasField(message, &field)) {
      SR2L_RETURN_IF_ERROR(CheckValue(message, field, field_path, /*index=*/0));
    } else if (RequiredFields().count(Key(field)) > 0) {
      return MustError(field_path, "be set", "nothing");
    }
  }
  for (int i = 0; i < descriptor.oneof_decl_count(); ++i) {
    SR2L_RETURN_IF_ERROR(CheckOneof(message, *descriptor.oneof_decl(i), path));
  }
  return absl::OkStatus();
}

}  // namespace sr2l
