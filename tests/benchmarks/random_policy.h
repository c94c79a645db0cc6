#ifndef SR2L_TESTS_BENCHMARKS_RANDOM_POLICY_H_
#define SR2L_TESTS_BENCHMARKS_RANDOM_POLICY_H_

#include <vector>

#include "common/policy/mlp.h"
#include "common/random/philox.h"
#include "sr2l/v1/policy.pb.h"
#include "sr2l/v1/task.pb.h"

namespace sr2l {

// A Gaussian policy for the task, version 0 of member 0: 64 x 64 tanh units, weights
// N(0, 0.1^2), standard deviation 1. The same each time.
inline v1::PolicySnapshot RandomPolicy(const v1::TaskConfig& task) {
  v1::PolicySnapshot snapshot;
  v1::NetworkShape& shape = *snapshot.mutable_network();
  shape.set_inputs(task.observation_dim());
  shape.add_hidden(64);
  shape.add_hidden(64);
  shape.set_outputs(task.action_dim());
  shape.set_activation(v1::TANH);
  shape.set_output_activation(v1::LINEAR);
  std::vector<float> parameters(Mlp::NumParameters(shape));
  const Philox random(1, Purpose::kPolicyInit);
  for (size_t i = 0; i < parameters.size(); ++i) {
    parameters[i] = static_cast<float>(0.1 * random.Normal(i, 0));
  }
  snapshot.set_parameters(parameters.data(), parameters.size() * sizeof(float));
  for (int i = 0; i < task.action_dim(); ++i) snapshot.add_log_std(0);
  return snapshot;
}

}  // namespace sr2l

#endif  // SR2L_TESTS_BENCHMARKS_RANDOM_POLICY_H_
