#ifndef SR2L_LEARNER_NN_DEVICE_GRAPH_H_
#define SR2L_LEARNER_NN_DEVICE_GRAPH_H_

#include <torch/types.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace sr2l {

// Work on a device, captured once and from then on started by a single launch, however many
// kernels it has. A replay runs the captured kernels on the captured memory and nothing else:
// what the work did on the host, it did for the last time during the capture. So the work
// must read nothing back from the device, choose nothing by it, and find its tensors where they
// were. Not thread-safe.
class DeviceGraph {
 public:
  virtual ~DeviceGraph() = default;

  // Captures `work`, in place of what was captured before, without doing it. It must have been
  // done once before, so that its memory and libraries are there. Throws an exception where it
  // does what no graph can do.
  virtual void Capture(const std::function<void()>& work) = 0;

  // Starts the captured work, after all work that this thread started on the device before.
  virtual void Replay() = 0;
};

// Makes a graph for work on the device; nullptr where there is none.
using DeviceGraphMaker = std::function<std::unique_ptr<DeviceGraph>(torch::Device)>;

// A CUDA graph. None on the CPU, with a LibTorch without CUDA, and while SR2L_CUDA_GRAPHS=0 is
// set. While one is captured no other thread of this process may use CUDA.
std::unique_ptr<DeviceGraph> NewDeviceGraph(torch::Device device);
inline std::unique_ptr<DeviceGraph> NoDeviceGraph(torch::Device) { return nullptr; }

// A step that changes a state in place, by a graph of this state's memory.
class StepGraph {
 public:
  // `graph`: nullptr where there is none, and the step is to be done as it is.
  explicit StepGraph(std::unique_ptr<DeviceGraph> graph) : graph_(std::move(graph)) {}
  explicit operator bool() const { return graph_ != nullptr; }

  // Needs a graph. Whether Replay does the step: captures it, unless it was captured last for
  // the same memory and variant. `state` is all that it changes and that outlasts it, `variant`
  // what it chooses on the host. It is done once before, and undone. Where the capture fails, a
  // warning says why, and there is no graph from then on.
  bool Capture(const std::vector<torch::Tensor>& state, bool variant,
               const std::function<void()>& step);
  void Replay() { graph_->Replay(); }

 private:
  struct Captured {
    std::vector<const void*> memory;
    bool variant = false;
    bool operator==(const Captured&) const = default;
  };

  std::unique_ptr<DeviceGraph> graph_;
  Captured captured_;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_NN_DEVICE_GRAPH_H_
