#ifndef SR2L_LEARNER_NN_VEC8_H_
#define SR2L_LEARNER_NN_VEC8_H_

#include <cstdint>
#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define SR2L_VEC8_AVX2 1
#else
#define SR2L_VEC8_AVX2 0
#endif

namespace sr2l {

// Eight floats, handled together. Arithmetic and comparisons are the compiler's vector
// extension. Every operation is exactly rounded on every machine, so code written with it
// gives the same bits wherever it runs; without AVX2 and FMA only slower.
typedef float Vec8 __attribute__((vector_size(32)));
typedef int32_t Mask8 __attribute__((vector_size(32)));  // a lane is 0 or -1

inline Vec8 Broadcast(float x) { return Vec8{x, x, x, x, x, x, x, x}; }

inline Vec8 Load(const float* from) {
  typedef float Unaligned __attribute__((vector_size(32), aligned(4), may_alias));
  return *reinterpret_cast<const Unaligned*>(from);
}

inline void Store(float* to, Vec8 x) {
  typedef float Unaligned __attribute__((vector_size(32), aligned(4), may_alias));
  *reinterpret_cast<Unaligned*>(to) = x;
}

// The lowest `count` (0 to 8) lanes from memory, the rest 0.
inline Vec8 LoadPartial(const float* from, int64_t count) {
#if SR2L_VEC8_AVX2
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane);
  return _mm256_maskload_ps(from, mask);
#else
  Vec8 x = {};
  for (int64_t i = 0; i < count; ++i) x[i] = from[i];
  return x;
#endif
}

inline void StorePartial(float* to, Vec8 x, int64_t count) {
#if SR2L_VEC8_AVX2
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane);
  _mm256_maskstore_ps(to, mask, x);
#else
  for (int64_t i = 0; i < count; ++i) to[i] = x[i];
#endif
}

// a * b + c, rounded once.
inline Vec8 Fma(Vec8 a, Vec8 b, Vec8 c) {
#if SR2L_VEC8_AVX2
  return _mm256_fmadd_ps(a, b, c);
#else
  Vec8 x;
  for (int i = 0; i < 8; ++i) x[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return x;
#endif
}

// `b` where either is NaN.
inline Vec8 Min(Vec8 a, Vec8 b) {
#if SR2L_VEC8_AVX2
  return _mm256_min_ps(a, b);
#else
  return a < b ? a : b;
#endif
}

inline Vec8 Max(Vec8 a, Vec8 b) {
#if SR2L_VEC8_AVX2
  return _mm256_max_ps(a, b);
#else
  return a > b ? a : b;
#endif
}

inline Vec8 Sqrt(Vec8 a) {
#if SR2L_VEC8_AVX2
  return _mm256_sqrt_ps(a);
#else
  Vec8 x;
  for (int i = 0; i < 8; ++i) x[i] = __builtin_sqrtf(a[i]);
  return x;
#endif
}

// Rows become columns.
inline void Transpose8(Vec8 (&x)[8]) {
#if SR2L_VEC8_AVX2
  __m256 pairs[8], quads[8];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    pairs[2 * i] = _mm256_unpacklo_ps(x[2 * i], x[2 * i + 1]);
    pairs[2 * i + 1] = _mm256_unpackhi_ps(x[2 * i], x[2 * i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const __m256* p = pairs + 4 * i;
    quads[4 * i] = _mm256_shuffle_ps(p[0], p[2], 0x44);
    quads[4 * i + 1] = _mm256_shuffle_ps(p[0], p[2], 0xee);
    quads[4 * i + 2] = _mm256_shuffle_ps(p[1], p[3], 0x44);
    quads[4 * i + 3] = _mm256_shuffle_ps(p[1], p[3], 0xee);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    x[i] = _mm256_permute2f128_ps(quads[i], quads[4 + i], 0x20);
    x[4 + i] = _mm256_permute2f128_ps(quads[i], quads[4 + i], 0x31);
  }
#else
  for (int i = 0; i < 8; ++i) {
    for (int j = 0; j < i; ++j) {
      const float passing = x[i][j];
      x[i][j] = x[j][i];
      x[j][i] = passing;
    }
  }
#endif
}

inline bool Any(Mask8 mask) {
#if SR2L_VEC8_AVX2
  return _mm256_movemask_ps(reinterpret_cast<__m256>(mask)) != 0;
#else
  int32_t any = 0;
  for (int i = 0; i < 8; ++i) any |= mask[i];
  return any != 0;
#endif
}

}  // namespace sr2l

#endif  // SR2L_LEARNER_NN_VEC8_H_
