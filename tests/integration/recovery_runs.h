#ifndef SR2L_TESTS_INTEGRATION_RECOVERY_RUNS_H_
#define SR2L_TESTS_INTEGRATION_RECOVERY_RUNS_H_

#include <string>
#include <vector>

namespace sr2l {

// What the tests of recovery run: an algorithm on InvertedPendulum, synchronous, two members
// of two streams.
struct RecoveryCase {
  const char* name;
  const char* algorithm;  // text of the configuration
};
inline constexpr RecoveryCase kRecoveryCases[] = {
    {"Trpo", "trpo { hidden: [32, 32] } smoothness { radius: 0.01 coefficient: 1 }"},
    {"Ddpg",
     "ddpg { first_update: 200 steps_per_cycle: 40 updates_per_cycle: 20 capacity: 3000 "
     "hidden: [32] critic_hidden: [32] } smoothness { on: POLICY radius: 0.01 coefficient: 1 } "
     "observation_normalization {}"},
};

// Writes the case's experiment to `path`.
void WriteRecoveryExperiment(const RecoveryCase& recovery, int rounds, const std::string& path);

// `sr2l train`'s or `sr2l resume`'s arguments.
std::vector<std::string> TrainCommand(const std::string& file, const std::string& run);
std::vector<std::string> ResumeCommand(const std::string& run);

// The output of `sr2l digest`; a failed test when it fails.
std::string DigestOf(const std::string& run);

// Trains without any disturbance and returns the digest.
std::string UndisturbedDigest(const std::string& file, const std::string& run);

// That `sr2l audit` finds every stream of the run, which has ended after `rounds`, whole, with all
// of its steps counted once.
void ExpectWholeLog(const std::string& run, int rounds);

}  // namespace sr2l

#endif  // SR2L_TESTS_INTEGRATION_RECOVERY_RUNS_H_
