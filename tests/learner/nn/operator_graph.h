#ifndef SR2L_TESTS_LEARNER_NN_OPERATOR_GRAPH_H_
#define SR2L_TESTS_LEARNER_NN_OPERATOR_GRAPH_H_

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "learner/nn/device_graph.h"

namespace sr2l {

// What a CUDA graph does, done on the CPU: captures the operators that work calls, with the very
// tensors it calls them on, takes back what they changed, and at a replay calls the same
// operators on the same memory. Work that depends on anything that a graph does not repeat
// (a tensor that is another one the next time, a choice by the host) gives other results in
// the replay than when it is done again. Loops over a tensor's memory are no operators and are
// not repeated. One at a time; allocates freely, as the memory of captured results is kept.
class OperatorGraph : public DeviceGraph {
 public:
  void Capture(const std::function<void()>& work) override;
  void Replay() override;

  int captures() const { return captures_; }
  int replays() const { return replays_; }
  // Operators of the capture that wait for the device, by name: none in work for a graph.
  const std::set<std::string>& waits() const { return waits_; }
  // Number of captured operators that compute, by name.
  std::map<std::string, int64_t> Computing() const;

  // Called for every operator while capturing.
  void Call(const c10::OperatorHandle& op, torch::jit::Stack* stack);

 private:
  struct Operator {
    c10::OperatorHandle op;
    torch::jit::Stack arguments;
    torch::jit::Stack results;
  };
  struct Before {
    torch::Tensor tensor;  // its whole storage as bytes
    torch::Tensor copy;
  };

  void KeepBefore(const torch::Tensor& tensor);

  std::vector<Operator> operators_;
  std::map<const void*, Before> before_;  // by storage
  std::set<const void*> made_;            // storages that the work itself made
  std::set<std::string> waits_;
  int captures_ = 0;
  int replays_ = 0;
};

}  // namespace sr2l

#endif  // SR2L_TESTS_LEARNER_NN_OPERATOR_GRAPH_H_
