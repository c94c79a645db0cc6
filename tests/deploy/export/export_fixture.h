#ifndef SR2L_TESTS_DEPLOY_EXPORT_EXPORT_FIXTURE_H_
#define SR2L_TESTS_DEPLOY_EXPORT_EXPORT_FIXTURE_H_

#include <string>
#include <vector>

#include "deploy/export/policy_export.h"
#include "sr2l/v1/policy.pb.h"
#include "sr2l/v1/task.pb.h"

namespace sr2l {

struct ExportCase {
  const char* name;
  const char* task;
  bool is_gaussian;  // 64x64 tanh and a linear mean, as trpo has it; else ddpg's ReLU and tanh
  bool is_normalized;
};

inline constexpr ExportCase kExportCases[] = {
    {"PendulumGaussian", "inverted_pendulum", true, false},
    {"PendulumGaussianNormalized", "inverted_pendulum", true, true},
    {"PendulumDeterministic", "inverted_pendulum", false, false},
    {"PendulumDeterministicNormalized", "inverted_pendulum", false, true},
    {"CheetahGaussian", "half_cheetah", true, false},
    {"CheetahGaussianNormalized", "half_cheetah", true, true},
    {"CheetahDeterministic", "half_cheetah", false, false},
    {"CheetahDeterministicNormalized", "half_cheetah", false, true},
};

v1::TaskConfig ResolvedTask(const ExportCase& example);

// A member with weights as training starts from them, and random biases and statistics.
v1::TrainedMember RandomMember(const ExportCase& example);

PolicyExport RandomExport(const ExportCase& example);

// `count` observations [count, O] as an environment may give them: within three standard
// deviations of the mean.
std::vector<float> RandomObservations(const ExportedPolicy& policy, int count);

// The greatest difference of controls from expected ones, as a share of half the range.
double GreatestDifference(const ExportedPolicy& policy, const std::vector<float>& controls,
                          const std::vector<float>& expected);

// A run's folder with these members in it, the k-th as member k.
void WriteRun(const ExportCase& example, const std::vector<v1::TrainedMember>& members,
              const std::string& folder);

}  // namespace sr2l

#endif  // SR2L_TESTS_DEPLOY_EXPORT_EXPORT_FIXTURE_H_
