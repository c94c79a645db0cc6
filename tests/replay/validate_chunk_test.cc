#include "replay/core/validate_chunk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tests/replay/chunks.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

v1::TableSpec Spec() { return MakeSpec("e", 0, 2, 8); }

// Steps 9 to 12 of stream 1, in round 1; episodes end in steps 10 and 12.
v1::Chunk Valid() {
  return MakeChunk(Spec(), {.stream = 1, .first_step = 9, .num_steps = 4, .ends = {1, 3}});
}

void SetFloat(std::string& column, size_t index, float value) {
  std::memcpy(&column[4 * index], &value, sizeof(value));
}

struct Case {
  std::string name;
  std::function<void(v1::Chunk&)> spoil;
  std::string message;
};

std::vector<Case> StepCases() {
  return {
      {"StreamBeyondTable", [](v1::Chunk& c) { c.mutable_key()->set_stream(2); },
       "chunk.key.stream must be below num_streams 2, got 2"},
      {"NoSteps", [](v1::Chunk& c) { c.set_num_steps(0); },
       "chunk.num_steps must be in [1, 8], got 0"},
      {"MoreStepsThanARound", [](v1::Chunk& c) { c.set_num_steps(9); },
       "chunk.num_steps must be in [1, 8], got 9"},
      {"CrossesARound", [](v1::Chunk& c) { c.set_first_step(13); },
       "num_steps must be at most 3 at first_step 13"},
      {"StepNearOverflow",
       [](v1::Chunk& c) { c.set_first_step(std::numeric_limits<uint64_t>::max()); },
       "num_steps must be at most 1 at first_step 18446744073709551615"},
      {"OlderPolicy", [](v1::Chunk& c) { c.set_policy_version(0); },
       "chunk.policy_version must be the round 1 of first_step 9, got 0"},
      {"NewerPolicy", [](v1::Chunk& c) { c.set_policy_version(2); },
       "chunk.policy_version must be the round 1 of first_step 9, got 2"},
  };
}

std::vector<Case> SizeCases() {
  return {
      {"ObservationsShort", [](v1::Chunk& c) { c.mutable_observations()->pop_back(); },
       "chunk.observations must have 60 bytes"},
      {"ObservationsOfStepsOnly", [](v1::Chunk& c) { c.mutable_observations()->resize(48); },
       "chunk.observations must have 60 bytes, (num_steps + 1) x observation_dim float32; got 48"},
      {"ActionsLong", [](v1::Chunk& c) { c.mutable_actions()->push_back('\0'); },
       "chunk.actions must have 32 bytes, num_steps x action_dim float32; got 33"},
      {"RewardsMissing", [](v1::Chunk& c) { c.clear_rewards(); },
       "chunk.rewards must have 16 bytes, num_steps float32; got 0"},
      {"FlagsMissing", [](v1::Chunk& c) { c.clear_flags(); },
       "chunk.flags must have 4 bytes, num_steps; got 0"},
      {"FinalObservationsMissing", [](v1::Chunk& c) { c.clear_final_observations(); },
       "chunk.final_observations must have 24 bytes"},
      {"FinalObservationTooMuch",
       [](v1::Chunk& c) { c.mutable_final_observations()->append(12, '\0'); },
       "chunk.final_observations must have 24 bytes"},
      {"TokenMissing", [](v1::Chunk& c) { c.clear_resume_token(); },
       "chunk.resume_token must have 1 to 1048576 bytes, got 0"},
      {"TokenTooLong", [](v1::Chunk& c) { c.mutable_resume_token()->resize(1048577); },
       "chunk.resume_token must have 1 to 1048576 bytes, got 1048577"},
  };
}

std::vector<Case> EpisodeCases() {
  return {
      {"UnknownFlag", [](v1::Chunk& c) { (*c.mutable_flags())[1] = 5; },
       "chunk.flags[1] must be in [0, 3], got 5"},
      {"HighestFlagBit", [](v1::Chunk& c) { (*c.mutable_flags())[1] = '\x80'; },
       "chunk.flags[1] must be in [0, 3], got 128"},
      {"FlagWithoutEpisode",
       [](v1::Chunk& c) {
         c.mutable_episodes()->RemoveLast();
       },
       "chunk.episodes must have 2 elements, one per step with a flag; got 1"},
      {"EpisodeWithoutFlag", [](v1::Chunk& c) { c.add_episodes(); },
       "chunk.episodes must have 2 elements, one per step with a flag; got 3"},
      {"EpisodesInWrongOrder", [](v1::Chunk& c) { c.mutable_episodes()->SwapElements(0, 1); },
       "chunk.episodes[0].offset must be 1, the step with flag number 0; got 3"},
      {"FirstLengthWithoutStepsBefore",
       [](v1::Chunk& c) { c.mutable_episodes(0)->set_length(2); },
       "chunk.episodes[0].length must be 7 steps, got 2"},
      {"LaterLengthWithStepsBefore",
       [](v1::Chunk& c) { c.mutable_episodes(1)->set_length(7); },
       "chunk.episodes[1].length must be 2 steps, got 7"},
      {"ReturnNotFinite", [](v1::Chunk& c) { c.mutable_episodes(1)->set_return_(kInfinity); },
       "chunk.episodes[1].return must be finite, got inf"},
      {"DivergedWithoutTermination",
       [](v1::Chunk& c) {
         (*c.mutable_flags())[3] = 2;
         c.mutable_episodes(1)->set_diverged(true);
       },
       "chunk.episodes[1].diverged must be false where flags[3] has no bit 0"},
  };
}

std::vector<Case> FiniteCases() {
  return {
      {"FirstObservationNan",
       [](v1::Chunk& c) { SetFloat(*c.mutable_observations(), 0, kNan); },
       "chunk.observations[0] must be finite, got nan"},
      {"LastObservationInfinite",
       [](v1::Chunk& c) { SetFloat(*c.mutable_observations(), 14, -kInfinity); },
       "chunk.observations[14] must be finite, got -inf"},
      {"ActionNan", [](v1::Chunk& c) { SetFloat(*c.mutable_actions(), 7, kNan); },
       "chunk.actions[7] must be finite"},
      {"RewardInfinite", [](v1::Chunk& c) { SetFloat(*c.mutable_rewards(), 2, kInfinity); },
       "chunk.rewards[2] must be finite, got inf"},
      {"FinalObservationNan",
       [](v1::Chunk& c) { SetFloat(*c.mutable_final_observations(), 5, kNan); },
       "chunk.final_observations[5] must be finite"},
  };
}

class RefusedChunkTest : public ::testing::TestWithParam<Case> {};

TEST_P(RefusedChunkTest, MessageNamesFieldAllowedAndValue) {
  v1::Chunk chunk = Valid();
  GetParam().spoil(chunk);
  const absl::Status status = ValidateChunk(Spec(), chunk);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().message));
}

std::string CaseName(const ::testing::TestParamInfo<Case>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Steps, RefusedChunkTest, ::testing::ValuesIn(StepCases()), CaseName);
INSTANTIATE_TEST_SUITE_P(Sizes, RefusedChunkTest, ::testing::ValuesIn(SizeCases()), CaseName);
INSTANTIATE_TEST_SUITE_P(Episodes, RefusedChunkTest, ::testing::ValuesIn(EpisodeCases()),
                         CaseName);
INSTANTIATE_TEST_SUITE_P(Finite, RefusedChunkTest, ::testing::ValuesIn(FiniteCases()),
                         CaseName);

TEST(ValidateChunkTest, AcceptsAChunkInTheMiddleOfARound) {
  EXPECT_EQ(ValidateChunk(Spec(), Valid()), absl::OkStatus());
}

TEST(ValidateChunkTest, AcceptsAWholeRoundAndASingleStep) {
  EXPECT_EQ(ValidateChunk(Spec(), MakeChunk(Spec(), {.first_step = 8, .num_steps = 8})),
            absl::OkStatus());
  EXPECT_EQ(ValidateChunk(Spec(), MakeChunk(Spec(), {.first_step = 15, .num_steps = 1})),
            absl::OkStatus());
}

// O = 1000, A = 1: a step's columns have 4000 + 4 + 4 + 1 bytes, and a chunk 4000 more.
TEST(ValidateChunkTest, AcceptsColumnsOfOneMebibyteTogetherAndNoMore) {
  v1::TableSpec spec = MakeSpec("e", 0, 1, 300);
  spec.set_observation_dim(1000);
  spec.set_action_dim(1);
  EXPECT_EQ(ValidateChunk(spec, MakeChunk(spec, {.num_steps = 260})), absl::OkStatus());
  EXPECT_EQ(std::string(ValidateChunk(spec, MakeChunk(spec, {.num_steps = 261})).message()),
            "chunk.observations, actions, rewards, flags and final_observations must have at "
            "most 1048576 bytes together, got 1050349");
  const v1::Chunk with_ends = MakeChunk(spec, {.num_steps = 259, .ends = {0, 1}});
  EXPECT_THAT(std::string(ValidateChunk(spec, with_ends).message()), HasSubstr("got 1050331"));
}

TEST(ValidateChunkTest, AcceptsAStepOfTheLargestTable) {
  v1::TableSpec spec = MakeSpec("e", 0, 1, 8);
  spec.set_observation_dim(10000);
  spec.set_action_dim(1000);
  EXPECT_EQ(ValidateChunk(spec, MakeChunk(spec, {.num_steps = 1, .ends = {0}})),
            absl::OkStatus());
}

TEST(ValidateChunkTest, AcceptsTruncatedAndBothFlags) {
  v1::Chunk chunk = Valid();
  (*chunk.mutable_flags())[1] = 2;
  (*chunk.mutable_flags())[3] = 3;
  EXPECT_EQ(ValidateChunk(Spec(), chunk), absl::OkStatus());
}

TEST(ValidateChunkTest, FindsANumberThatIsNotFiniteAtEveryPlaceOfALongColumn) {
  const v1::TableSpec spec = MakeSpec("e", 0, 1, 100);
  const v1::Chunk valid = MakeChunk(spec, {.num_steps = 100});
  EXPECT_EQ(ValidateChunk(spec, valid), absl::OkStatus());
  for (size_t index = 0; index < 3 * 101; ++index) {
    v1::Chunk chunk = valid;
    SetFloat(*chunk.mutable_observations(), index, kNan);
    EXPECT_THAT(std::string(ValidateChunk(spec, chunk).message()),
                HasSubstr("chunk.observations[" + std::to_string(index) + "] must be finite"));
  }
}

TEST(ValidateChunkTest, AcceptsLargestFiniteNumbersAndDenormals) {
  v1::Chunk chunk = Valid();
  SetFloat(*chunk.mutable_rewards(), 0, std::numeric_limits<float>::max());
  SetFloat(*chunk.mutable_rewards(), 1, std::numeric_limits<float>::lowest());
  SetFloat(*chunk.mutable_rewards(), 2, std::numeric_limits<float>::denorm_min());
  EXPECT_EQ(ValidateChunk(Spec(), chunk), absl::OkStatus());
}

}  // namespace
}  // namespace sr2l
