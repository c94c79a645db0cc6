// Which steps a driver takes, and with which policies.
#include "actor/driver/driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "driver_fixture.h"

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What stream `stream` of `member` must have stored, by a loop without driver, batches,
// leases and chunks.
Stored Expected(uint32_t member, uint32_t stream) {
  const auto environment = *Environment::Create(*BuiltinTask("hopper"));
  Stored expected;
  uint64_t episode = 0;
  EXPECT_TRUE(environment->Reset(SeedOf(member), stream, episode).ok());
  for (uint64_t step = 0; step < kRounds * kStepsPerRound; ++step) {
    const auto policy = *Policy::Create(PolicyOf(member, step / kStepsPerRound));
    std::vector<float> action(3);
    policy->network().Forward(environment->observation().data(), 1, action.data());
    policy->Sample(action.data(), SeedOf(member), stream, step, action.data());
    expected.observations.append(reinterpret_cast<const char*>(environment->observation().data()),
                                 11 * sizeof(float));
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
    for (uint32_t member = 0; member < 2; ++member) Publish(driver, PolicyOf(member, round));
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
    Publish(drivers[holder], PolicyOf(0, stored.next_step / kStepsPerRound));
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
  Publish(driver, PolicyOf(0, 0));
  EXPECT_EQ(Drain(driver), static_cast<int>(kStepsPerRound));
  EXPECT_EQ(driver.DescribeWait(), "policy version 1 for member 0 stream 0 of experiment e-1");
  Publish(driver, PolicyOf(1, 1));  // another member's
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
  Publish(driver, PolicyOf(0, 0));
  EXPECT_EQ(Drain(driver), 0);
  EXPECT_THAT(world_.failures, IsEmpty());
  Publish(driver, PolicyOf(0, 1));
  EXPECT_EQ(Drain(driver), static_cast<int>(kStepsPerRound));
}

TEST_F(DriverTest, StreamBehindTheLearnerIsAFailure) {
  Driver driver(world_, {.jitter_seed = 1});
  Assign(driver);
  Grant(driver, 0, 0, 5);
  Publish(driver, PolicyOf(0, 2));
  AnswerOpenings(driver);
  EXPECT_EQ(Drain(driver), 0);
  EXPECT_THAT(world_.failures,
              ElementsAre("e-1: member 0 stream 0 is at step 0, which needs policy version 0, but "
                          "the learner is at version 2: the replay has lost steps"));
  EXPECT_TRUE(world_.lost_steps);
}

TEST_F(DriverTest, PolicyOfOtherSizesIsAFailureWithBothNumbers) {
  Driver driver(world_, {.jitter_seed = 1});
  Assign(driver);
  Grant(driver, 0, 0, 5);
  Publish(driver, PolicyOf(0, 0, /*observations=*/8, /*actions=*/2));
  EXPECT_THAT(world_.failures,
              ElementsAre("e-1: policy version 0 of member 0 maps 8 observations to 2 actions, "
                          "but the task has 11 and 3"));
  EXPECT_EQ(driver.num_streams(), 0);
}

TEST_F(DriverTest, PolicyThatDoesNotDecodeIsAFailure) {
  Driver driver(world_, {.jitter_seed = 1});
  Assign(driver);
  v1::PolicySnapshot policy = PolicyOf(0, 0);
  policy.mutable_parameters()->pop_back();
  Publish(driver, policy);
  ASSERT_EQ(world_.failures.size(), 1u);
  EXPECT_THAT(world_.failures[0], HasSubstr("policy version 0 of member 0: "));
}

// ---- Tasks --------------------------------------------------------------------------

TEST_F(DriverTest, TaskThatDoesNotCompileIsReportedOnce) {
  Driver driver(world_, {.jitter_seed = 1});
  v1::TaskConfig task = *BuiltinTask("hopper");
  task.set_observation_dim(12);
  Assign(driver, task);
  Grant(driver, 0, 0, 5);
  Grant(driver, 0, 1, 6);
  Publish(driver, PolicyOf(0, 0));
  ASSERT_EQ(world_.failures.size(), 1u);
  EXPECT_THAT(world_.failures[0],
              HasSubstr("e-1: task.observation_dim is 12, but with this model"));
  EXPECT_EQ(driver.num_streams(), 0);
}

}  // namespace
}  // namespace sr2l
