#ifndef SR2L_COMMON_RANDOM_PHILOX_H_
#define SR2L_COMMON_RANDOM_PHILOX_H_

#include <array>
#include <cstdint>

namespace sr2l {

// What a random number is drawn for. The numbers are part of what makes a run
// reproducible: never change one, only add.
enum class Purpose : uint8_t {
  kReset = 1,         // index: episode; stream: stream
  kExploration = 2,   // index: step; stream: stream
  kPolicyInit = 3,    // index: parameter
  kBaselineInit = 4,  // index: parameter
  kCriticInit = 9,    // index: parameter
  kPerturbation = 5,  // index: update; lane: element
  kMinibatch = 6,     // index: update * epochs + epoch; lane: position
  kJitter = 7,        // of reconnections; never of training
  kReplaySample = 8,  // index: draw
  kEvaluation = 10,   // bits of index 0: the seed under which an evaluation's episodes draw
  kEvaluationSeed = 11,  // bits of index round: the seed of an evaluation during training
};

// Philox4x32-10 (Salmon et al., 2011): four random 32-bit words as a pure function of a
// 128-bit counter and a 64-bit key.
std::array<uint32_t, 4> Philox4x32(const std::array<uint32_t, 4>& counter, uint64_t key);

// Random numbers addressed by where they are drawn, not by what was drawn before:
// each is a pure function of (seed, purpose, stream, index, lane). A plain value.
// The seed is a member's, so equal members see equal numbers whatever surrounds them.
class Philox {
 public:
  Philox(uint64_t seed, Purpose purpose, uint32_t stream = 0)
      : seed_(seed), purpose_(purpose), stream_(stream) {}

  // 64 random bits.
  uint64_t Bits(uint64_t index) const;

  // In [0, 1), a multiple of 2^-32. `lane` < 2^24 tells numbers of one index apart.
  double Uniform(uint64_t index, uint32_t lane) const;

  // Standard normal (Box-Muller). Lanes 2k and 2k+1 come from one pair of uniforms.
  double Normal(uint64_t index, uint32_t lane) const;

  // Fills out[0..count) with lanes 0..count-1 of `index`, faster than one by one.
  void FillUniform(uint64_t index, uint32_t count, double* out) const;
  void FillNormal(uint64_t index, uint32_t count, double* out) const;

 private:
  std::array<uint32_t, 4> Block(uint64_t index, uint32_t block) const;

  uint64_t seed_;
  Purpose purpose_;
  uint32_t stream_;
};

}  // namespace sr2l

#endif  // SR2L_COMMON_RANDOM_PHILOX_H_
