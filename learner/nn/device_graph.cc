#include "learner/nn/device_graph.h"

#ifdef SR2L_HAS_CUDA
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#endif

namespace sr2l {

#ifdef SR2L_HAS_CUDA
namespace {

class CudaGraph : public DeviceGraph {
 public:
  explicit CudaGraph(torch::Device device) : device_(device) {}

  void Capture(const std::function<void()>& work) override {
    torch::cuda::synchronize(device_.index());
    graph_ = std::make_unique<at::cuda::CUDAGraph>();
    // The stream that is used by default cannot be captured.
    const c10::cuda::CUDAStreamGuard elsewhere(
        c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device_.index()));
    try {
      Begin();
      work();
      graph_->capture_end();
    } catch (const c10::Error& error) {
      throw std::runtime_error(std::string("no CUDA graph of this work (SR2L_CUDA_GRAPHS=0 does "
                                           "without): ") +
                               error.what_without_backtrace());
    }
  }

  void Replay() override { graph_->replay(); }

 private:
  void Begin() {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 1)
    // Other threads may allocate meanwhile.
    graph_->capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
#else
    graph_->capture_begin();
#endif
  }

  const torch::Device device_;
  std::unique_ptr<at::cuda::CUDAGraph> graph_;
};

}  // namespace

std::unique_ptr<DeviceGraph> NewDeviceGraph(torch::Device device) {
  const char* wanted = std::getenv("SR2L_CUDA_GRAPHS");
  if (!device.is_cuda() || (wanted != nullptr && std::string_view(wanted) == "0")) return nullptr;
  return std::make_unique<CudaGraph>(device);
}
#else
std::unique_ptr<DeviceGraph> NewDeviceGraph(torch::Device) { return nullptr; }
#endif

void StepGraph::Capture(const std::vector<torch::Tensor>& state, bool variant,
                        const std::function<void()>& step) {
  Captured wanted = {.memory = {}, .variant = variant};
  std::vector<torch::Tensor> before;
  for (const torch::Tensor& tensor : state) wanted.memory.push_back(tensor.data_ptr());
  if (captured_ == wanted) return;
  for (const torch::Tensor& tensor : state) before.push_back(tensor.clone());
  step();
  for (size_t i = 0; i < state.size(); ++i) torch::Tensor(state[i]).copy_(before[i]);
  graph_->Capture(step);
  captured_ = std::move(wanted);
}

}  // namespace sr2l
