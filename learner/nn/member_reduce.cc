#include "learner/nn/member_reduce.h"

#include <ATen/Dispatch.h>

#include <array>
#include <cmath>
#include <vector>

namespace sr2l {
namespace {

// Sums term(0) ... term(count - 1) in eight interleaved lanes.
template <typename Term>
double LaneSum(int64_t count, const Term& term) {
  std::array<double, 8> lanes = {};
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (int64_t lane = 0; lane < 8; ++lane) lanes[lane] += term(i + lane);
  }
  for (int64_t lane = 0; i + lane < count; ++lane) lanes[lane] += term(i + lane);
  return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
         ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

int64_t MemberSize(const torch::Tensor& values) {
  return values.size(0) == 0 ? 0 : values.numel() / values.size(0);
}

// Members may be strided, the rest not. (A parameter's part of a larger vector is.)
torch::Tensor Flat(const torch::Tensor& values) {
  return values.dim() == 2 && values.stride(1) == 1 ? values
                                                    : values.contiguous().flatten(1);
}

}  // namespace

torch::Tensor MemberSum(const torch::Tensor& values) {
  if (!values.is_cpu()) return values.flatten(1).sum(1, false, torch::kFloat64);
  const torch::Tensor flat = Flat(values.dim() == 1 ? values.unsqueeze(1) : values);
  torch::Tensor sums = torch::empty({flat.size(0)}, torch::kFloat64);
  double* to = sums.data_ptr<double>();
  AT_DISPATCH_FLOATING_TYPES(flat.scalar_type(), "MemberSum", [&] {
    for (int64_t m = 0; m < flat.size(0); ++m) {
      const scalar_t* x = flat.data_ptr<scalar_t>() + m * flat.stride(0);
      to[m] = LaneSum(flat.size(1), [x](int64_t i) { return static_cast<double>(x[i]); });
    }
  });
  return sums;
}

torch::Tensor MemberMean(const torch::Tensor& values) {
  return MemberSum(values).div_(static_cast<double>(MemberSize(values)));
}

torch::Tensor MemberDot(const torch::Tensor& a, const torch::Tensor& b) {
  if (!a.is_cpu()) {
    return (a.to(torch::kFloat64) * b.to(torch::kFloat64)).flatten(1).sum(1);
  }
  const torch::Tensor flat_a = Flat(a);
  const torch::Tensor flat_b = Flat(b);
  torch::Tensor sums = torch::empty({flat_a.size(0)}, torch::kFloat64);
  double* to = sums.data_ptr<double>();
  AT_DISPATCH_FLOATING_TYPES(flat_a.scalar_type(), "MemberDot", [&] {
    for (int64_t m = 0; m < flat_a.size(0); ++m) {
      const scalar_t* x = flat_a.data_ptr<scalar_t>() + m * flat_a.stride(0);
      const scalar_t* y = flat_b.data_ptr<scalar_t>() + m * flat_b.stride(0);
      to[m] = LaneSum(flat_a.size(1), [x, y](int64_t i) {
        return static_cast<double>(x[i]) * static_cast<double>(y[i]);
      });
    }
  });
  return sums;
}

torch::Tensor MemberIsFinite(const torch::Tensor& values) {
  if (!values.is_cpu()) return torch::isfinite(values).flatten(1).all(1);
  const torch::Tensor flat = Flat(values);
  torch::Tensor finite = torch::empty({flat.size(0)}, torch::kBool);
  AT_DISPATCH_FLOATING_TYPES(flat.scalar_type(), "MemberIsFinite", [&] {
    for (int64_t m = 0; m < flat.size(0); ++m) {
      const scalar_t* x = flat.data_ptr<scalar_t>() + m * flat.stride(0);
      // A number minus itself is 0, unless it is NaN or infinite.
      finite.data_ptr<bool>()[m] =
          LaneSum(flat.size(1), [x](int64_t i) { return static_cast<double>(x[i] - x[i]); }) == 0;
    }
  });
  return finite;
}

torch::Tensor PerMember(const torch::Tensor& numbers, const torch::Tensor& like) {
  std::vector<int64_t> shape(like.dim(), 1);
  shape[0] = numbers.size(0);
  return numbers.to(like.scalar_type()).view(shape);
}

}  // namespace sr2l
