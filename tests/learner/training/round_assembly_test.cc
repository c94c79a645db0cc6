#include "learner/training/round_assembly.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace sr2l {
namespace {

using ::testing::HasSubstr;

constexpr int kObservationDim = 2;
constexpr int kActionDim = 1;
constexpr uint64_t kRound = 3;
constexpr int kSteps = 6;

void AppendFloat(float value, std::string* bytes) {
  char raw[sizeof(float)];
  std::memcpy(raw, &value, sizeof(float));
  bytes->append(raw, sizeof(float));
}

// Observations are numbered (1000 * member + 100 * stream + step), final ones are the
// negative of that, so that every row can be told from every other.
float Mark(uint32_t member, uint32_t stream, uint64_t step) {
  return static_cast<float>(1000 * member + 100 * stream + step);
}

v1::Chunk MakeChunk(uint32_t member, uint32_t stream, uint64_t first, int steps,
                    uint32_t first_episode_step, const std::vector<int>& flags) {
  v1::Chunk chunk;
  chunk.mutable_key()->set_member(member);
  chunk.mutable_key()->set_stream(stream);
  chunk.set_first_step(first);
  chunk.set_num_steps(steps);
  chunk.set_policy_version(kRound);
  chunk.set_first_episode_step(first_episode_step);
  for (int t = 0; t <= steps; ++t) {
    for (int i = 0; i < kObservationDim; ++i) {
      AppendFloat(Mark(member, stream, first + t) + 0.25f * i, chunk.mutable_observations());
    }
  }
  for (int t = 0; t < steps; ++t) {
    AppendFloat(-Mark(member, stream, first + t), chunk.mutable_actions());
    AppendFloat(2 * Mark(member, stream, first + t), chunk.mutable_rewards());
    chunk.mutable_flags()->push_back(static_cast<char>(flags[t]));
    if (flags[t] == 0) continue;
    for (int i = 0; i < kObservationDim; ++i) {
      AppendFloat(-Mark(member, stream, first + t) - 0.25f * i,
                  chunk.mutable_final_observations());
    }
    chunk.add_episodes()->set_offset(t);
  }
  return chunk;
}

RoundShape Shape() {
  return {.members = {2, 5},
          .streams = 1,
          .steps = kSteps,
          .observation_dim = kObservationDim,
          .action_dim = kActionDim};
}

// Member 2 in two chunks with an episode end at the end of the first; member 5 in one.
std::vector<v1::Chunk> GoodRound() {
  const uint64_t first = kRound * kSteps;
  return {MakeChunk(2, 0, first, 2, 7, {0, 1}), MakeChunk(2, 0, first + 2, 4, 0, {0, 2, 0, 0}),
          MakeChunk(5, 0, first, 6, 0, {0, 0, 0, 0, 0, 3})};
}

TEST(RoundAssemblyTest, EveryStepLandsInItsRow) {
  const auto round = AssembleRound(GoodRound(), kRound, Shape());
  ASSERT_TRUE(round.ok()) << round.status();
  const RoundBatch& batch = round->batch;
  const std::vector<uint32_t> members = {2, 5};
  for (int m = 0; m < 2; ++m) {
    for (int t = 0; t < kSteps; ++t) {
      const float mark = Mark(members[m], 0, kRound * kSteps + t);
      EXPECT_EQ(batch.observations[m][0][t][0].item<float>(), mark);
      EXPECT_EQ(batch.observations[m][0][t][1].item<float>(), mark + 0.25f);
      EXPECT_EQ(batch.actions[m][0][t][0].item<float>(), -mark);
      EXPECT_EQ(batch.rewards[m][0][t].item<float>(), 2 * mark);
    }
  }
}

TEST(RoundAssemblyTest, NextObservationIsTheFinalOneAtAnEndAndTheFollowingOneElse) {
  const auto round = AssembleRound(GoodRound(), kRound, Shape());
  ASSERT_TRUE(round.ok());
  const std::vector<std::vector<bool>> ends = {{false, true, false, true, false, false},
                                               {false, false, false, false, false, true}};
  const std::vector<uint32_t> members = {2, 5};
  for (int m = 0; m < 2; ++m) {
    for (int t = 0; t < kSteps; ++t) {
      const float mark = Mark(members[m], 0, kRound * kSteps + t);
      EXPECT_EQ(round->batch.next_observations[m][0][t][0].item<float>(),
                ends[m][t] ? -mark : mark + 1);
    }
  }
}

TEST(RoundAssemblyTest, TerminatedAndTruncatedStayApartAndEpisodesCountTheirOwnSteps) {
  const auto round = AssembleRound(GoodRound(), kRound, Shape());
  ASSERT_TRUE(round.ok());
  const auto row = [](const torch::Tensor& values, int member) {
    const float* first = values.data_ptr<float>() + member * kSteps;
    return std::vector<float>(first, first + kSteps);
  };
  EXPECT_THAT(row(round->batch.terminated, 0), testing::ElementsAre(0, 1, 0, 0, 0, 0));
  EXPECT_THAT(row(round->batch.truncated, 0), testing::ElementsAre(0, 0, 0, 1, 0, 0));
  EXPECT_THAT(row(round->batch.terminated, 1), testing::ElementsAre(0, 0, 0, 0, 0, 1));
  EXPECT_THAT(row(round->batch.truncated, 1), testing::ElementsAre(0, 0, 0, 0, 0, 1));
  EXPECT_THAT(row(round->batch.episode_step, 0), testing::ElementsAre(7, 8, 0, 1, 0, 1));
  EXPECT_THAT(row(round->batch.episode_step, 1), testing::ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(round->episodes[0].size(), 2u);
  EXPECT_EQ(round->episodes[1].size(), 1u);
}

TEST(RoundAssemblyTest, AnythingButTheRoundInOrderIsRefused) {
  const auto error = [](const std::vector<v1::Chunk>& chunks) {
    return std::string(AssembleRound(chunks, kRound, Shape()).status().message());
  };
  std::vector<v1::Chunk> chunks = GoodRound();
  std::swap(chunks[0], chunks[1]);
  EXPECT_THAT(error(chunks), HasSubstr("out of order"));
  chunks = GoodRound();
  chunks.pop_back();
  EXPECT_THAT(error(chunks), HasSubstr("too little"));
  chunks = GoodRound();
  chunks.push_back(chunks.back());
  EXPECT_THAT(error(chunks), HasSubstr("too much"));
  chunks = GoodRound();
  chunks[2].mutable_rewards()->pop_back();
  EXPECT_THAT(error(chunks), HasSubstr("sizes"));
  chunks = GoodRound();
  chunks[2].clear_final_observations();
  EXPECT_THAT(error(chunks), HasSubstr("final observation"));
}

}  // namespace
}  // namespace sr2l
