#include "learner/checkpoint/state_tensors.h"

#include <cstring>

#include "absl/strings/str_cat.h"

namespace sr2l {
namespace {

v1::NamedTensor::Type TypeOf(const torch::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case torch::kFloat32:
      return v1::NamedTensor::FLOAT32;
    case torch::kFloat64:
      return v1::NamedTensor::FLOAT64;
    case torch::kInt64:
      return v1::NamedTensor::INT64;
    default:
      return v1::NamedTensor::TYPE_UNSPECIFIED;
  }
}

const v1::NamedTensor* Find(const v1::MemberCheckpoint& member, const std::string& name) {
  for (const v1::NamedTensor& tensor : member.tensors()) {
    if (tensor.name() == name) return &tensor;
  }
  return nullptr;
}

bool SameSizes(const torch::Tensor& tensor, const v1::NamedTensor& saved) {
  return tensor.sizes() == torch::IntArrayRef(saved.sizes().data(), saved.sizes_size()) &&
         saved.values().size() == tensor.nbytes();
}

}  // namespace

StateTensors TensorsOf(TrpoState& state) {
  return {{"policy", &state.policy},
          {"baseline", &state.baseline.parameters},
          {"baseline_adam_first", &state.baseline.adam.first},
          {"baseline_adam_second", &state.baseline.adam.second},
          {"baseline_adam_steps", &state.baseline.adam.steps}};
}

StateTensors TensorsOf(DdpgState& state) {
  return {{"actor", &state.actor},
          {"critic", &state.critic},
          {"target_actor", &state.target_actor},
          {"target_critic", &state.target_critic},
          {"actor_adam_first", &state.actor_adam.first},
          {"actor_adam_second", &state.actor_adam.second},
          {"actor_adam_steps", &state.actor_adam.steps},
          {"critic_adam_first", &state.critic_adam.first},
          {"critic_adam_second", &state.critic_adam.second},
          {"critic_adam_steps", &state.critic_adam.steps},
          {"updates", &state.updates}};
}

void SaveRow(const StateTensors& tensors, int64_t row, v1::MemberCheckpoint& member) {
  for (const auto& [name, tensor] : tensors) {
    if (!tensor->defined()) continue;
    const torch::Tensor values = (*tensor)[row].cpu().contiguous();
    v1::NamedTensor& saved = *member.add_tensors();
    saved.set_name(name);
    saved.set_type(TypeOf(values));
    saved.mutable_sizes()->Assign(values.sizes().begin(), values.sizes().end());
    saved.set_values(values.data_ptr(), values.numel() * values.element_size());
  }
}

absl::Status LoadRow(const v1::MemberCheckpoint& member, int64_t row,
                     const StateTensors& tensors) {
  for (const auto& [name, tensor] : tensors) {
    if (!tensor->defined()) continue;
    torch::Tensor to = (*tensor)[row];
    const v1::NamedTensor* saved = Find(member, name);
    if (saved == nullptr || saved->type() != TypeOf(to) || !SameSizes(to, *saved)) {
      return absl::DataLossError(absl::StrCat(
          "the checkpoint of member ", member.member(), " has no tensor ", name,
          " of this experiment's type and sizes"));
    }
    torch::Tensor values = torch::empty(to.sizes(), to.options().device(torch::kCPU));
    std::memcpy(values.data_ptr(), saved->values().data(), saved->values().size());
    to.copy_(values);
  }
  return absl::OkStatus();
}

}  // namespace sr2l
