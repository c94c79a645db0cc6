// Experiments away from the defaults: every option of an algorithm trains, at its smallest and
// largest values too, and the policies are evaluated.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"
#include "tests/integration/recovery_runs.h"

namespace sr2l {
namespace {

struct Options {
  const char* name;
  const char* experiment;
};

constexpr Options kOptions[] = {
    {"TrpoShared",
     "trpo { discount: 1 gae_lambda: 0 sigma: SHARED activation: RELU hidden: [8] "
     "initial_sigma: 0.5 minimum_sigma: 0.4 cg_iterations: 3 damping: 0 backtracks: 2 "
     "backtrack_ratio: 0.5 "
     "value_network { hidden: [5, 3] activation: RELU epochs: 2 minibatch_size: 33 } } "
     "smoothness { gradient: L2 norm: EUCLIDEAN detach_sigma: false discount_weighting: true "
     "steps: 2 } observation_normalization { clip: 2 } streams_per_member: 3 steps_per_round: 300"},
    {"TrpoLinearBaseline",
     "trpo { sigma: SHARED gae_lambda: 1 linear_baseline { ridge: 0.1 } } "
     "smoothness { gradient: RAW detach_sigma: false radius: 0.5 } steps_per_round: 200"},
    {"TrpoDeep",
     "trpo { hidden: [4, 4, 4, 4, 4, 4, 4, 4] } "
     "smoothness { steps: 0 gradient: MAX_NORM discount_weighting: true } steps_per_round: 200"},
    {"TrpoOneUnit",
     "trpo { hidden: [1] value_network { hidden: [1] minibatch_size: 1000000 } } "
     "steps_per_round: 50"},
    {"TrpoMembers",
     "trpo { hidden: [8] } smoothness {} members { seeds: [3, 18446744073709551615] "
     "radius: [0.01, 1000] coefficient: [0, 1000000] } evaluation { every_rounds: 1 episodes: 1 } "
     "keep_policy_every: 1 steps_per_round: 100"},
    {"DdpgSmallRing",  // smaller than what is stored from one checkpoint to the next
     "ddpg { discount: 1 first_update: 50 steps_per_cycle: 20 updates_per_cycle: 3 batch_size: 7 "
     "activation: TANH hidden: [9] critic_hidden: [5, 6, 7] terminate_at_truncation: true "
     "exploration { gaussian { sigma: 0 } } capacity: 100 } smoothness { on: CRITIC gradient: L2 "
     "norm: EUCLIDEAN steps: 1 } observation_normalization { minimum_deviation: 1 } "
     "streams_per_member: 2 steps_per_round: 100"},
    {"DdpgOfOne",
     "ddpg { first_update: 1 steps_per_cycle: 1 updates_per_cycle: 1 batch_size: 1 capacity: 1 "
     "exploration { ornstein_uhlenbeck { sigma: 3 theta: 0 } } } "
     "smoothness { gradient: MAX_NORM radius: 3 steps: 0 } steps_per_round: 60"},
    {"DdpgLongCycles",
     "ddpg { first_update: 400 steps_per_cycle: 400 updates_per_cycle: 3 capacity: 400 } "
     "members { seeds: [0, 1, 2] } steps_per_round: 2000"},
    {"DdpgListedMembers",
     "ddpg { first_update: 50 steps_per_cycle: 20 updates_per_cycle: 3 } smoothness {} "
     "members { member { seed: 1 } member { seed: 1 coefficient: 0 } member { seed: 1 radius: 0.3 "
     "} } evaluation { every_rounds: 2 episodes: 2 } keep_policy_every: 2 steps_per_round: 100"},
    {"DdpgFreeRunning",
     "collection: FREE_RUNNING ddpg { first_update: 50 steps_per_cycle: 20 updates_per_cycle: 3 "
     "capacity: 100 } smoothness { on: CRITIC gradient: RAW } limiter { samples_per_insert: 5 } "
     "streams_per_member: 2 steps_per_round: 100"},
};

class OptionsTest : public ::testing::TestWithParam<Options> {};

TEST_P(OptionsTest, TrainsAndIsEvaluated) {
  TemporaryFolder folder;
  const std::string file = folder / "experiment.textproto";
  const std::string run = folder / "run";
  WriteFile(file, absl::StrCat("name: \"options\" task { builtin: \"inverted_pendulum\" } ",
                               "rounds: 3 ", GetParam().experiment, "\n"));
  const ProgramResult trained =
      RunProgram({Binary("sr2l"), "train", file, "--run", run, "--restarts", "0"});
  ASSERT_EQ(trained.exit_code, 0) << trained.output << trained.errors;
  EXPECT_FALSE(DigestOf(run).empty());
  const ProgramResult evaluated =
      RunProgram({Binary("sr2l"), "evaluate", run, "--episodes", "1"});
  EXPECT_EQ(evaluated.exit_code, 0) << evaluated.output << evaluated.errors;
}

INSTANTIATE_TEST_SUITE_P(Experiments, OptionsTest, ::testing::ValuesIn(kOptions),
                         [](const auto& info) { return info.param.name; });

// What is stored between two checkpoints would be several times as much.
TEST(SmallReplayMemoryTest, TrainsToTheSameDigest) {
  TemporaryFolder folder;
  const std::string file = folder / "experiment.textproto";
  WriteFile(file,
            "name: \"memory\" task { builtin: \"ant\" } rounds: 50 steps_per_round: 800 "
            "trpo { hidden: [8] cg_iterations: 2 value_network { hidden: [8] epochs: 1 } }\n");
  std::string digests[2];
  for (const int mib : {16, 256}) {
    const std::string run = folder / absl::StrCat(mib);
    const ProgramResult trained = RunProgram(
        {Binary("sr2l"), "train", file, "--run", run, "--checkpoint-interval", "600",
         "--replay-memory-mib", absl::StrCat(mib)});
    ASSERT_EQ(trained.exit_code, 0) << trained.output << trained.errors;
    digests[mib > 16] = DigestOf(run);
    // Nothing but a lack of room makes a checkpoint within ten minutes.
    EXPECT_EQ(std::filesystem::is_empty(run + "/checkpoints"), mib > 16);
  }
  EXPECT_EQ(digests[0], digests[1]);
}

}  // namespace
}  // namespace sr2l
