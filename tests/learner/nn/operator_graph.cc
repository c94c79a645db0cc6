#include "tests/learner/nn/operator_graph.h"

#include <torch/library.h>

#include <algorithm>

namespace sr2l {
namespace {

using torch::jit::Stack;

constexpr c10::DispatchKey kMode = c10::DispatchKey::TESTING_ONLY_GenericMode;

OperatorGraph* capturing = nullptr;

void CallCaptured(const c10::OperatorHandle& op, Stack* stack) { capturing->Call(op, stack); }

TORCH_LIBRARY_IMPL(_, TESTING_ONLY_GenericMode, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&CallCaptured>());
}

void ForEachTensor(const Stack& values, const std::function<void(const torch::Tensor&)>& function) {
  for (const c10::IValue& value : values) {
    if (value.isTensor() && value.toTensor().defined()) function(value.toTensor());
    if (!value.isTensorList()) continue;
    for (const torch::Tensor& tensor : value.toTensorVector()) function(tensor);
  }
}

const void* Storage(const torch::Tensor& tensor) {
  return tensor.storage().unsafeGetStorageImpl();
}

bool Waits(const std::string& name) {
  static const std::set<std::string> names = {
      "aten::item",         "aten::_local_scalar_dense", "aten::is_nonzero", "aten::equal",
      "aten::nonzero",      "aten::masked_select",       "aten::allclose",   "aten::unique_dim",
      "aten::_unique2",     "aten::repeat_interleave",   "aten::bincount"};
  return names.count(name) > 0;
}

// New memory, not a view of an argument's.
bool MakesMemory(const Stack& arguments, const Stack& results) {
  std::set<const void*> given;
  ForEachTensor(arguments, [&](const torch::Tensor& tensor) { given.insert(Storage(tensor)); });
  bool makes = false;
  ForEachTensor(results,
                [&](const torch::Tensor& tensor) { makes |= given.count(Storage(tensor)) == 0; });
  return makes;
}

bool Computes(const c10::OperatorHandle& op, const Stack& arguments, const Stack& results) {
  if (op.schema().name().rfind("aten::empty", 0) == 0) return false;
  return op.schema().is_mutable() || MakesMemory(arguments, results);
}

}  // namespace

void OperatorGraph::KeepBefore(const torch::Tensor& tensor) {
  const void* storage = Storage(tensor);
  if (made_.count(storage) > 0 || before_.count(storage) > 0) return;
  const torch::Tensor bytes =
      torch::empty({0}, torch::kUInt8)
          .set_(tensor.storage(), 0, {static_cast<int64_t>(tensor.storage().nbytes())});
  before_[storage] = {bytes, bytes.clone()};
}

void OperatorGraph::Call(const c10::OperatorHandle& op, Stack* stack) {
  const c10::impl::ExcludeDispatchKeyGuard once(kMode);
  Stack arguments(stack->end() - op.schema().arguments().size(), stack->end());
  ForEachTensor(arguments, [this](const torch::Tensor& tensor) { KeepBefore(tensor); });
  op.callBoxed(stack);
  Stack results(stack->end() - op.schema().returns().size(), stack->end());
  if (Waits(op.schema().name())) waits_.insert(op.schema().name());
  ForEachTensor(results, [this](const torch::Tensor& tensor) {
    if (before_.count(Storage(tensor)) == 0) made_.insert(Storage(tensor));
  });
  operators_.push_back({op, std::move(arguments), std::move(results)});
}

void OperatorGraph::Capture(const std::function<void()>& work) {
  ++captures_;
  operators_.clear();
  before_.clear();
  made_.clear();
  capturing = this;
  {
    const c10::impl::IncludeDispatchKeyGuard on(kMode);
    work();
  }
  capturing = nullptr;
  for (auto& [storage, kept] : before_) kept.tensor.copy_(kept.copy);
}

void OperatorGraph::Replay() {
  ++replays_;
  for (const Operator& captured : operators_) {
    if (!Computes(captured.op, captured.arguments, captured.results)) continue;
    Stack stack = captured.arguments;
    captured.op.callBoxed(&stack);
    for (size_t i = 0; i < stack.size(); ++i) {
      if (!stack[i].isTensor() || !stack[i].toTensor().defined()) continue;
      torch::Tensor kept = captured.results[i].toTensor();
      if (Storage(kept) != Storage(stack[i].toTensor())) kept.copy_(stack[i].toTensor());
    }
  }
}

std::map<std::string, int64_t> OperatorGraph::Computing() const {
  std::map<std::string, int64_t> count;
  for (const Operator& captured : operators_) {
    if (Computes(captured.op, captured.arguments, captured.results)) {
      ++count[captured.op.schema().name()];
    }
  }
  return count;
}

}  // namespace sr2l
