#include "learner/nn/activation_kernels.h"

#include <algorithm>

#include "learner/nn/vec8.h"

namespace sr2l {
namespace {

// Calls body(offset, count) for every eight elements; count is less than 8 at the end only.
template <typename Body>
void ForEachVector(int64_t count, const Body& body) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) body(i, int64_t{8});
  if (i < count) body(i, count - i);
}

Vec8 LoadUpTo(const float* from, int64_t count) {
  return count == 8 ? Load(from) : LoadPartial(from, count);
}

void StoreUpTo(float* to, Vec8 x, int64_t count) {
  if (count == 8) {
    Store(to, x);
  } else {
    StorePartial(to, x, count);
  }
}

// x P(x^2) / Q(x^2) with the minimax P and Q of degree 4 for |x| <= 8.6, where the
// function is 1 to half a unit in the last place. Positive coefficients: nothing cancels;
// their last digits were chosen for the smallest error in float32. NaN stays NaN.
Vec8 Tanh(Vec8 x) {
  constexpr float kLargest = 8.6f;
  x = Max(Broadcast(-kLargest), Min(Broadcast(kLargest), x));
  const Vec8 u = x * x;
  Vec8 p = Broadcast(1.40814835e-08f);
  p = Fma(p, u, Broadcast(2.11217484e-05f));
  p = Fma(p, u, Broadcast(3.52636725e-03f));
  p = Fma(p, u, Broadcast(0.134068474f));
  p = Fma(p, u, Broadcast(1.0f));
  Vec8 q = Broadcast(8.07025515e-07f);
  q = Fma(q, u, Broadcast(3.33621138e-04f));
  q = Fma(q, u, Broadcast(2.599377e-02f));
  q = Fma(q, u, Broadcast(0.467401743f));
  q = Fma(q, u, Broadcast(1.0f));
  return Max(Broadcast(-1.0f), Min(Broadcast(1.0f), x * p / q));
}

constexpr float kSmall = 0.5f;

// The minimax odd polynomial of degree 9 for |x| <= kSmall.
Vec8 SmallTanh(Vec8 x) {
  const Vec8 u = x * x;
  Vec8 p = Broadcast(1.7135819420218468e-02f);
  p = Fma(p, u, Broadcast(-5.298653244972229e-02f));
  p = Fma(p, u, Broadcast(0.13324788212776184f));
  p = Fma(p, u, Broadcast(-0.3333306908607483f));
  return Fma(p * u, x, x);
}

// tanh(z + d) - t with t = tanh(z). For a small d by the addition theorem, which keeps the
// relative precision of d; for a large one, where that is ill-conditioned, directly.
Vec8 TanhDifference(Vec8 z, Vec8 t, Vec8 d) {
  const Vec8 tanh_d = SmallTanh(d);
  const Vec8 one = Broadcast(1.0f);
  const Vec8 small = Fma(-t, t, one) * tanh_d / Fma(t, tanh_d, one);
  const Mask8 is_small = (d <= kSmall) & (d >= -kSmall);
  if (!Any(~is_small)) return small;
  return is_small ? small : Tanh(z + d) - t;
}

// max(z + d, 0) - max(z, 0), rounded once where z > 0.
Vec8 ReluDifference(Vec8 z, Vec8 d) {
  const Vec8 zero = {};
  return z > zero ? Max(-z, d) : Max(zero, z + d);
}

}  // namespace

void Activate(Activation activation, int64_t count, const float* pre, float* post) {
  if (activation == Activation::kLinear) {
    if (pre != post) std::copy_n(pre, count, post);
  } else if (activation == Activation::kTanh) {
    ForEachVector(count, [&](int64_t i, int64_t n) {
      StoreUpTo(post + i, Tanh(LoadUpTo(pre + i, n)), n);
    });
  } else {
    ForEachVector(count, [&](int64_t i, int64_t n) {
      StoreUpTo(post + i, Max(Vec8{}, LoadUpTo(pre + i, n)), n);
    });
  }
}

void MultiplyByDerivative(Activation activation, int64_t count, const float* post,
                          float* gradient) {
  if (activation == Activation::kTanh) {
    ForEachVector(count, [&](int64_t i, int64_t n) {
      const Vec8 t = LoadUpTo(post + i, n);
      const Vec8 derivative = Fma(-t, t, Broadcast(1.0f));
      StoreUpTo(gradient + i, LoadUpTo(gradient + i, n) * derivative, n);
    });
  } else if (activation == Activation::kRelu) {
    ForEachVector(count, [&](int64_t i, int64_t n) {
      const Vec8 active = LoadUpTo(post + i, n);
      const Vec8 g = LoadUpTo(gradient + i, n);
      StoreUpTo(gradient + i, active > Vec8{} ? g : Vec8{}, n);
    });
  }
}

void ActivateDifference(Activation activation, int64_t count, const float* pre,
                        const float* post, float* difference, float* moved) {
  ForEachVector(count, [&](int64_t i, int64_t n) {
    const Vec8 a = LoadUpTo(post + i, n);
    Vec8 d = LoadUpTo(difference + i, n);
    if (activation == Activation::kTanh) {
      d = TanhDifference(LoadUpTo(pre + i, n), a, d);
    } else if (activation == Activation::kRelu) {
      d = ReluDifference(LoadUpTo(pre + i, n), d);
    }
    StoreUpTo(difference + i, d, n);
    StoreUpTo(moved + i, a + d, n);
  });
}

}  // namespace sr2l
