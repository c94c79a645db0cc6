// What a driver does with FREE_RUNNING experiments: which policies it takes, how far it
// gets ahead, and what it makes of a replay that holds it back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "actor/driver/driver.h"
#include "driver_fixture.h"

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Consecutive steps and the policy version that they are taken with.
struct Span {
  uint64_t steps = 0;
  uint64_t version = 0;
};

// What a stream of member 0 must have stored, by a loop without driver, batches, leases
// and chunks.
Stored Expected(uint32_t stream, const std::vector<Span>& spans) {
  const auto environment = *Environment::Create(*BuiltinTask("hopper"));
  Stored expected;
  uint64_t episode = 0;
  EXPECT_TRUE(environment->Reset(SeedOf(0), stream, episode).ok());
  for (const Span& span : spans) {
    const auto policy = *Policy::Create(PolicyOf(0, span.version));
    for (uint64_t i = 0; i < span.steps; ++i) {
      std::vector<float> action(3);
      policy->network().Forward(environment->observation().data(), 1, action.data());
      policy->Sample(action.data(), SeedOf(0), stream, expected.next_step++, action.data());
      expected.observations.append(reinterpret_cast<const char*>(environment->observation().data()),
                                   11 * sizeof(float));
      expected.actions.append(reinterpret_cast<const char*>(action.data()), 3 * sizeof(float));
      const StepResult result = *environment->Step(action.data());
      if (result.terminated || result.truncated) {
        EXPECT_TRUE(environment->Reset(SeedOf(0), stream, ++episode).ok());
      }
    }
  }
  return expected;
}

class FreeRunningTest : public DriverTest {
 protected:
  void AssignFreeRunning(Driver& driver) {
    v1::Assignment assignment = AssignmentOf(*BuiltinTask("hopper"));
    assignment.set_collection(v1::FREE_RUNNING);
    Assign(driver, assignment);
  }
  // A driver with one stream that is open and has its first policy.
  void StartOne(Driver& driver) {
    AssignFreeRunning(driver);
    Grant(driver, 0, 0, /*epoch=*/5);
    Publish(driver, PolicyOf(0, 0));
    AnswerOpenings(driver);
  }
  void Step(Driver& driver, int steps) {
    for (int i = 0; i < steps; ++i) ASSERT_GT(driver.Step(), 0);
  }
  // Of the chunks that were sent and are not answered: first step, steps and version.
  std::vector<std::vector<uint64_t>> Sent() const {
    std::vector<std::vector<uint64_t>> sent;
    for (const auto& chunk : world_.sent) {
      sent.push_back({chunk->first_step(), chunk->num_steps(), chunk->policy_version()});
    }
    return sent;
  }
  void ExpectStored(uint32_t stream, const std::vector<Span>& spans) {
    const Stored expected = Expected(stream, spans);
    const Stored& actual = store_.at({0, stream});
    EXPECT_EQ(actual.next_step, expected.next_step);
    EXPECT_EQ(actual.observations, expected.observations);
    EXPECT_EQ(actual.actions, expected.actions);
  }
};

using Chunks = std::vector<uint64_t>;

// ---- Policies -----------------------------------------------------------------------

TEST_F(FreeRunningTest, RoundIsTakenWithTheNewestPolicyOfItsStart) {
  Driver driver(world_, {});
  StartOne(driver);
  Step(driver, 10);
  Publish(driver, PolicyOf(0, 2));
  Publish(driver, PolicyOf(0, 3));
  Step(driver, 40);
  Publish(driver, PolicyOf(0, 4));
  Drain(driver);
  EXPECT_THAT(Sent(), ElementsAre(Chunks{0, 40, 0}, Chunks{40, 40, 3}));
  AnswerChunks(driver);
  Drain(driver);
  EXPECT_THAT(Sent(), ElementsAre(Chunks{80, 40, 4}));
  AnswerChunks(driver);
  ExpectStored(0, {{40, 0}, {40, 3}, {40, 4}});
  EXPECT_THAT(driver.DescribeWait(), HasSubstr("finished streams: 1"));
  EXPECT_THAT(world_.failures, IsEmpty());
}

TEST_F(FreeRunningTest, RoundsGoOnWithAnOldPolicy) {
  Driver driver(world_, {});
  StartOne(driver);
  for (uint64_t round = 0; round < kRounds; ++round) {
    Drain(driver);
    AnswerChunks(driver);
  }
  ExpectStored(0, {{kRounds * kStepsPerRound, 0}});
}

TEST_F(FreeRunningTest, StreamsOfAMemberActWithDifferentVersionsAtOnce) {
  Driver driver(world_, {});
  StartOne(driver);
  Step(driver, 10);
  Publish(driver, PolicyOf(0, 5));
  Grant(driver, 0, 1, /*epoch=*/6);
  AnswerOpenings(driver);
  EXPECT_EQ(driver.Step(), 2);
  Publish(driver, PolicyOf(0, 6));
  Grant(driver, 0, 2, /*epoch=*/7);
  AnswerOpenings(driver);
  EXPECT_EQ(driver.Step(), 3);
  while (Drain(driver) > 0) AnswerChunks(driver);
  AnswerChunks(driver);
  ExpectStored(0, {{40, 0}, {80, 6}});
  ExpectStored(1, {{40, 5}, {80, 6}});
  ExpectStored(2, {{120, 6}});
}

TEST_F(FreeRunningTest, RestOfARoundThatIsTakenOverUsesTheNewestPolicy) {
  FakeWorld other_world(store_);
  Driver driver(world_, {});
  Driver other(other_world, {});
  StartOne(driver);
  Step(driver, 10);
  Revoke(driver, 0, 0, /*epoch=*/5);
  AnswerChunks(driver);
  AssignFreeRunning(other);
  Grant(other, 0, 0, /*epoch=*/6);
  AnswerOpenings(other, other_world);
  EXPECT_EQ(other.DescribeWait(),
            "policy version 0 or newer for member 0 stream 0 of experiment e-1");
  Publish(other, PolicyOf(0, 7));
  Step(other, 1);
  Publish(other, PolicyOf(0, 8));
  Drain(other);
  ASSERT_EQ(other_world.sent.size(), 2u);
  EXPECT_EQ(other_world.sent[0]->first_step(), 10u);
  EXPECT_EQ(other_world.sent[0]->num_steps(), 30u);
  AnswerChunks(other, other_world);
  ExpectStored(0, {{10, 0}, {30, 7}, {40, 8}});
}

// ---- How far a stream gets ahead ----------------------------------------------------

TEST_F(FreeRunningTest, StreamIsOneChunkAheadOfTheAnswersAtMost) {
  Driver driver(world_, {});
  StartOne(driver);
  EXPECT_EQ(Drain(driver), static_cast<int>(2 * kStepsPerRound));
  EXPECT_EQ(driver.DescribeWait(),
            "the replay's answers to 2 chunks of member 0 stream 0 of experiment e-1");
  const auto oldest = world_.sent.front();
  world_.sent.pop_front();
  driver.OnAnswer(world_.Append(*oldest));
  EXPECT_EQ(Drain(driver), static_cast<int>(kStepsPerRound));
}

TEST_F(FreeRunningTest, LimitedStreamPausesUntilItsChunkIsStored) {
  Driver driver(world_, {});
  StartOne(driver);
  Grant(driver, 0, 1, /*epoch=*/6);
  AnswerOpenings(driver);
  Step(driver, 40);
  ASSERT_EQ(world_.sent.size(), 2u);
  Step(driver, 5);
  AnswerOldest(driver, Outcome::LIMITED);  // of stream 0
  EXPECT_EQ(driver.Step(), 1);             // of stream 1
  EXPECT_EQ(driver.DescribeWait(),
            "the learner to sample: the replay holds back member 0 stream 0 of experiment e-1: "
            "said the test");
  AnswerOldest(driver, Outcome::LIMITED);
  EXPECT_EQ(driver.Step(), 1);
  AnswerChunks(driver);
  EXPECT_EQ(driver.Step(), 2);
  while (Drain(driver) > 0) AnswerChunks(driver);
  AnswerChunks(driver);
  for (uint32_t stream = 0; stream < 2; ++stream) ExpectStored(stream, {{120, 0}});
  EXPECT_EQ(driver.counters().answers.at(Outcome::LIMITED), 2u);
  EXPECT_EQ(driver.counters().steps_retaken, 0u);
}

// ---- Policies that the replay finds too old -----------------------------------------

TEST_F(FreeRunningTest, StepsOfATooOldPolicyAreTakenAgainWithANewerOne) {
  Driver driver(world_, {});
  StartOne(driver);
  Step(driver, 40);
  AnswerChunks(driver);
  Drain(driver);
  EXPECT_THAT(Sent(), ElementsAre(Chunks{40, 40, 0}, Chunks{80, 40, 0}));
  AnswerOldest(driver, Outcome::STALE_POLICY);
  // Not before the other chunk is answered: it must not be stored behind other steps.
  EXPECT_THAT(world_.openings, IsEmpty());
  EXPECT_EQ(driver.Step(), 0);
  AnswerChunks(driver);
  EXPECT_EQ(driver.counters().answers.at(Outcome::GAP), 1u);
  ASSERT_EQ(world_.openings.size(), 1u);
  EXPECT_EQ(world_.openings.front().epoch, 5u);
  EXPECT_EQ(world_.openings.front().delay, absl::ZeroDuration());
  AnswerOpenings(driver);
  // The policy that was refused would be refused again.
  EXPECT_EQ(driver.Step(), 0);
  EXPECT_EQ(driver.DescribeWait(),
            "policy version 1 or newer for member 0 stream 0 of experiment e-1");
  Publish(driver, PolicyOf(0, 4));
  Drain(driver);
  AnswerChunks(driver);
  ExpectStored(0, {{40, 0}, {80, 4}});
  EXPECT_EQ(driver.counters().steps_retaken, 80u);
  EXPECT_EQ(driver.counters().env_steps, 200u);
  EXPECT_THAT(world_.failures, IsEmpty());
}

TEST_F(FreeRunningTest, StepsThatNoChunkWasSentOfAreTakenAgainToo) {
  Driver driver(world_, {});
  StartOne(driver);
  Step(driver, 45);
  Publish(driver, PolicyOf(0, 1));
  AnswerOldest(driver, Outcome::STALE_POLICY);
  AnswerOpenings(driver);
  EXPECT_EQ(driver.counters().steps_retaken, 45u);
  while (Drain(driver) > 0) AnswerChunks(driver);
  ExpectStored(0, {{120, 1}});
}

TEST_F(FreeRunningTest, LeaseThatIsLostBeforeItsStreamIsOpenedAgainIsDropped) {
  Driver driver(world_, {});
  StartOne(driver);
  Drain(driver);
  AnswerOldest(driver, Outcome::STALE_POLICY);
  Revoke(driver, 0, 0, /*epoch=*/5);
  AnswerChunks(driver);
  EXPECT_THAT(world_.openings, IsEmpty());
  EXPECT_EQ(driver.num_streams(), 0);
}

TEST_F(FreeRunningTest, TooOldPolicyOfASynchronousExperimentIsAFailure) {
  Driver driver(world_, {});
  DriverTest::StartOne(driver);
  Drain(driver);
  AnswerOldest(driver, Outcome::STALE_POLICY);
  EXPECT_THAT(world_.failures,
              ElementsAre("e-1: the replay refused a chunk of member 0 stream 0 of experiment "
                          "e-1: said the test"));
}

// ---- Assignments --------------------------------------------------------------------

TEST_F(FreeRunningTest, AssignmentWithoutACollectionModeIsAFailure) {
  Driver driver(world_, {});
  v1::Assignment assignment = AssignmentOf(*BuiltinTask("hopper"));
  assignment.set_collection(v1::COLLECTION_MODE_UNSPECIFIED);
  Assign(driver, assignment);
  EXPECT_THAT(world_.failures, ElementsAre("e-1: collection must be SYNCHRONOUS or FREE_RUNNING, "
                                           "got COLLECTION_MODE_UNSPECIFIED"));
}

}  // namespace
}  // namespace sr2l
