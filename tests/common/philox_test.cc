#include "common/random/philox.h"

#include <cmath>
#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sr2l {
namespace {

using ::testing::ElementsAre;

// The known-answer vectors that the authors of Philox publish with Random123.
TEST(PhiloxTest, BlocksAreThoseOfTheReferenceImplementation) {
  EXPECT_THAT(Philox4x32({0, 0, 0, 0}, 0),
              ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(Philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffffffffffff),
              ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822),
              ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

TEST(PhiloxTest, ADrawIsAFunctionOfItsAddressAlone) {
  const Philox first(1, Purpose::kReset, 2);
  const Philox second(1, Purpose::kReset, 2);
  const double value = first.Uniform(1000000000000, 5);
  first.Normal(3, 3);
  EXPECT_EQ(first.Uniform(1000000000000, 5), value);
  EXPECT_EQ(second.Uniform(1000000000000, 5), value);
}

TEST(PhiloxTest, EveryPartOfTheAddressChangesTheDraw) {
  std::set<double> draws;
  int count = 0;
  for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32}) {
    for (const Purpose purpose : {Purpose::kReset, Purpose::kExploration, Purpose::kMinibatch}) {
      for (const uint32_t stream : {0u, 1u, 1023u}) {
        for (const uint64_t index : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32}) {
          for (const uint32_t lane : {0u, 1u, 4u, (1u << 24) - 1}) {
            draws.insert(Philox(seed, purpose, stream).Uniform(index, lane));
            ++count;
          }
        }
      }
    }
  }
  // 324 draws of 32 bits collide with probability 1e-5, and these are always the same.
  EXPECT_EQ(draws.size(), static_cast<size_t>(count));
}

TEST(PhiloxTest, FillingGivesTheSameBitsAsOneByOne) {
  const Philox random(42, Purpose::kPerturbation, 3);
  for (uint32_t count = 0; count <= 13; ++count) {
    std::vector<double> uniforms(count + 1, -7.0);
    std::vector<double> normals(count + 1, -7.0);
    random.FillUniform(9, count, uniforms.data());
    random.FillNormal(9, count, normals.data());
    for (uint32_t i = 0; i < count; ++i) {
      EXPECT_EQ(uniforms[i], random.Uniform(9, i));
      EXPECT_EQ(normals[i], random.Normal(9, i));
    }
    EXPECT_EQ(uniforms[count], -7.0);  // nothing behind the end is touched
    EXPECT_EQ(normals[count], -7.0);
  }
}

TEST(PhiloxTest, UniformsAreUniformOnTheUnitInterval) {
  constexpr int kCount = 200000;
  std::vector<double> values(kCount);
  Philox(7, Purpose::kMinibatch).FillUniform(0, kCount, values.data());
  std::vector<int> bins(20);
  double sum = 0;
  double squares = 0;
  for (const double value : values) {
    ASSERT_GE(value, 0);
    ASSERT_LT(value, 1);
    ++bins[static_cast<int>(value * bins.size())];
    sum += value;
    squares += (value - 0.5) * (value - 0.5);
  }
  // Five standard errors.
  EXPECT_NEAR(sum / kCount, 0.5, 5 * std::sqrt(1.0 / 12 / kCount));
  EXPECT_NEAR(squares / kCount, 1.0 / 12, 5 * std::sqrt(1.0 / 180 / kCount));
  for (const int bin : bins) EXPECT_NEAR(bin, kCount / 20.0, 5 * std::sqrt(kCount / 20.0));
}

TEST(PhiloxTest, NormalsHaveTheMomentsAndTailsOfAStandardNormal) {
  constexpr int kCount = 200000;
  std::vector<double> values(kCount);
  Philox(7, Purpose::kExploration).FillNormal(0, kCount, values.data());
  double moments[5] = {};
  double pair_product = 0;
  int beyond_two = 0;
  for (int i = 0; i < kCount; ++i) {
    ASSERT_TRUE(std::isfinite(values[i]));
    for (int power = 1; power <= 4; ++power) moments[power] += std::pow(values[i], power) / kCount;
    if (i % 2 == 1) pair_product += values[i] * values[i - 1] / (kCount / 2);
    beyond_two += std::abs(values[i]) > 2;
  }
  // Five standard errors; the variances of z^k are 1, 2, 15 and 96.
  EXPECT_NEAR(moments[1], 0, 5 * std::sqrt(1.0 / kCount));
  EXPECT_NEAR(moments[2], 1, 5 * std::sqrt(2.0 / kCount));
  EXPECT_NEAR(moments[3], 0, 5 * std::sqrt(15.0 / kCount));
  EXPECT_NEAR(moments[4], 3, 5 * std::sqrt(96.0 / kCount));
  EXPECT_NEAR(pair_product, 0, 5 * std::sqrt(2.0 / kCount));
  const double tail = std::erfc(2 / std::sqrt(2.0));
  EXPECT_NEAR(beyond_two / double{kCount}, tail, 5 * std::sqrt(tail / kCount));
}

}  // namespace
}  // namespace sr2l
