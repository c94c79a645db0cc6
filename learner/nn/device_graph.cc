#include "learner/nn/device_graph.h"

#ifdef SR2L_HAS_CUDA
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/version.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <string_view>
#endif

#include <exception>

namespace sr2l {

#ifdef SR2L_HAS_CUDA
namespace {

// The stream that is used by default cannot be captured. One for each device, as LibTorch keeps
// memory for the matrix library on every stream that was ever used.
c10::cuda::CUDAStream CaptureStream(c10::DeviceIndex device) {
  static std::mutex mutex;
  static std::map<c10::DeviceIndex, c10::cuda::CUDAStream> streams;
  const std::lock_guard lock(mutex);
  const auto found = streams.find(device);
  if (found != streams.end()) return found->second;
  return streams.emplace(device, c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device))
      .first->second;
}

class CudaGraph : public DeviceGraph {
 public:
  explicit CudaGraph(torch::Device device)
      : device_(device.has_index() ? device.index() : c10::cuda::current_device()) {}

  void Capture(const std::function<void()>& work) override {
    c10::cuda::getCurrentCUDAStream(device_).synchronize();
    graph_ = std::make_unique<at::cuda::CUDAGraph>();
    const c10::cuda::CUDAStreamGuard elsewhere(CaptureStream(device_));
    try {
      Begin();
      work();
      graph_->capture_end();
    } catch (...) {
      GiveUp();
      throw;
    }
  }

  void Replay() override { graph_->replay(); }

 private:
  void Begin() {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 1)
    graph_->capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
#else
    graph_->capture_begin();
#endif
  }

  // The stream must not go on capturing; the allocator may ask for the graph as long as it lives.
  void GiveUp() {
    try {
      graph_->capture_end();
    } catch (const std::exception&) {  // has ended
    }
    static_cast<void>(graph_.release());
  }

  const c10::DeviceIndex device_;
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

bool StepGraph::Capture(const std::vector<torch::Tensor>& state, bool variant,
                        const std::function<void()>& step) {
  Captured wanted = {.memory = {}, .variant = variant};
  for (const torch::Tensor& tensor : state) wanted.memory.push_back(tensor.data_ptr());
  if (captured_ == wanted) return true;
  std::vector<torch::Tensor> before;
  for (const torch::Tensor& tensor : state) before.push_back(tensor.clone());
  step();
  for (size_t i = 0; i < state.size(); ++i) torch::Tensor(state[i]).copy_(before[i]);
  try {
    graph_->Capture(step);
  } catch (const std::exception& error) {
    TORCH_WARN("goes on without a graph, as it cannot be captured: ", error.what());
    graph_ = nullptr;
    return false;
  }
  captured_ = std::move(wanted);
  return true;
}

}  // namespace sr2l
