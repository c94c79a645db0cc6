#include "common/random/philox.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sr2l {
namespace {

constexpr double kInverse32 = 1.0 / 4294967296.0;

// Two standard normals from two words. The radius' uniform is in (0, 1], so that its
// logarithm is finite.
std::array<double, 2> BoxMuller(uint32_t a, uint32_t b) {
  const double radius = std::sqrt(-2.0 * std::log((a + 1.0) * kInverse32));
  const double angle = 2.0 * std::numbers::pi * (b * kInverse32);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace

std::array<uint32_t, 4> Philox4x32(const std::array<uint32_t, 4>& counter, uint64_t key) {
  uint32_t k0 = static_cast<uint32_t>(key);
  uint32_t k1 = static_cast<uint32_t>(key >> 32);
  std::array<uint32_t, 4> c = counter;
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

std::array<uint32_t, 4> Philox::Block(uint64_t index, uint32_t block) const {
  return Philox4x32({static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32), stream_,
                     (static_cast<uint32_t>(purpose_) << 24) | block},
                    seed_);
}

uint64_t Philox::Bits(uint64_t index) const {
  const std::array<uint32_t, 4> words = Block(index, 0);
  return words[0] | uint64_t{words[1]} << 32;
}

double Philox::Uniform(uint64_t index, uint32_t lane) const {
  return Block(index, lane / 4)[lane % 4] * kInverse32;
}

double Philox::Normal(uint64_t index, uint32_t lane) const {
  const std::array<uint32_t, 4> words = Block(index, lane / 4);
  const uint32_t pair = lane % 4 / 2;
  return BoxMuller(words[2 * pair], words[2 * pair + 1])[lane % 2];
}

void Philox::FillUniform(uint64_t index, uint32_t count, double* out) const {
  for (uint32_t first = 0; first < count; first += 4) {
    const std::array<uint32_t, 4> words = Block(index, first / 4);
    for (uint32_t i = 0; i < std::min(4u, count - first); ++i) {
      out[first + i] = words[i] * kInverse32;
    }
  }
}

void Philox::FillNormal(uint64_t index, uint32_t count, double* out) const {
  for (uint32_t first = 0; first < count; first += 4) {
    const std::array<uint32_t, 4> words = Block(index, first / 4);
    const std::array<double, 2> a = BoxMuller(words[0], words[1]);
    const std::array<double, 2> b = BoxMuller(words[2], words[3]);
    const std::array<double, 4> normals = {a[0], a[1], b[0], b[1]};
    std::copy_n(normals.begin(), std::min(4u, count - first), out + first);
  }
}

}  // namespace sr2l
