#include "learner/torchscript/torchscript_policy.h"

#include <torch/script.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace sr2l {
namespace {

constexpr char kContractFile[] = "contract.json";

torch::Tensor ToTensor(const std::vector<float>& values) {
  return torch::tensor(values, torch::kFloat32);
}

std::string Expression(v1::Activation activation, const std::string& argument) {
  if (activation == v1::TANH) return absl::StrCat("torch.tanh(", argument, ")");
  if (activation == v1::RELU) return absl::StrCat("torch.relu(", argument, ")");
  return argument;
}

std::string Source(const ExportedPolicy& policy) {
  std::string source = "def forward(self, observation):\n    x = observation\n";
  if (policy.is_normalized()) {
    source += "    x = torch.clamp((x - self.mean) * self.scale, -self.clip, self.clip)\n";
  }
  for (size_t i = 0; i < policy.layers.size(); ++i) {
    const std::string sum = absl::StrCat("torch.linear(x, self.weight_", i, ", self.bias_", i, ")");
    absl::StrAppend(&source, "    x = ", Expression(policy.layers[i].activation, sum), "\n");
  }
  return source + "    return self.offset + self.half_width * torch.clamp(x, -1.0, 1.0)\n";
}

torch::jit::Module MakeModule(const ExportedPolicy& policy) {
  torch::jit::Module module("Policy");
  if (policy.is_normalized()) {
    module.register_buffer("mean", ToTensor(policy.mean));
    module.register_buffer("scale", ToTensor(policy.scale));
    module.register_attribute("clip", c10::FloatType::get(), static_cast<double>(policy.clip));
  }
  for (size_t i = 0; i < policy.layers.size(); ++i) {
    const ExportedPolicy::Layer& layer = policy.layers[i];
    const torch::Tensor weight =
        ToTensor(layer.weight).view({layer.inputs, layer.outputs}).t().contiguous();
    module.register_buffer(absl::StrCat("weight_", i), weight);
    module.register_buffer(absl::StrCat("bias_", i), ToTensor(layer.bias));
  }
  module.register_buffer("offset", ToTensor(policy.offset));
  module.register_buffer("half_width", ToTensor(policy.half_width));
  module.define(Source(policy));
  module.eval();
  return module;
}

// LibTorch's messages end in a listing of where they came from.
std::string FirstLine(const char* text) {
  return std::vector<std::string>(absl::StrSplit(text, absl::MaxSplits('\n', 1))).front();
}

}  // namespace

absl::Status WriteTorchScript(const ExportedPolicy& policy, const std::string& path) {
  try {
    MakeModule(policy).save(path, {{kContractFile, policy.contract}});
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return absl::UnavailableError(
        absl::StrCat("cannot write ", path, ": ", FirstLine(error.what())));
  }
}

absl::StatusOr<std::vector<std::vector<float>>> RunTorchScript(
    const std::string& path, const std::vector<std::vector<float>>& observations) {
  try {
    torch::jit::Module module = torch::jit::load(path);
    torch::InferenceMode inference;
    std::vector<std::vector<float>> actions;
    for (const std::vector<float>& observation : observations) {
      const torch::Tensor action =
          module.forward({ToTensor(observation)}).toTensor().to(torch::kFloat32).contiguous();
      const float* first = action.data_ptr<float>();
      actions.emplace_back(first, first + action.numel());
    }
    return actions;
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " does not run: ", FirstLine(error.what())));
  }
}

}  // namespace sr2l
