#include "common/config/defaults.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/config/members.h"
#include "common/limits/limits.h"
#include "common/task/model_files.h"

namespace sr2l {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// `field` has an explicit default in the .proto file and is not set in `message`.
void WriteDefault(const FieldDescriptor& field, Message& message) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.SetInt32(&message, &field, field.default_value_int32());
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection.SetInt64(&message, &field, field.default_value_int64());
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.SetUInt32(&message, &field, field.default_value_uint32());
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection.SetUInt64(&message, &field, field.default_value_uint64());
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection.SetDouble(&message, &field, field.default_value_double());
    case FieldDescriptor::CPPTYPE_FLOAT:
      return reflection.SetFloat(&message, &field, field.default_value_float());
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.SetBool(&message, &field, field.default_value_bool());
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection.SetEnum(&message, &field, field.default_value_enum());
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.SetString(&message, &field, std::string(field.default_value_string()));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return;  // a message has no default value
  }
}

// The defaults that stand in the .proto files, in `message` and all messages within that
// are set.
void WriteDeclaredDefaults(Message& message) {
  const Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    const bool is_message = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (field.is_repeated()) {
      const int size = is_message ? reflection.FieldSize(message, &field) : 0;
      for (int j = 0; j < size; ++j) {
        WriteDeclaredDefaults(*reflection.MutableRepeatedMessage(&message, &field, j));
      }
    } else if (reflection.HasField(message, &field)) {
      if (is_message) WriteDeclaredDefaults(*reflection.MutableMessage(&message, &field));
    } else if (field.has_default_value() && field.containing_oneof() == nullptr) {
      WriteDefault(field, message);
    }
  }
}

void WriteHiddenLayers(google::protobuf::RepeatedField<int32_t>& hidden) {
  if (!hidden.empty()) return;
  hidden.Add(64);
  hidden.Add(64);
}

void WriteTrpoMessages(v1::TrpoConfig& trpo) {
  WriteHiddenLayers(*trpo.mutable_hidden());
  if (trpo.baseline_case() == v1::TrpoConfig::BASELINE_NOT_SET) trpo.mutable_value_network();
  if (trpo.has_value_network()) {
    WriteHiddenLayers(*trpo.mutable_value_network()->mutable_hidden());
  }
}

void WriteDdpgMessages(v1::DdpgConfig& ddpg) {
  WriteHiddenLayers(*ddpg.mutable_hidden());
  WriteHiddenLayers(*ddpg.mutable_critic_hidden());
  if (ddpg.exploration().noise_case() == v1::ExplorationConfig::NOISE_NOT_SET) {
    ddpg.mutable_exploration()->mutable_ornstein_uhlenbeck();
  }
}

void WriteTaskMessages(v1::TaskConfig& task) {
  if (!task.has_name() && !task.model().empty()) task.set_name(TaskNameOf(task.model()));
  task.mutable_reset()->mutable_qpos();
  task.mutable_reset()->mutable_qvel();
}

void WriteMembers(v1::ExperimentConfig& config) {
  v1::MembersConfig& members = *config.mutable_members();
  const bool smooth = config.has_smoothness();
  for (v1::MemberConfig& member : *members.mutable_member()) {
    if (!member.has_radius()) member.set_radius(smooth ? config.smoothness().radius() : 0);
    if (!member.has_coefficient()) {
      member.set_coefficient(smooth ? config.smoothness().coefficient() : 0);
    }
  }
  if (members.member_size() > 0) return;
  if (members.seeds_size() == 0) members.add_seeds(0);
  if (!smooth) return;
  if (members.radius_size() == 0) members.add_radius(config.smoothness().radius());
  if (members.coefficient_size() == 0) members.add_coefficient(config.smoothness().coefficient());
}

bool AnyCoefficient(const v1::ExperimentConfig& config) {
  if (!config.has_smoothness()) return false;
  const v1::MembersConfig& members = config.members();
  const auto positive = [](double coefficient) { return coefficient > 0; };
  return std::any_of(members.coefficient().begin(), members.coefficient().end(), positive) ||
         std::any_of(members.member().begin(), members.member().end(),
                     [&](const v1::MemberConfig& m) { return positive(m.coefficient()); });
}

// As the paper calls it. Requires the members' coefficients to be written out.
std::string AlgorithmName(const v1::ExperimentConfig& config) {
  const bool smooth = AnyCoefficient(config);
  if (config.has_trpo()) return smooth ? "trpo_sr" : "trpo";
  if (!smooth) return "ddpg";
  return config.smoothness().on() == v1::SmoothnessConfig::CRITIC ? "ddpg_sr_c" : "ddpg_sr_a";
}

void WriteName(v1::ExperimentConfig& config) {
  const v1::TaskConfig& task = config.task();
  const std::string& task_name = task.has_name() ? task.name() : task.builtin();
  const bool unknown = config.algorithm_case() == v1::ExperimentConfig::ALGORITHM_NOT_SET;
  if (config.has_name() || task_name.empty() || unknown) return;
  config.set_name(absl::StrCat(AlgorithmName(config), "_", task_name).substr(0, kMaxNameLength));
}

}  // namespace

void WriteDefaults(v1::ExperimentConfig& config) {
  const bool whole_task = config.has_task() && !config.task().has_builtin();
  if (config.has_trpo()) WriteTrpoMessages(*config.mutable_trpo());
  if (config.has_ddpg()) WriteDdpgMessages(*config.mutable_ddpg());
  if (whole_task) WriteTaskMessages(*config.mutable_task());
  WriteMembers(config);
  WriteName(config);
  // Before the declared ones: they depend on each other.
  if (config.has_ddpg() && config.collection() == v1::FREE_RUNNING) {
    WriteLimiterDefaults(config.ddpg(), *config.mutable_limiter());
  }
  v1::TaskConfig builtin_task;
  if (config.has_task() && !whole_task) builtin_task.Swap(config.mutable_task());
  WriteDeclaredDefaults(config);
  if (config.has_task() && !whole_task) builtin_task.Swap(config.mutable_task());
}

}  // namespace sr2l
