#include "deploy/export/policy_export.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/digest/sha256.h"
#include "common/status/status_macros.h"
#include "deploy/cli/member_digest.h"
#include "deploy/export/choose_vectors.h"
#include "deploy/export/contract_json.h"
#include "deploy/export/task_contract.h"

namespace sr2l {
namespace {

constexpr char kThisVersion[] = "sr2l " SR2L_VERSION;

// By how much a control may differ, as a share of half its range: this, or so many times what
// rounding does to the vectors where that is more.
constexpr double kTolerance = 1e-6;
constexpr double kRoundingFactor = 4;

absl::Status CheckFits(const v1::NetworkShape& network, const CompiledTask& task,
                       const std::string& name) {
  const int observations = task.observer().dim();
  const int actions = task.action_map().dim();
  if (network.inputs() == observations && network.outputs() == actions) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the policy does not match the task ", name, ": it takes ", network.inputs(),
                   " observations and gives ", network.outputs(), " actions, the task has ",
                   observations, " and ", actions));
}

}  // namespace

absl::StatusOr<PolicyExport> PolicyExport::Create(const v1::TrainedMember& member,
                                                  const v1::TaskConfig& task) {
  const v1::PolicySnapshot& snapshot = member.policy();
  PolicyExport made;
  SR2L_ASSIGN_OR_RETURN(made.task_, CompiledTask::Create(task));
  SR2L_RETURN_IF_ERROR(CheckFits(snapshot.network(), *made.task_, task.name()));
  SR2L_ASSIGN_OR_RETURN(made.service_policy_, Policy::Create(snapshot));
  exported::Contract& contract = made.contract_;
  SR2L_RETURN_IF_ERROR(DescribeTask(task, *made.task_, contract));
  contract.set_policy(made.service_policy_->is_gaussian() ? "gaussian" : "deterministic");
  contract.set_normalized(snapshot.has_normalization());
  contract.set_experiment_id(snapshot.experiment_id());
  contract.set_member(snapshot.member());
  contract.set_seed(member.seed());
  contract.set_policy_version(static_cast<uint32_t>(snapshot.version()));
  contract.set_env_steps(static_cast<double>(member.env_steps()));
  contract.set_parameters_sha256(Sha256Hex(snapshot.parameters()));
  contract.set_member_sha256(DigestOf(member));
  contract.set_trained_with(member.version());
  contract.set_exported_with(kThisVersion);
  made.ReadPolicy(snapshot);
  SR2L_RETURN_IF_ERROR(made.MakeVectors());
  made.policy_.contract = FormatContract(contract);
  return made;
}

// The snapshot was checked by Policy::Create.
void PolicyExport::ReadPolicy(const v1::PolicySnapshot& snapshot) {
  const v1::NetworkShape& network = snapshot.network();
  const char* next = snapshot.parameters().data();
  const auto read = [&next](size_t count) {
    std::vector<float> values(count);
    std::memcpy(values.data(), next, count * sizeof(float));
    next += count * sizeof(float);
    return values;
  };
  int inputs = network.inputs();
  for (int i = 0; i <= network.hidden_size(); ++i) {
    const bool is_last = i == network.hidden_size();
    ExportedPolicy::Layer layer;
    layer.inputs = inputs;
    layer.outputs = is_last ? network.outputs() : network.hidden(i);
    layer.weight = read(static_cast<size_t>(layer.inputs) * layer.outputs);
    layer.bias = read(layer.outputs);
    layer.activation = is_last ? network.output_activation() : network.activation();
    inputs = layer.outputs;
    policy_.layers.push_back(std::move(layer));
  }
  if (snapshot.has_normalization()) {
    const v1::ObservationNormalization& given = snapshot.normalization();
    policy_.mean = {given.mean().begin(), given.mean().end()};
    policy_.scale = {given.scale().begin(), given.scale().end()};
    policy_.clip = given.clip();
  }
  policy_.log_std = {snapshot.log_std().begin(), snapshot.log_std().end()};
  for (const exported::Action& action : contract_.action()) {
    policy_.offset.push_back(static_cast<float>(action.low() + (action.high() - action.low()) / 2));
    policy_.half_width.push_back(static_cast<float>((action.high() - action.low()) / 2));
  }
}

absl::Status PolicyExport::MakeVectors() {
  SR2L_ASSIGN_OR_RETURN(ChosenVectors chosen,
                        ChooseVectors(policy_, [this](const std::vector<float>& observations) {
                          return ServiceControls(observations);
                        }));
  vectors_ = std::move(chosen.vectors);
  contract_.set_tolerance(std::max(kTolerance, kRoundingFactor * chosen.rounding));
  return absl::OkStatus();
}

std::vector<float> PolicyExport::ServiceControls(const std::vector<float>& observations) const {
  const size_t observation_dim = policy_.observation_dim();
  const size_t action_dim = policy_.action_dim();
  const size_t count = observations.size() / observation_dim;
  std::vector<float> controls;
  std::vector<float> normalized(observation_dim);
  std::vector<float> action(action_dim);
  std::vector<mjtNum> applied(action_dim);
  for (size_t row = 0; row < count; ++row) {
    service_policy_->Normalize(observations.data() + row * observation_dim, normalized.data());
    service_policy_->network().Forward(normalized.data(), 1, action.data());
    task_->action_map().Apply(action.data(), applied.data());
    for (const mjtNum control : applied) controls.push_back(static_cast<float>(control));
  }
  return controls;
}

}  // namespace sr2l
