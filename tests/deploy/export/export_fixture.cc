#include "tests/deploy/export/export_fixture.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/policy/member_file.h"
#include "common/status/check.h"
#include "common/task/resolve_task.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

void AppendLayer(int inputs, int outputs, std::mt19937& generator, std::vector<float>& parameters) {
  std::uniform_real_distribution<float> bias(-0.1F, 0.1F);
  const float bound = std::sqrt(6.0F / static_cast<float>(inputs + outputs));
  std::uniform_real_distribution<float> weight(-bound, bound);
  for (int i = 0; i < inputs * outputs; ++i) parameters.push_back(weight(generator));
  for (int i = 0; i < outputs; ++i) parameters.push_back(bias(generator));
}

}  // namespace

v1::TaskConfig ResolvedTask(const ExportCase& example) {
  v1::TaskConfig task;
  task.set_builtin(example.task);
  SR2L_CHECK(ResolveBuiltin(task).ok());
  return task;
}

v1::TrainedMember RandomMember(const ExportCase& example) {
  std::mt19937 generator(7);
  const v1::TaskConfig task = ResolvedTask(example);
  const int inputs = task.observation_dim();
  const int outputs = task.action_dim();
  v1::TrainedMember member;
  member.set_version(absl::StrCat("sr2l ", SR2L_VERSION, ", LibTorch 1.13.1"));
  member.set_task(task.name());
  member.set_seed(3);
  member.set_env_steps(500000);
  v1::PolicySnapshot& policy = *member.mutable_policy();
  policy.set_experiment_id("experiment");
  policy.set_version(500);
  v1::NetworkShape& network = *policy.mutable_network();
  network.set_inputs(inputs);
  network.add_hidden(64);
  network.add_hidden(64);
  network.set_outputs(outputs);
  network.set_activation(example.is_gaussian ? v1::TANH : v1::RELU);
  network.set_output_activation(example.is_gaussian ? v1::LINEAR : v1::TANH);
  std::vector<float> parameters;
  AppendLayer(inputs, 64, generator, parameters);
  AppendLayer(64, 64, generator, parameters);
  AppendLayer(64, outputs, generator, parameters);
  policy.set_parameters(parameters.data(), parameters.size() * sizeof(float));
  if (example.is_gaussian) policy.add_log_std(-0.5F);
  if (!example.is_normalized) return member;
  std::uniform_real_distribution<float> uniform(0.25F, 4.0F);
  for (int i = 0; i < inputs; ++i) {
    policy.mutable_normalization()->add_mean(uniform(generator) - 2);
    policy.mutable_normalization()->add_scale(uniform(generator));
  }
  policy.mutable_normalization()->set_clip(10);
  return member;
}

PolicyExport RandomExport(const ExportCase& example) {
  auto made = PolicyExport::Create(RandomMember(example), ResolvedTask(example));
  SR2L_CHECK(made.ok());
  return *std::move(made);
}

std::vector<float> RandomObservations(const ExportedPolicy& policy, int count) {
  std::mt19937 generator(11);
  std::uniform_real_distribution<float> deviations(-3, 3);
  std::vector<float> observations;
  for (int row = 0; row < count; ++row) {
    for (int i = 0; i < policy.observation_dim(); ++i) {
      const float deviation = deviations(generator);
      observations.push_back(policy.is_normalized() ? policy.mean[i] + deviation / policy.scale[i]
                                                    : deviation);
    }
  }
  return observations;
}

double GreatestDifference(const ExportedPolicy& policy, const std::vector<float>& controls,
                          const std::vector<float>& expected) {
  if (controls.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double greatest = 0;
  for (size_t i = 0; i < controls.size(); ++i) {
    const double difference = std::abs(static_cast<double>(controls[i]) - expected[i]);
    if (std::isnan(difference)) return difference;
    greatest = std::max(greatest, difference / policy.half_width[i % policy.half_width.size()]);
  }
  return greatest;
}

void WriteRun(const ExportCase& example, const std::vector<v1::TrainedMember>& members,
              const std::string& folder) {
  std::filesystem::create_directories(folder + "/policies");
  WriteFile(folder + "/experiment.textproto",
            absl::StrCat("task { builtin: \"", example.task, "\" }\n",
                         example.is_gaussian ? "trpo {}\n" : "ddpg {}\n",
                         "members { seeds: [0..", members.size() - 1, "] }\n"));
  for (size_t k = 0; k < members.size(); ++k) {
    v1::TrainedMember member = members[k];
    member.mutable_policy()->set_member(static_cast<uint32_t>(k));
    member.set_seed(k);
    WriteFile(absl::StrFormat("%s/policies/member_%03d.member", folder, k),
              EncodeMemberFile(member));
  }
}

}  // namespace sr2l
