#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "learner/nn/activation_kernels.h"
#include "learner/nn/multiply.h"

namespace sr2l {
namespace {

std::vector<float> RandomFloats(size_t count, unsigned seed, float scale = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = scale * normal(generator);
  return values;
}

struct Shape {
  int64_t rows, columns, depth;
};

class ProductTest : public testing::TestWithParam<Shape> {};

// Each element is one chain of fused multiply-adds in the order of the depth.
TEST_P(ProductTest, EqualsAChainOfFusedMultiplyAddsToTheBit) {
  const auto [rows, columns, depth] = GetParam();
  const std::vector<float> a = RandomFloats(rows * depth, 1);
  const std::vector<float> b = RandomFloats(depth * columns, 2);
  const std::vector<float> bias = RandomFloats(columns, 3);
  std::vector<float> result(rows * columns);
  SumOfProducts({{a.data(), depth, 1, b.data(), depth}}, ProductStart::kBias, bias.data(),
                {result.data(), rows, columns});
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      float expected = bias[j];
      for (int64_t k = 0; k < depth; ++k) {
        expected = std::fma(a[i * depth + k], b[k * columns + j], expected);
      }
      ASSERT_EQ(result[i * columns + j], expected) << i << "," << j;
    }
  }
}

TEST_P(ProductTest, SumsTwoTermsOntoTheTargetWithATransposedLeft) {
  const auto [rows, columns, depth] = GetParam();
  const std::vector<float> a = RandomFloats(rows * depth, 1);
  const std::vector<float> transposed = RandomFloats(rows * depth, 4);
  const std::vector<float> b = RandomFloats(depth * columns, 2);
  const std::vector<float> start = RandomFloats(rows * columns, 5);
  std::vector<float> result = start;
  SumOfProducts({{a.data(), depth, 1, b.data(), depth}, {transposed.data(), 1, rows, b.data(), depth}},
                ProductStart::kTarget, nullptr, {result.data(), rows, columns});
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      float expected = start[i * columns + j];
      for (int64_t k = 0; k < depth; ++k) {
        expected = std::fma(a[i * depth + k], b[k * columns + j], expected);
      }
      for (int64_t k = 0; k < depth; ++k) {
        expected = std::fma(transposed[k * rows + i], b[k * columns + j], expected);
      }
      ASSERT_EQ(result[i * columns + j], expected) << i << "," << j;
    }
  }
}

TEST_P(ProductTest, WritesNothingOutsideItsTarget) {
  const auto [rows, columns, depth] = GetParam();
  const std::vector<float> a(rows * depth, 1.0f);
  const std::vector<float> b(depth * columns, 1.0f);
  std::vector<float> result(rows * columns + 16, -7.0f);
  SumOfProducts({{a.data(), depth, 1, b.data(), depth}}, ProductStart::kZero, nullptr,
                {result.data() + 8, rows, columns});
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(result[i], -7.0f);
    EXPECT_EQ(result[result.size() - 1 - i], -7.0f);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, ProductTest,
                         testing::Values(Shape{1, 1, 1}, Shape{2, 3, 5}, Shape{6, 16, 4},
                                         Shape{7, 17, 9}, Shape{11, 8, 3}, Shape{13, 31, 64},
                                         Shape{64, 64, 64}, Shape{5, 6, 64}, Shape{9, 24, 17},
                                         Shape{64, 1, 64}, Shape{45, 1, 19}, Shape{7, 1, 9},
                                         Shape{64, 64, 1}));

// A part of the columns of a wider right-hand matrix, as a derivative in some inputs needs.
TEST(ProductStrideTest, TakesSomeColumnsOfAWiderMatrix) {
  const int64_t rows = 20, depth = 11, width = 23;
  const std::vector<float> a = RandomFloats(rows * depth, 1);
  const std::vector<float> b = RandomFloats(depth * width, 2);
  for (const int64_t columns : {1, 6, 17}) {
    std::vector<float> result(rows * columns);
    SumOfProducts({{a.data(), depth, 1, b.data() + 4, depth, width}}, ProductStart::kZero, nullptr,
                  {result.data(), rows, columns});
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        float expected = 0;
        for (int64_t k = 0; k < depth; ++k) {
          expected = std::fma(a[i * depth + k], b[k * width + 4 + j], expected);
        }
        ASSERT_EQ(result[i * columns + j], expected) << i << "," << j;
      }
    }
  }
}

TEST(TransposeTest, SwapsRowsAndColumns) {
  const std::vector<float> from = RandomFloats(13 * 21, 1);
  std::vector<float> to(from.size());
  Transpose(from.data(), 13, 21, to.data());
  for (int i = 0; i < 13; ++i) {
    for (int j = 0; j < 21; ++j) EXPECT_EQ(to[j * 13 + i], from[i * 21 + j]);
  }
}

TEST(SumRowsTest, AddsRowsInTheirOrder) {
  for (const int columns : {1, 11, 64, 77}) {
    const std::vector<float> from = RandomFloats(10 * columns, 1);
    std::vector<float> once(columns), twice(columns);
    SumRows(from.data(), 10, columns, /*accumulate=*/false, once.data());
    SumRows(from.data(), 4, columns, /*accumulate=*/false, twice.data());
    SumRows(from.data() + 4 * columns, 6, columns, /*accumulate=*/true, twice.data());
    for (int j = 0; j < columns; ++j) {
      float expected = 0;
      for (int i = 0; i < 10; ++i) expected += from[i * columns + j];
      EXPECT_EQ(once[j], expected);
      EXPECT_EQ(twice[j], expected);
    }
  }
}

// Every float32 whose lowest seven bits are zero, of either sign. The largest error found
// over all floats is 5.2 units of 2^-24.
TEST(TanhTest, RelativeErrorIsBelowSixUnits) {
  constexpr uint32_t kStep = 1 << 7;
  std::vector<float> x, y;
  for (uint32_t bits = 0; bits < 0x7f800000u; bits += kStep) {
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    x.push_back(bits % (2 * kStep) == 0 ? value : -value);
  }
  y.resize(x.size());
  Activate(Activation::kTanh, static_cast<int64_t>(x.size()), x.data(), y.data());
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double exact = std::tanh(static_cast<double>(x[i]));
    ASSERT_LE(std::fabs(y[i]), 1.0f) << x[i];
    if (std::fabs(exact) < std::numeric_limits<float>::min() * 2) continue;
    worst = std::max(worst, std::fabs(y[i] / exact - 1));
  }
  EXPECT_LT(worst, 6 * std::ldexp(1.0, -24));
}

TEST(TanhTest, KeepsNotANumberAndSaturatesAtInfinity) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {NAN, infinity, -infinity, 0.0f, -0.0f};
  std::vector<float> y(x.size());
  Activate(Activation::kTanh, 5, x.data(), y.data());
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(y[1], 1.0f);
  EXPECT_EQ(y[2], -1.0f);
  EXPECT_EQ(y[3], 0.0f);
  EXPECT_EQ(y[4], 0.0f);
}

// Oracle: the difference of two tanh in float64, where d >= 1e-6 still has ten digits.
TEST(ActivateDifferenceTest, TanhKeepsTheRelativePrecisionOfASmallStep) {
  for (const float scale : {1e-6f, 1e-5f, 1e-3f, 0.1f, 0.4f}) {
    const std::vector<float> pre = RandomFloats(4096, 1);
    const std::vector<float> step = RandomFloats(4096, 2, scale);
    std::vector<float> post(4096), difference = step, moved(4096);
    Activate(Activation::kTanh, 4096, pre.data(), post.data());
    ActivateDifference(Activation::kTanh, 4096, pre.data(), post.data(), difference.data(),
                       moved.data());
    for (size_t i = 0; i < pre.size(); ++i) {
      const double z = pre[i];
      if (std::fabs(step[i]) > 0.5f) continue;
      const double exact = std::tanh(z + step[i]) - std::tanh(z);
      // The rounding of tanh(z) enters relative to 1 - tanh(z)^2.
      const double slope = 1 - std::tanh(z) * std::tanh(z);
      EXPECT_NEAR(difference[i], exact, 1e-6 * std::fabs(step[i]) * (slope + 1)) << z;
      EXPECT_EQ(moved[i], post[i] + difference[i]);
    }
  }
}

TEST(ActivateDifferenceTest, TanhIsRightForLargeStepsAndSaturatedUnits) {
  std::vector<float> pre, step;
  for (float z = -12; z <= 12; z += 0.37f) {
    for (float d = -20; d <= 20; d += 0.53f) {
      pre.push_back(z);
      step.push_back(d);
    }
  }
  const int64_t count = static_cast<int64_t>(pre.size());
  std::vector<float> post(count), difference = step, moved(count);
  Activate(Activation::kTanh, count, pre.data(), post.data());
  ActivateDifference(Activation::kTanh, count, pre.data(), post.data(), difference.data(),
                     moved.data());
  for (int64_t i = 0; i < count; ++i) {
    const double exact =
        std::tanh(static_cast<double>(pre[i]) + step[i]) - std::tanh(static_cast<double>(pre[i]));
    EXPECT_NEAR(difference[i], exact, 1e-6) << pre[i] << " + " << step[i];
  }
}

TEST(ActivateDifferenceTest, ReluIsExactOnBothSidesOfTheKink) {
  const std::vector<float> pre = {1.0f, 1.0f, -1.0f, -1.0f, 0.0f, 0.0f, 1000.0f, 0.5f, -0.25f};
  const std::vector<float> step = {0.5f, -2.0f, 0.5f, 3.0f, 1.0f, -1.0f, 1e-6f, -0.5f, 0.25f};
  const std::vector<float> expected = {0.5f, -1.0f, 0, 2.0f, 1.0f, 0, 1e-6f, -0.5f, 0};
  std::vector<float> post(9), difference = step, moved(9);
  Activate(Activation::kRelu, 9, pre.data(), post.data());
  ActivateDifference(Activation::kRelu, 9, pre.data(), post.data(), difference.data(),
                     moved.data());
  for (size_t i = 0; i < pre.size(); ++i) EXPECT_EQ(difference[i], expected[i]) << i;
}

TEST(ActivateDifferenceTest, NoStepIsNoDifferenceToTheBit) {
  const std::vector<float> pre = RandomFloats(1003, 1, 5);
  for (const Activation activation :
       {Activation::kTanh, Activation::kRelu, Activation::kLinear}) {
    std::vector<float> post(pre.size()), difference(pre.size(), 0.0f), moved(pre.size());
    Activate(activation, 1003, pre.data(), post.data());
    ActivateDifference(activation, 1003, pre.data(), post.data(), difference.data(),
                       moved.data());
    for (size_t i = 0; i < pre.size(); ++i) {
      EXPECT_EQ(difference[i], 0.0f);
      EXPECT_EQ(moved[i], post[i]);
    }
  }
}

}  // namespace
}  // namespace sr2l
