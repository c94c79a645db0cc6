#include "actor/driver/driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/random/philox.h"
#include "common/task/builtin_tasks.h"

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Outcome = v1::AppendResponse;

constexpr char kExperiment[] = "e-1";
constexpr uint64_t kRounds = 3;
constexpr uint64_t kStepsPerRound = 40;

v1::StreamKey Key(uint32_t member, uint32_t stream) {
  v1::StreamKey key;
  key.set_experiment_id(kExperiment);
  key.set_member(member);
  key.set_stream(stream);
  return key;
}

uint64_t SeedOf(uint32_t member) { return 100 + member; }

// One hidden layer of four, with parameters that differ by member and version.
v1::PolicySnapshot Policy(uint32_t member, uint64_t version, int observations = 11,
                          int actions = 3) {
  v1::PolicySnapshot snapshot;
  snapshot.set_experiment_id(kExperiment);
  snapshot.set_member(member);
  snapshot.set_version(version);
  snapshot.mutable_network()->set_inputs(observations);
  snapshot.mutable_network()->add_hidden(4);
  snapshot.mutable_network()->set_outputs(actions);
  snapshot.mutable_network()->set_activation(v1::TANH);
  snapshot.mutable_network()->set_output_activation(v1::LINEAR);
  const Philox random(SeedOf(member), Purpose::kPolicyInit);
  std::vector<float> parameters((observations + 1) * 4 + 5 * actions);
  for (uint32_t i = 0; i < parameters.size(); ++i) {
    parameters[i] = static_cast<float>(0.3 * random.Normal(version, i));
  }
  snapshot.set_parameters(parameters.data(), parameters.size() * sizeof(float));
  snapshot.add_log_std(-0.5f);
  return snapshot;
}

// What a stream stored, as columns.
struct Stored {
  uint64_t epoch = 0;
  uint64_t next_step = 0;
  std::string token;
  std::string observations;  // without the rows after chunks
  std::string actions;
  std::string rewards;
  std::string flags;
};

using Store = std::map<std::pair<uint32_t, uint32_t>, Stored>;  // by member and stream

// A replay in a few lines, and the learner's ear, as one actor sees them.
class FakeWorld : public DriverPorts {
 public:
  explicit FakeWorld(Store& store) : stored(store) {}

  struct Opening {
    v1::StreamKey key;
    uint64_t epoch;
    uint64_t ticket;
    absl::Duration delay;
  };

  void OpenStream(const v1::StreamKey& key, uint64_t epoch, uint64_t ticket,
                  absl::Duration delay) override {
    openings.push_back({key, epoch, ticket, delay});
  }
  absl::Status Send(std::shared_ptr<const v1::Chunk> chunk) override {
    sent.push_back(std::move(chunk));
    return absl::OkStatus();
  }
  void ReportFailure(const std::string& experiment_id, const std::string& reason) override {
    failures.push_back(experiment_id + ": " + reason);
  }

  Stored& At(const v1::StreamKey& key) { return stored[{key.member(), key.stream()}]; }

  v1::OpenStreamResponse Open(const Opening& opening) {
    Stored& stream = At(opening.key);
    stream.epoch = opening.epoch;
    v1::OpenStreamResponse response;
    response.set_next_step(stream.next_step);
    response.set_resume_token(stream.token);
    return response;
  }

  v1::AppendResponse Append(const v1::Chunk& chunk) {
    Stored& stream = At(chunk.key());
    v1::AppendResponse answer;
    *answer.mutable_key() = chunk.key();
    answer.set_first_step(chunk.first_step());
    if (chunk.lease_epoch() != stream.epoch) {
      answer.set_outcome(Outcome::STALE_EPOCH);
    } else if (chunk.first_step() != stream.next_step) {
      answer.set_outcome(chunk.first_step() < stream.next_step ? Outcome::DUPLICATE
                                                               : Outcome::GAP);
    } else {
      const size_t row = chunk.observations().size() / (chunk.num_steps() + 1);
      stream.observations += chunk.observations().substr(0, row * chunk.num_steps());
      stream.actions += chunk.actions();
      stream.rewards += chunk.rewards();
      stream.flags += chunk.flags();
      stream.next_step += chunk.num_steps();
      stream.token = chunk.resume_token();
      answer.set_outcome(Outcome::STORED);
    }
    return answer;
  }

  std::deque<Opening> openings;
  std::deque<std::shared_ptr<const v1::Chunk>> sent;
  std::vector<std::string> failures;
  Store& stored;
};

class DriverTest : public testing::Test {
 protected:
  void Assign(Driver& driver, v1::TaskConfig task = *BuiltinTask("hopper")) {
    v1::FleetEvent event;
    event.mutable_assignment()->set_experiment_id(kExperiment);
    *event.mutable_assignment()->mutable_task() = std::move(task);
    event.mutable_assignment()->set_rounds(kRounds);
    event.mutable_assignment()->set_steps_per_round(kStepsPerRound);
    driver.OnFleetEvent(event);
  }
  void Grant(Driver& driver, uint32_t member, uint32_t stream, uint64_t epoch) {
    v1::FleetEvent event;
    *event.mutable_grant()->mutable_key() = Key(member, stream);
    event.mutable_grant()->set_epoch(epoch);
    event.mutable_grant()->set_seed(SeedOf(member));
    driver.OnFleetEvent(event);
  }
  void Revoke(Driver& driver, uint32_t member, uint32_t stream, uint64_t epoch) {
    v1::FleetEvent event;
    *event.mutable_revoke()->mutable_key() = Key(member, stream);
    event.mutable_revoke()->set_epoch(epoch);
    driver.OnFleetEvent(event);
  }
  void Publish(Driver& driver, const v1::PolicySnapshot& policy) {
    v1::FleetEvent event;
    *event.mutable_policy() = policy;
    driver.OnFleetEvent(event);
  }

  // Answers every OpenStream, and every chunk, in order.
  void AnswerOpenings(Driver& driver) { AnswerOpenings(driver, world_); }
  void AnswerOpenings(Driver& driver, FakeWorld& world) {
    while (!world.openings.empty()) {
      const FakeWorld::Opening opening = world.openings.front();
      world.openings.pop_front();
      driver.OnOpened(opening.key, opening.ticket, world.Open(opening));
    }
  }
  void AnswerChunks(Driver& driver) { AnswerChunks(driver, world_); }
  void AnswerChunks(Driver& driver, FakeWorld& world) {
    while (!world.sent.empty()) {
      const auto chunk = world.sent.front();
      world.sent.pop_front();
      driver.OnAnswer(world.Append(*chunk));
    }
  }
  // Answers the oldest chunk with `outcome` whatever it holds.
  void AnswerOldest(Driver& driver, Outcome::Outcome outcome) {
    ASSERT_FALSE(world_.sent.empty());
    v1::AppendResponse answer;
    *answer.mutable_key() = world_.sent.front()->key();
    answer.set_first_step(world_.sent.front()->first_step());
    answer.set_outcome(outcome);
    answer.set_message("said the test");
    if (outcome != Outcome::FULL) world_.sent.pop_front();
    driver.OnAnswer(answer);
  }
  // Steps until nothing moves; the number of steps.
  int Drain(Driver& driver) {
    int total = 0;
    while (const int steps = driver.Step()) total += steps;
    return total;
  }

  // A driver with one stream that is open and has its first policy.
  void StartOne(Driver& driver) {
    Assign(driver);
    Grant(driver, 0, 0, /*epoch=*/5);
    Publish(driver, Policy(0, 0));
    AnswerOpenings(driver);
  }

  Store store_;
  FakeWorld world_{store_};
};

// What stream `stream` of `member` must have stored, by a loop without driver, batches,
// leases and chunks.
Stored Expected(uint32_t member, uint32_t stream) {
  const auto environment = *Environment::Create(*BuiltinTask("hopper"));
  Stored expected;
  uint64_t episode = 0;
  EXPECT_TRUE(environment->Reset(SeedOf(member), stream, episode).ok());
  for (uint64_t step = 0; step < kRounds * kStepsPerRound; ++step) {
    const auto policy = *GaussianActor::Create(Policy(member, step / kStepsPerRound));
    std::vector<float> action(3);
    policy->network().Forward(environment->observation().data(), 1, action.data());
    policy->Sample(action.data(), SeedOf(member), stream, step, action.data());
    expected.observations.append(
        reinterpret_cast<const char*>(environment->observation().data()), 11 * sizeof(float));
    expected.actions.append(reinterpret_cast<const char*>(action.data()), 3 * sizeof(float));
    const StepResult result = *environment->Step(action.data());
    const float reward = static_cast<float>(result.reward);
    expected.rewards.append(reinterpret_cast<const char*>(&reward), sizeof(float));
    expected.flags.push_back(static_cast<char>(result.terminated + 2 * result.truncated));
    if (result.terminated || result.truncated) {
      EXPECT_TRUE(environment->Reset(SeedOf(member), stream, ++episode).ok());
    }
  }
  return expected;
}

void ExpectStored(const Store& store, uint32_t member, uint32_t stream) {
  const Stored expected = Expected(member, stream);
  const Stored& actual = store.at({member, stream});
  EXPECT_EQ(actual.next_step, kRounds * kStepsPerRound);
  EXPECT_EQ(actual.observations, expected.observations);
  EXPECT_EQ(actual.actions, expected.actions);
  EXPECT_EQ(actual.rewards, expected.rewards);
  EXPECT_EQ(actual.flags, expected.flags);
}

// ---- What is collected --------------------------------------------------------------

TEST_F(DriverTest, StoredStepsAreThoseOfAPlainLoop) {
  Driver driver(world_, {.jitter_seed = 1});
  Assign(driver);
  for (uint32_t member = 0; member < 2; ++member) {
    for (uint32_t stream = 0; stream < 3; ++stream) Grant(driver, member, stream, 9);
  }
  AnswerOpenings(driver);
  for (uint64_t round = 0; round < kRounds; ++round) {
    for (uint32_t member = 0; member < 2; ++member) Publish(driver, Policy(member, round));
    EXPECT_EQ(Drain(driver), static_cast<int>(6 * kStepsPerRound));
    AnswerChunks(driver);
  }
  for (uint32_t member = 0; member < 2; ++member) {
    for (uint32_t stream = 0; stream < 3; ++stream) ExpectStored(store_, member, stream);
  }
  EXPECT_THAT(world_.failures, IsEmpty());
  EXPECT_THAT(driver.DescribeWait(), HasSubstr("finished streams: 6"));
}

// A stream wanders between two actors at odd moments: with answered chunks or with chunks
// that arrive late, and at times without a revoke, as when an actor hangs for a while.
TEST_F(DriverTest, StreamThatMovesBetweenActorsStoresTheSameSteps) {
  FakeWorld worlds[] = {FakeWorld(store_), FakeWorld(store_)};
  Driver drivers[] = {Driver(worlds[0], {}), Driver(worlds[1], {})};
  for (Driver& driver : drivers) Assign(driver);
  Stored& stored = store_[{0, 0}];
  uint64_t epoch = 0;
  int holder = 0;
  Grant(drivers[0], 0, 0, ++epoch);
  for (int move = 0; stored.next_step < kRounds * kStepsPerRound; ++move) {
    ASSERT_LT(move, 200);
    const int next = 1 - holder;
    AnswerOpenings(drivers[holder], worlds[holder]);
    Publish(drivers[holder], Policy(0, stored.next_step / kStepsPerRound));
    for (int step = 0; step < 7 + move % 5; ++step) drivers[holder].Step();
    const bool hangs = move % 3 == 0;
    if (!hangs) Revoke(drivers[holder], 0, 0, epoch);
    if (move % 2 == 0) AnswerChunks(drivers[holder], worlds[holder]);
    Grant(drivers[next], 0, 0, ++epoch);
    if (hangs) {
      AnswerOpenings(drivers[next], worlds[next]);
      drivers[holder].SendPending();
    }
    AnswerChunks(drivers[holder], worlds[holder]);
    holder = next;
  }
  ExpectStored(store_, 0, 0);
  for (int i = 0; i < 2; ++i) {
    EXPECT_GT(drivers[i].counters().answers.at(Outcome::STORED), 1u);
    EXPECT_GT(drivers[i].counters().answers.at(Outcome::STALE_EPOCH), 0u);
    EXPECT_THAT(worlds[i].failures, IsEmpty());
  }
}

// ---- Policies -----------------------------------------------------------------------

TEST_F(DriverTest, StreamWaitsForItsPolicyVersion) {
  Driver driver(world_, {.jitter_seed = 1});
  Assign(driver);
  Grant(driver, 0, 0, 5);
  EXPECT_EQ(driver.DescribeWait(),
            "the replay's answer where to start member 0 stream 0 of experiment e-1");
  AnswerOpenings(driver);
  EXPECT_EQ(Drain(driver), 0);
  EXPECT_EQ(driver.DescribeWait(), "policy version 0 for member 0 stream 0 of experiment e-1");
  Publish(driver, Policy(0, 0));
  EXPECT_EQ(Drain(driver), static_cast<int>(kStepsPerRound));
  EXPECT_EQ(driver.DescribeWait(), "policy version 1 for member 0 stream 0 of experiment e-1");
  Publish(driver, Policy(1, 1));  // another member's
  EXPECT_EQ(Drain(driver), 0);
}

TEST_F(DriverTest, StreamAheadOfTheLearnerWaits) {
  Driver driver(world_, {.jitter_seed = 1});
  StartOne(driver);
  Drain(driver);
  AnswerChunks(driver);
  driver.OnLeft();  // the learner went back to an older checkpoint
  Assign(driver);
  Grant(driver, 0, 0, 6);
  AnswerOpenings(driver);
  Publish(driver, Policy(0, 0));
  EXPECT_EQ(Drain(driver), 0);
  EXPECT_THAT(world_.failures, IsEmpty());
  Publish(driver, Policy(0, 1));
  EXPECT_EQ(Drain(driver), static_cast<int>(kStepsPerRound));
}

TEST_F(DriverTest, StreamBehindTheLearnerIsAFailure) {
  Driver driver(world_, {.jitter_seed = 1});
  Assign(driver);
  Grant(driver, 0, 0, 5);
  Publish(driver, Policy(0, 2));
  AnswerOpenings(driver);
  EXPECT_EQ(Drain(driver), 0);
  EXPECT_THAT(world_.failures,
              ElementsAre("e-1: member 0 stream 0 is at step 0, which needs policy version 0, but "
                          "the learner is at version 2: the replay has lost steps"));
}

TEST_F(DriverTest, PolicyOfOtherSizesIsAFailureWithBothNumbers) {
  Driver driver(world_, {.jitter_seed = 1});
  Assign(driver);
  Grant(driver, 0, 0, 5);
  Publish(driver, Policy(0, 0, /*observations=*/8, /*actions=*/2));
  EXPECT_THAT(world_.failures,
              ElementsAre("e-1: policy version 0 of member 0 maps 8 observations to 2 actions, "
                          "but the task has 11 and 3"));
  EXPECT_EQ(driver.num_streams(), 0);
}

TEST_F(DriverTest, PolicyThatDoesNotDecodeIsAFailure) {
  Driver driver(world_, {.jitter_seed = 1});
  Assign(driver);
  v1::PolicySnapshot policy = Policy(0, 0);
  policy.mutable_parameters()->pop_back();
  Publish(driver, policy);
  ASSERT_EQ(world_.failures.size(), 1u);
  EXPECT_THAT(world_.failures[0], HasSubstr("policy version 0 of member 0: "));
}

// ---- Leases -------------------------------------------------------------------------

TEST_F(DriverTest, FinishedStreamTakesNoMoreSteps) {
  Driver driver(world_, {.jitter_seed = 1});
  StartOne(driver);
  for (uint64_t round = 0; round < kRounds; ++round) {
    Publish(driver, Policy(0, round));
    Drain(driver);
    AnswerChunks(driver);
  }
  Publish(driver, Policy(0, kRounds));
  EXPECT_EQ(Drain(driver), 0);
  EXPECT_EQ(driver.counters().env_steps, kRounds * kStepsPerRound);
  EXPECT_THAT(world_.failures, IsEmpty());
  // Nor does it when it is opened anew.
  Grant(driver, 0, 0, 6);
  AnswerOpenings(driver);
  EXPECT_EQ(Drain(driver), 0);
  EXPECT_THAT(world_.failures, IsEmpty());
}

TEST_F(DriverTest, EndOfTheExperimentDropsItsStreams) {
  Driver driver(world_, {.jitter_seed = 1});
  StartOne(driver);
  v1::FleetEvent event;
  event.mutable_end()->set_experiment_id(kExperiment);
  driver.OnFleetEvent(event);
  EXPECT_EQ(driver.num_streams(), 0);
  EXPECT_EQ(Drain(driver), 0);
  EXPECT_EQ(driver.DescribeWait(), "a lease from the learner");
}

TEST_F(DriverTest, RevokeOfAnOlderLeaseIsIgnored) {
  Driver driver(world_, {.jitter_seed = 1});
  StartOne(driver);
  Revoke(driver, 0, 0, /*epoch=*/4);
  EXPECT_EQ(driver.num_streams(), 1);
}

TEST_F(DriverTest, AnswerToAnOpeningThatWasOvertakenIsIgnored) {
  Driver driver(world_, {.jitter_seed = 1});
  Assign(driver);
  Grant(driver, 0, 0, 5);
  const FakeWorld::Opening old = world_.openings.front();
  world_.openings.clear();
  Grant(driver, 0, 0, 6);
  v1::OpenStreamResponse response;
  response.set_next_step(77);
  driver.OnOpened(old.key, old.ticket, response);
  driver.OnOpened(old.key, old.ticket, absl::FailedPreconditionError("newer lease"));
  EXPECT_EQ(driver.num_streams(), 1);
  AnswerOpenings(driver);
  Publish(driver, Policy(0, 0));
  EXPECT_EQ(driver.Step(), 1);
}

TEST_F(DriverTest, OpeningIsRetriedLaterWhenTheReplayIsAway) {
  Driver driver(world_, {.jitter_seed = 1});
  Assign(driver);
  Grant(driver, 0, 0, 5);
  absl::Duration longest;
  for (int attempt = 0; attempt < 50; ++attempt) {
    ASSERT_EQ(world_.openings.size(), 1u);
    const FakeWorld::Opening opening = world_.openings.front();
    world_.openings.pop_front();
    EXPECT_EQ(opening.delay > absl::ZeroDuration(), attempt > 0);
    longest = std::max(longest, opening.delay);
    driver.OnOpened(opening.key, opening.ticket, absl::UnavailableError("away"));
  }
  EXPECT_GE(longest, absl::Seconds(2.5));
  EXPECT_LE(longest, absl::Seconds(5));
  EXPECT_THAT(world_.failures, IsEmpty());
}

TEST_F(DriverTest, StreamThatTheReplayNeverKnowsIsAFailure) {
  Driver driver(world_, {.jitter_seed = 1});
  Assign(driver);
  Grant(driver, 0, 0, 5);
  absl::Duration waited;
  while (!world_.openings.empty()) {
    const FakeWorld::Opening opening = world_.openings.front();
    world_.openings.pop_front();
    waited += opening.delay;
    driver.OnOpened(opening.key, opening.ticket, absl::NotFoundError("no table"));
  }
  EXPECT_THAT(world_.failures,
              ElementsAre("e-1: the replay does not open member 0 stream 0 of experiment e-1: "
                          "no table"));
  EXPECT_GT(waited, absl::Seconds(5));
}

TEST_F(DriverTest, FencedOpeningDropsTheLease) {
  Driver driver(world_, {.jitter_seed = 1});
  Assign(driver);
  Grant(driver, 0, 0, 5);
  const FakeWorld::Opening opening = world_.openings.front();
  driver.OnOpened(opening.key, opening.ticket, absl::FailedPreconditionError("epoch 6 was seen"));
  EXPECT_EQ(driver.num_streams(), 0);
  EXPECT_THAT(world_.failures, IsEmpty());
}

TEST_F(DriverTest, TokenThatDoesNotFitIsAFailure) {
  Driver driver(world_, {.jitter_seed = 1});
  Assign(driver);
  Grant(driver, 0, 0, 5);
  v1::OpenStreamResponse response;
  response.set_next_step(40);
  response.set_resume_token("rubbish");
  driver.OnOpened(Key(0, 0), world_.openings.front().ticket, response);
  ASSERT_EQ(world_.failures.size(), 1u);
  EXPECT_THAT(world_.failures[0], HasSubstr("member 0 stream 0 of experiment e-1: resume token"));
}

TEST_F(DriverTest, LeaseWithoutAssignmentIsIgnored) {
  Driver driver(world_, {.jitter_seed = 1});
  Grant(driver, 0, 0, 5);
  EXPECT_EQ(driver.num_streams(), 0);
  EXPECT_THAT(world_.openings, IsEmpty());
}

// ---- Tasks --------------------------------------------------------------------------

TEST_F(DriverTest, TaskThatDoesNotCompileIsReportedOnce) {
  Driver driver(world_, {.jitter_seed = 1});
  v1::TaskConfig task = *BuiltinTask("hopper");
  task.set_observation_dim(12);
  Assign(driver, task);
  Grant(driver, 0, 0, 5);
  Grant(driver, 0, 1, 6);
  Publish(driver, Policy(0, 0));
  ASSERT_EQ(world_.failures.size(), 1u);
  EXPECT_THAT(world_.failures[0],
              HasSubstr("e-1: task.observation_dim is 12, but with this model"));
  EXPECT_EQ(driver.num_streams(), 0);
}

// ---- Answers ------------------------------------------------------------------------

TEST_F(DriverTest, StaleEpochDropsTheStream) {
  Driver driver(world_, {.jitter_seed = 1});
  StartOne(driver);
  Drain(driver);
  AnswerOldest(driver, Outcome::STALE_EPOCH);
  EXPECT_EQ(driver.num_streams(), 0);
}

TEST_F(DriverTest, StaleEpochOfAnEarlierLeaseLeavesTheNewOneAlone) {
  Driver driver(world_, {.jitter_seed = 1});
  StartOne(driver);
  Drain(driver);
  Grant(driver, 0, 0, 6);
  AnswerOpenings(driver);
  AnswerOldest(driver, Outcome::STALE_EPOCH);
  EXPECT_EQ(driver.num_streams(), 1);
  EXPECT_EQ(Drain(driver), static_cast<int>(kStepsPerRound));
}

TEST_F(DriverTest, GapOpensTheStreamAgain) {
  Driver driver(world_, {.jitter_seed = 1});
  StartOne(driver);
  Drain(driver);
  AnswerOldest(driver, Outcome::GAP);
  ASSERT_EQ(world_.openings.size(), 1u);
  EXPECT_EQ(world_.openings.front().epoch, 5u);
  EXPECT_GT(world_.openings.front().delay, absl::ZeroDuration());
  AnswerOpenings(driver);
  EXPECT_EQ(Drain(driver), static_cast<int>(kStepsPerRound));  // the same steps again
  AnswerChunks(driver);
  EXPECT_EQ(world_.stored[std::make_pair(0u, 0u)].next_step, kStepsPerRound);
}

TEST_F(DriverTest, MalformedChunkIsAFailure) {
  Driver driver(world_, {.jitter_seed = 1});
  StartOne(driver);
  Drain(driver);
  AnswerOldest(driver, Outcome::MALFORMED);
  EXPECT_THAT(world_.failures,
              ElementsAre("e-1: the replay refused a chunk of member 0 stream 0 of experiment "
                          "e-1: said the test"));
}

TEST_F(DriverTest, FullReplayPausesThatStreamAlone) {
  Driver driver(world_, {.jitter_seed = 1});
  Assign(driver);
  Grant(driver, 0, 0, 5);
  Grant(driver, 0, 1, 6);
  Publish(driver, Policy(0, 0));
  AnswerOpenings(driver);
  driver.Step();
  // A lease's pending steps go out early; both streams have a chunk of one step out.
  driver.SendPending();
  AnswerOldest(driver, Outcome::FULL);  // of stream 0
  EXPECT_EQ(driver.Step(), 1);
  const auto first = world_.sent.front();
  EXPECT_EQ(first->key().stream(), 0u);
  world_.sent.pop_front();
  driver.OnAnswer(world_.Append(*first));
  EXPECT_EQ(driver.Step(), 2);
}

TEST_F(DriverTest, UnansweredBytesStopTheSteps) {
  // A chunk of 40 steps of Hopper is some 3 kB.
  Driver driver(world_, {.max_unacked_bytes = 8000});
  Assign(driver);
  for (uint32_t stream = 0; stream < 10; ++stream) Grant(driver, 0, stream, 5);
  Publish(driver, Policy(0, 0));
  AnswerOpenings(driver);
  Drain(driver);
  EXPECT_EQ(world_.sent.size(), 3u);
  EXPECT_THAT(driver.DescribeWait(), HasSubstr("the replay's answers to "));
  AnswerChunks(driver);
  Drain(driver);
  EXPECT_EQ(world_.sent.size(), 3u);
  while (!world_.sent.empty()) {
    AnswerChunks(driver);
    Drain(driver);
  }
  for (uint32_t stream = 0; stream < 10; ++stream) {
    EXPECT_EQ(world_.stored[std::make_pair(0u, stream)].next_step, kStepsPerRound);
  }
}

TEST_F(DriverTest, CountersTellWhatWasDone) {
  Driver driver(world_, {.jitter_seed = 1});
  StartOne(driver);
  Drain(driver);
  uint64_t bytes = 0;
  uint64_t episodes = 0;
  for (const auto& chunk : world_.sent) {
    bytes += chunk->ByteSizeLong();
    episodes += chunk->episodes_size();
  }
  EXPECT_EQ(driver.counters().chunks_sent, world_.sent.size());
  EXPECT_EQ(driver.counters().chunk_bytes, bytes);
  EXPECT_EQ(driver.counters().env_steps, kStepsPerRound);
  EXPECT_EQ(driver.counters().episodes_terminated, episodes);
  EXPECT_GT(driver.counters().simulation_seconds, 0);
  EXPECT_GT(driver.counters().inference_seconds, 0);
  EXPECT_GT(driver.counters().transport_seconds, 0);
  AnswerChunks(driver);
  EXPECT_EQ(driver.counters().answers.at(Outcome::STORED), 1u);
}

}  // namespace
}  // namespace sr2l
