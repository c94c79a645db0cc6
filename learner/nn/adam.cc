#include "learner/nn/adam.h"

#include <cmath>

#include "learner/nn/floats_on_cpu.h"
#include "learner/nn/member_reduce.h"
#include "learner/nn/vec8.h"

namespace sr2l {

AdamState AdamState::Zeros(const torch::Tensor& parameters) {
  return {.first = torch::zeros_like(parameters),
          .second = torch::zeros_like(parameters),
          .steps = torch::zeros({parameters.size(0)},
                                parameters.options().dtype(torch::kInt64))};
}

namespace {

void FusedAdamSteps(const AdamOptions& options, const torch::Tensor& gradient, AdamState& state,
                    torch::Tensor& parameters) {
  const auto member = [](const torch::Tensor& tensor, int64_t m) {
    return tensor.data_ptr<float>() + m * tensor.stride(0);
  };
  for (int64_t m = 0; m < parameters.size(0); ++m) {
    FusedAdamStep(options, ++state.steps.data_ptr<int64_t>()[m * state.steps.stride(0)],
                  {.gradient = member(gradient, m),
                   .first = member(state.first, m),
                   .second = member(state.second, m),
                   .parameters = member(parameters, m),
                   .size = parameters.size(1)});
  }
}

}  // namespace

void AdamStep(const AdamOptions& options, const torch::Tensor& gradient, AdamState& state,
              torch::Tensor& parameters) {
  if (FloatsOnCpu(parameters)) {
    FusedAdamSteps(options, gradient, state, parameters);
    return;
  }
  state.steps.add_(1);
  state.first.mul_(options.first_decay).add_(gradient, 1 - options.first_decay);
  state.second.mul_(options.second_decay)
      .addcmul_(gradient, gradient, 1 - options.second_decay);

  const torch::Tensor steps = state.steps.to(torch::kFloat64);
  const torch::Tensor first_bias = 1 - torch::pow(options.first_decay, steps);
  const torch::Tensor second_bias = 1 - torch::pow(options.second_decay, steps);
  const torch::Tensor rate = PerMember(options.learning_rate / first_bias, parameters);
  const torch::Tensor root_scale = PerMember(second_bias.rsqrt(), parameters);
  const torch::Tensor root = (state.second.sqrt() * root_scale).add_(options.stabilizer);
  parameters.sub_(state.first * rate / root);
}

void FusedAdamStep(const AdamOptions& options, int64_t step, const FusedAdamVectors& vectors) {
  const double first_bias = 1 - std::pow(options.first_decay, static_cast<double>(step));
  const double second_bias = 1 - std::pow(options.second_decay, static_cast<double>(step));
  const auto constant = [](double x) { return Broadcast(static_cast<float>(x)); };
  const Vec8 first_decay = constant(options.first_decay);
  const Vec8 first_share = constant(1 - options.first_decay);
  const Vec8 second_decay = constant(options.second_decay);
  const Vec8 second_share = constant(1 - options.second_decay);
  const Vec8 rate = constant(options.learning_rate / first_bias);
  const Vec8 root_scale = constant(1 / std::sqrt(second_bias));
  const Vec8 stabilizer = constant(options.stabilizer);
  const auto update = [&](int64_t i, const auto& load, const auto& store) {
    const Vec8 g = load(vectors.gradient + i);
    const Vec8 first = Fma(load(vectors.first + i), first_decay, first_share * g);
    const Vec8 second = Fma(load(vectors.second + i), second_decay, second_share * (g * g));
    const Vec8 root = Fma(Sqrt(second), root_scale, stabilizer);
    store(vectors.first + i, first);
    store(vectors.second + i, second);
    store(vectors.parameters + i, load(vectors.parameters + i) - rate * first / root);
  };
  int64_t i = 0;
  for (; i + 8 <= vectors.size; i += 8) {
    update(i, [](const float* from) { return Load(from); },
           [](float* to, Vec8 x) { Store(to, x); });
  }
  const int64_t rest = vectors.size - i;
  if (rest == 0) return;
  update(i, [rest](const float* from) { return LoadPartial(from, rest); },
         [rest](float* to, Vec8 x) { StorePartial(to, x, rest); });
}

}  // namespace sr2l
