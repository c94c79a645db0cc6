#ifndef SR2L_LEARNER_ALGORITHMS_VALUE_NETWORK_H_
#define SR2L_LEARNER_ALGORITHMS_VALUE_NETWORK_H_

#include <map>
#include <memory>
#include <vector>

#include "learner/algorithms/baseline.h"
#include "learner/nn/fused_regression.h"
#include "learner/nn/mlp.h"

namespace sr2l {

struct ValueNetworkOptions {
  std::vector<int64_t> hidden = {64, 64};
  Activation activation = Activation::kTanh;
  int epochs = 10;
  int minibatch_size = 64;
  double learning_rate = 2.5e-4;
};

struct ValueNetworkSize {
  int64_t members = 0;  // M
  int64_t inputs = 0;   // O
  int64_t rows = 0;     // B, examples per member
};

// A network fitted to generalized-advantage value targets by minibatch Adam: `epochs` passes
// over the round, each in a random order of its own, minimizing mean (V - target)^2 of a
// minibatch (the last of a pass may be smaller). Adam's memory lasts from fit to fit.
class ValueNetwork : public Baseline {
 public:
  // Throws std::invalid_argument, naming the option: epochs or minibatch_size < 1,
  // learning_rate not positive and finite.
  static void Check(const ValueNetworkOptions& options);
  static MlpShape Shape(const ValueNetworkOptions& options, int64_t inputs);
  // Before the first fit, on `device`.
  static BaselineState InitialState(const ValueNetworkOptions& options, int64_t inputs,
                                    const std::vector<uint64_t>& seeds, torch::Device device);

  ValueNetwork(const ValueNetworkOptions& options, double gae_lambda,
               const ValueNetworkSize& size, const MlpPlacement& placement);

  double TargetLambda() const override { return gae_lambda_; }
  torch::Tensor Predict(const BaselineState& state, const BaselineInputs& inputs) override;
  void Fit(const BaselineInputs& inputs, const torch::Tensor& targets, const FitIndex& index,
           BaselineState& state) override;

 private:
  // What a step of Adam works on, by operators.
  struct Minibatch {
    torch::Tensor inputs;    // [M, rows, O]
    torch::Tensor targets;   // [M, rows, 1]
    torch::Tensor gradient;  // [M, V]
    MlpPoint point;
    StepGraph graph;
  };

  Minibatch& MinibatchOf(int64_t rows);
  void Step(Minibatch& minibatch, BaselineState& state);
  void FitFused(const BaselineInputs& inputs, const torch::Tensor& targets,
                const FitIndex& index, BaselineState& state);
  void FitByOperators(const BaselineInputs& inputs, const torch::Tensor& targets,
                      const FitIndex& index, BaselineState& state);

  const ValueNetworkOptions options_;
  const double gae_lambda_;
  const AdamOptions adam_;
  const MlpPlacement placement_;
  BatchedMlp mlp_;
  MlpPoint point_;
  std::unique_ptr<FusedRegression> fused_;  // null: by operators
  std::map<int64_t, Minibatch> minibatches_;  // by number of rows; none where fused
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_VALUE_NETWORK_H_
