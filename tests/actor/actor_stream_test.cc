#include "actor/stream/actor_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "common/random/philox.h"
#include "common/task/builtin_tasks.h"

namespace sr2l {
namespace {

constexpr uint64_t kSeed = 41;
constexpr uint32_t kStream = 3;

std::vector<float> Floats(const std::string& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// The action of a step is a function of the step alone.
std::vector<float> ActionOf(uint64_t step, int action_dim) {
  std::vector<float> action(action_dim);
  const Philox random(kSeed, Purpose::kExploration, kStream);
  for (uint32_t i = 0; i < action.size(); ++i) {
    action[i] = static_cast<float>(random.Normal(step, i));
  }
  return action;
}

class StreamTest : public testing::Test {
 protected:
  void UseTask(const std::string& name, int step_limit = 1000) {
    v1::TaskConfig task = *BuiltinTask(name);
    task.set_step_limit(step_limit);
    auto compiled = CompiledTask::Create(task);
    ASSERT_TRUE(compiled.ok()) << compiled.status();
    task_ = *std::move(compiled);
    action_dim_ = task.action_dim();
  }

  std::unique_ptr<ActorStream> Make(uint64_t steps_per_round, uint64_t next_step = 0,
                                    const std::string& token = "") const {
    StreamIdentity identity = {
        .lease_epoch = 6, .seed = kSeed, .steps_per_round = steps_per_round, .noise = noise_};
    identity.key.set_experiment_id("e");
    identity.key.set_member(2);
    identity.key.set_stream(kStream);
    auto stream = ActorStream::Create(identity, task_, next_step, token);
    EXPECT_TRUE(stream.ok()) << stream.status();
    return *std::move(stream);
  }

  StepResult Step(ActorStream& stream) const {
    std::vector<float> action = ActionOf(stream.next_step(), action_dim_);
    if (noise_.has_value()) stream.Explore(action.data());
    const auto result = stream.Step(action.data());
    EXPECT_TRUE(result.ok()) << result.status();
    return *result;
  }

  // The chunks of `stream` up to step `end`, as they fall due.
  std::vector<v1::Chunk> DriveTo(ActorStream& stream, uint64_t end) const {
    std::vector<v1::Chunk> chunks;
    while (stream.next_step() < end) {
      Step(stream);
      if (!stream.chunk_is_due()) continue;
      const uint64_t round = (stream.next_step() - 1) / stream.identity().steps_per_round;
      chunks.push_back(stream.TakeChunk(/*policy_version=*/round));
    }
    return chunks;
  }

  std::shared_ptr<const CompiledTask> task_;
  int action_dim_ = 0;
  std::optional<NoiseProcess> noise_;
};

// What a stream does, recorded without chunks: an environment driven by hand.
struct Recording {
  std::vector<float> observations;  // before each step
  std::vector<float> actions;
  std::vector<float> rewards;
  std::string flags;
  std::vector<std::vector<float>> final_observations;
  std::vector<uint64_t> last_steps;  // of episodes
  std::vector<uint32_t> lengths;
  std::vector<double> returns;
  std::vector<uint32_t> episode_steps;  // before each step
};

Recording Record(std::shared_ptr<const CompiledTask> task, uint64_t steps) {
  const auto environment = *Environment::Create(std::move(task));
  Recording recording;
  uint64_t episode = 0;
  uint32_t length = 0;
  double episode_return = 0;
  EXPECT_TRUE(environment->Reset(kSeed, kStream, episode).ok());
  for (uint64_t step = 0; step < steps; ++step) {
    const std::vector<float> action = ActionOf(step, environment->action_dim());
    const std::vector<float>& o = environment->observation();
    recording.observations.insert(recording.observations.end(), o.begin(), o.end());
    recording.actions.insert(recording.actions.end(), action.begin(), action.end());
    recording.episode_steps.push_back(length);
    const StepResult result = *environment->Step(action.data());
    ++length;
    episode_return += result.reward;
    recording.rewards.push_back(static_cast<float>(result.reward));
    recording.flags.push_back(result.terminated ? 1 : result.truncated ? 2 : 0);
    if (recording.flags.back() == 0) continue;
    recording.final_observations.push_back(environment->observation());
    recording.last_steps.push_back(step);
    recording.lengths.push_back(std::exchange(length, 0));
    recording.returns.push_back(std::exchange(episode_return, 0));
    EXPECT_TRUE(environment->Reset(kSeed, kStream, ++episode).ok());
  }
  const std::vector<float>& o = environment->observation();
  recording.observations.insert(recording.observations.end(), o.begin(), o.end());
  recording.episode_steps.push_back(length);
  return recording;
}

template <typename T>
std::vector<T> Rows(const std::vector<T>& matrix, uint64_t first, uint64_t count, int width) {
  return std::vector<T>(matrix.begin() + first * width, matrix.begin() + (first + count) * width);
}

// Checks a chunk against the part of the recording that it covers.
void ExpectCovers(const v1::Chunk& chunk, const Recording& recording, int observation_dim,
                  int action_dim) {
  const uint64_t first = chunk.first_step();
  const uint64_t steps = chunk.num_steps();
  EXPECT_EQ(Floats(chunk.observations()),
            Rows(recording.observations, first, steps + 1, observation_dim));
  EXPECT_EQ(Floats(chunk.actions()), Rows(recording.actions, first, steps, action_dim));
  EXPECT_EQ(Floats(chunk.rewards()), Rows(recording.rewards, first, steps, 1));
  EXPECT_EQ(chunk.flags(), recording.flags.substr(first, steps));
  EXPECT_EQ(chunk.first_episode_step(), recording.episode_steps[first]);

  std::vector<float> final_observations;
  int episode = 0;
  for (size_t i = 0; i < recording.last_steps.size(); ++i) {
    const uint64_t last_step = recording.last_steps[i];
    if (last_step < first || last_step >= first + steps) continue;
    const std::vector<float>& o = recording.final_observations[i];
    final_observations.insert(final_observations.end(), o.begin(), o.end());
    ASSERT_LT(episode, chunk.episodes_size());
    EXPECT_EQ(chunk.episodes(episode).offset(), last_step - first);
    EXPECT_EQ(chunk.episodes(episode).length(), recording.lengths[i]);
    EXPECT_EQ(chunk.episodes(episode).return_(), recording.returns[i]);
    EXPECT_FALSE(chunk.episodes(episode).diverged());
    ++episode;
  }
  EXPECT_EQ(chunk.episodes_size(), episode);
  EXPECT_EQ(Floats(chunk.final_observations()), final_observations);
}

TEST_F(StreamTest, ChunksHoldWhatTheEnvironmentDid) {
  UseTask("hopper");  // many short episodes that span chunks
  const Recording recording = Record(task_, 600);
  ASSERT_GT(recording.last_steps.size(), 10u);
  const auto stream = Make(/*steps_per_round=*/50);
  const std::vector<v1::Chunk> chunks = DriveTo(*stream, 600);
  ASSERT_EQ(chunks.size(), 12u);
  uint64_t next = 0;
  for (const v1::Chunk& chunk : chunks) {
    EXPECT_EQ(chunk.first_step(), next);
    next += chunk.num_steps();
    ExpectCovers(chunk, recording, 11, 3);
  }
  EXPECT_EQ(next, 600u);
}

TEST_F(StreamTest, EpisodeThatEndsWithTheChunkIsFollowedByTheNextStart) {
  UseTask("swimmer", /*step_limit=*/20);
  const Recording recording = Record(task_, 60);
  const auto stream = Make(/*steps_per_round=*/40);
  const std::vector<v1::Chunk> chunks = DriveTo(*stream, 40);
  ASSERT_EQ(chunks.size(), 1u);
  ExpectCovers(chunks[0], recording, 8, 2);
  EXPECT_EQ(chunks[0].episodes_size(), 2);
  EXPECT_EQ(chunks[0].episodes(1).offset(), 39u);
  EXPECT_EQ(chunks[0].flags()[39], 2);
  const std::vector<float> rows = Floats(chunks[0].observations());
  EXPECT_NE(Rows(rows, 40, 1, 8), recording.final_observations[1]);
  v1::ResumeToken token;
  ASSERT_TRUE(token.ParseFromString(chunks[0].resume_token()));
  EXPECT_EQ(token.episode(), 2u);
  EXPECT_EQ(token.episode_step(), 0u);
  EXPECT_EQ(token.episode_return(), 0);
}

TEST_F(StreamTest, NoiseStartsAnewWithAnEpisode) {
  UseTask("swimmer", /*step_limit=*/20);
  noise_ = NoiseProcess{.decay = 0.9, .scale = 0.1};
  const auto stream = Make(/*steps_per_round=*/10);
  const std::vector<v1::Chunk> chunks = DriveTo(*stream, 40);
  for (const v1::Chunk& chunk : chunks) {
    v1::ResumeToken token;
    ASSERT_TRUE(token.ParseFromString(chunk.resume_token()));
    const bool starts = token.next_step() % 20 == 0;
    EXPECT_EQ(token.episode_step() == 0, starts);
    EXPECT_THAT(token.noise(), testing::SizeIs(2));
    if (starts) {
      EXPECT_THAT(token.noise(), testing::Each(0));
    } else {
      EXPECT_THAT(token.noise(), testing::Each(testing::Ne(0)));
    }
  }
}

TEST_F(StreamTest, ChunkCarriesItsPlace) {
  UseTask("swimmer");
  const auto stream = Make(/*steps_per_round=*/10);
  const std::vector<v1::Chunk> chunks = DriveTo(*stream, 30);
  ASSERT_EQ(chunks.size(), 3u);
  for (uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(chunks[i].key().experiment_id(), "e");
    EXPECT_EQ(chunks[i].key().member(), 2u);
    EXPECT_EQ(chunks[i].key().stream(), kStream);
    EXPECT_EQ(chunks[i].lease_epoch(), 6u);
    EXPECT_EQ(chunks[i].policy_version(), i);
    EXPECT_EQ(chunks[i].first_episode_step(), 10 * i);
  }
}

TEST_F(StreamTest, ChunkFallsDueAtItsFullSize) {
  UseTask("ant");
  const auto stream = Make(/*steps_per_round=*/1000);
  const std::vector<v1::Chunk> chunks = DriveTo(*stream, 1000);
  ASSERT_GT(chunks.size(), 2u);
  for (const v1::Chunk& chunk : chunks) {
    const bool last = &chunk == &chunks.back();
    EXPECT_TRUE(last || chunk.ByteSizeLong() >= 128u * 1024);
    EXPECT_LT(chunk.ByteSizeLong(), 136u * 1024);
  }
  EXPECT_EQ(stream->pending_steps(), 0);
}

class StreamResumeTest : public StreamTest, public testing::WithParamInterface<std::string> {
 protected:
  void ExpectEveryTokenContinuesToTheSameBytes();
};

void StreamResumeTest::ExpectEveryTokenContinuesToTheSameBytes() {
  UseTask(GetParam(), /*step_limit=*/130);
  const auto uncut = Make(/*steps_per_round=*/60);
  const std::vector<v1::Chunk> chunks = DriveTo(*uncut, 420);
  ASSERT_EQ(chunks.size(), 7u);
  for (size_t i = 0; i + 1 < chunks.size(); ++i) {
    const auto restored = Make(60, 60 * (i + 1), chunks[i].resume_token());
    const std::vector<v1::Chunk> later = DriveTo(*restored, 420);
    ASSERT_EQ(later.size(), chunks.size() - 1 - i);
    for (size_t k = 0; k < later.size(); ++k) {
      EXPECT_EQ(later[k].SerializeAsString(), chunks[i + 1 + k].SerializeAsString());
    }
  }
}

TEST_P(StreamResumeTest, EveryTokenContinuesToTheSameBytes) {
  ExpectEveryTokenContinuesToTheSameBytes();
}

TEST_P(StreamResumeTest, EveryTokenWithNoiseContinuesToTheSameBytes) {
  noise_ = NoiseProcess{.decay = 0.99, .scale = 0.1};
  ExpectEveryTokenContinuesToTheSameBytes();
}

TEST_P(StreamResumeTest, CutsAtAnyStepChangeNothingButTheChunksEdges) {
  UseTask(GetParam(), /*step_limit=*/130);
  const Recording recording = Record(task_, 360);
  auto stream = Make(/*steps_per_round=*/360);
  std::string last_token;
  uint64_t next = 0;
  for (const uint64_t cut : {1, 2, 64, 129, 130, 131, 200, 360}) {
    while (stream->next_step() < cut) Step(*stream);
    const v1::Chunk chunk = stream->TakeChunk(/*policy_version=*/0);
    EXPECT_EQ(chunk.first_step(), next);
    EXPECT_EQ(chunk.policy_version(), 0u);
    ExpectCovers(chunk, recording, static_cast<int>(stream->observation().size()), action_dim_);
    next = cut;
    last_token = chunk.resume_token();
    stream = Make(360, cut, last_token);
  }
  // The same state, whoever brought the stream there.
  const auto uncut = Make(360);
  EXPECT_EQ(DriveTo(*uncut, 360).back().resume_token(), last_token);
}

INSTANTIATE_TEST_SUITE_P(Tasks, StreamResumeTest, testing::ValuesIn(BuiltinTaskNames()),
                         [](const auto& info) { return info.param; });

TEST_F(StreamTest, DivergedEpisodeIsMarked) {
  UseTask("hopper");
  const auto stream = Make(/*steps_per_round=*/3);
  const std::vector<float> not_a_number(3, std::nanf(""));
  Step(*stream);
  ASSERT_TRUE(stream->Step(not_a_number.data()).ok());
  Step(*stream);
  const v1::Chunk chunk = stream->TakeChunk(/*policy_version=*/0);
  ASSERT_EQ(chunk.episodes_size(), 1);
  EXPECT_TRUE(chunk.episodes(0).diverged());
  EXPECT_EQ(chunk.flags(), std::string("\0\1\0", 3));
}

TEST_F(StreamTest, TokensThatDoNotFitAreRefused) {
  UseTask("hopper");
  const auto stream = Make(/*steps_per_round=*/5);
  const std::string token = DriveTo(*stream, 5).back().resume_token();
  const StreamIdentity identity = {.steps_per_round = 5};
  const auto status = [&](uint64_t next_step, const std::string& bytes) {
    return ActorStream::Create(identity, task_, next_step, bytes).status();
  };
  EXPECT_EQ(status(5, token), absl::OkStatus());
  EXPECT_THAT(std::string(status(6, token).message()),
              testing::HasSubstr("next_step must be 6, where the stream is, got 5"));
  EXPECT_THAT(std::string(status(5, "").message()),
              testing::HasSubstr("no resume token for a stream that is at step 5"));
  EXPECT_EQ(status(5, token.substr(0, token.size() / 2)).code(), absl::StatusCode::kDataLoss);
  UseTask("ant");
  EXPECT_THAT(std::string(status(5, token).message()),
              testing::HasSubstr("qpos must have 15 numbers for this task, got 6"));
}

}  // namespace
}  // namespace sr2l
