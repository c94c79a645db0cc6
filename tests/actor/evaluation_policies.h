#ifndef SR2L_TESTS_ACTOR_EVALUATION_POLICIES_H_
#define SR2L_TESTS_ACTOR_EVALUATION_POLICIES_H_

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "common/policy/policy.h"
#include "common/random/philox.h"

// Policies with known parameters, and what they compute, in double, by the definition.
namespace sr2l {

inline std::string FloatBytes(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

// Uniform in (-scale, scale); `index` tells the arrays of a test apart.
inline std::vector<float> UniformFloats(size_t count, uint64_t index, double scale) {
  std::vector<double> uniforms(count);
  Philox(/*seed=*/11, Purpose::kPolicyInit)
      .FillUniform(index, static_cast<uint32_t>(count), uniforms.data());
  std::vector<float> numbers;
  for (const double uniform : uniforms) {
    numbers.push_back(static_cast<float>(scale * (2 * uniform - 1)));
  }
  return numbers;
}

// Two hidden layers of 32; `gain` 1 is about Xavier's weights, 3 those of a policy that has
// learned for long. `log_std` empty: deterministic, with tanh at the end.
inline v1::PolicySnapshot RandomPolicy(int observations, int actions, double gain,
                                       const std::vector<float>& log_std,
                                       v1::Activation activation = v1::TANH) {
  v1::PolicySnapshot snapshot;
  v1::NetworkShape& shape = *snapshot.mutable_network();
  shape.set_inputs(observations);
  shape.add_hidden(32);
  shape.add_hidden(32);
  shape.set_outputs(actions);
  shape.set_activation(activation);
  shape.set_output_activation(log_std.empty() ? v1::TANH : v1::LINEAR);
  snapshot.set_parameters(FloatBytes(
      UniformFloats(static_cast<size_t>(Mlp::NumParameters(shape)), /*index=*/1, 0.3 * gain)));
  snapshot.mutable_log_std()->Assign(log_std.begin(), log_std.end());
  return snapshot;
}

// mu(s) = W s with W [actions, observations], row-major.
inline v1::PolicySnapshot LinearPolicy(const std::vector<std::vector<float>>& matrix,
                                       const std::vector<float>& log_std) {
  v1::PolicySnapshot snapshot;
  v1::NetworkShape& shape = *snapshot.mutable_network();
  const size_t inputs = matrix.front().size();
  shape.set_inputs(static_cast<int>(inputs));
  shape.set_outputs(static_cast<int>(matrix.size()));
  shape.set_activation(v1::TANH);
  shape.set_output_activation(v1::LINEAR);
  std::vector<float> parameters;
  for (size_t in = 0; in < inputs; ++in) {
    for (const std::vector<float>& row : matrix) parameters.push_back(row[in]);
  }
  parameters.resize(parameters.size() + matrix.size());  // the bias
  snapshot.set_parameters(FloatBytes(parameters));
  snapshot.mutable_log_std()->Assign(log_std.begin(), log_std.end());
  return snapshot;
}

inline double Activate(v1::Activation activation, double x) {
  if (activation == v1::TANH) return std::tanh(x);
  if (activation == v1::RELU) return x > 0 ? x : 0;
  return x;
}

// The mean at a normalized observation, one sum at a time.
inline std::vector<double> SlowMean(const v1::PolicySnapshot& snapshot,
                                    std::vector<double> values) {
  const v1::NetworkShape& shape = snapshot.network();
  const float* next = reinterpret_cast<const float*>(snapshot.parameters().data());
  for (int layer = 0; layer <= shape.hidden_size(); ++layer) {
    const bool last = layer == shape.hidden_size();
    const size_t out = static_cast<size_t>(last ? shape.outputs() : shape.hidden(layer));
    std::vector<double> sums(out);
    for (size_t i = 0; i < values.size(); ++i) {
      for (size_t j = 0; j < out; ++j) sums[j] += values[i] * next[i * out + j];
    }
    next += values.size() * out;
    for (size_t j = 0; j < out; ++j) {
      sums[j] = Activate(last ? shape.output_activation() : shape.activation(), sums[j] + next[j]);
    }
    next += out;
    values = sums;
  }
  return values;
}

// D(pi(s), pi(s + delta)), as the paper writes it.
inline double SlowDivergence(const v1::PolicySnapshot& snapshot, const std::vector<float>& state,
                             const std::vector<float>& delta) {
  std::vector<double> moved;
  for (size_t i = 0; i < state.size(); ++i) moved.push_back(double{state[i]} + double{delta[i]});
  const std::vector<double> here = SlowMean(snapshot, {state.begin(), state.end()});
  const std::vector<double> there = SlowMean(snapshot, moved);
  double sum = 0;
  for (size_t i = 0; i < here.size(); ++i) {
    double weight = 1;
    if (snapshot.log_std_size() > 0) {
      const int index = snapshot.log_std_size() == 1 ? 0 : static_cast<int>(i);
      weight = 0.5 * std::exp(-2.0 * double{snapshot.log_std(index)});
    }
    sum += weight * (here[i] - there[i]) * (here[i] - there[i]);
  }
  return sum;
}

inline std::shared_ptr<const Policy> MakePolicy(const v1::PolicySnapshot& snapshot) {
  auto policy = Policy::Create(snapshot);
  EXPECT_TRUE(policy.ok()) << policy.status();
  return *policy;
}

}  // namespace sr2l

#endif  // SR2L_TESTS_ACTOR_EVALUATION_POLICIES_H_
