// What a driver makes of leases that come and go, and of the replay's answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "actor/driver/driver.h"
#include "driver_fixture.h"

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// ---- Leases -------------------------------------------------------------------------

TEST_F(DriverTest, FinishedStreamTakesNoMoreSteps) {
  Driver driver(world_, {.jitter_seed = 1});
  StartOne(driver);
  for (uint64_t round = 0; round < kRounds; ++round) {
    Publish(driver, PolicyOf(0, round));
    Drain(driver);
    AnswerChunks(driver);
  }
  Publish(driver, PolicyOf(0, kRounds));
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

TEST_F(DriverTest, EvaluationsGoToTheirOwnWorkerAndEndWithTheExperimentOrTheMembership) {
  Driver driver(world_, {.jitter_seed = 1});
  v1::FleetEvent evaluation;
  evaluation.mutable_evaluation()->set_experiment_id(kExperiment);
  evaluation.mutable_evaluation()->set_round(10);
  driver.OnFleetEvent(evaluation);
  ASSERT_EQ(world_.evaluations.size(), 1u);
  EXPECT_EQ(world_.evaluations[0].task, nullptr);  // was not assigned
  StartOne(driver);
  driver.OnFleetEvent(evaluation);
  ASSERT_EQ(world_.evaluations.size(), 2u);
  EXPECT_NE(world_.evaluations[1].task, nullptr);
  EXPECT_EQ(world_.evaluations[1].grant.round(), 10u);
  EXPECT_EQ(driver.num_streams(), 1);
  EXPECT_GT(Drain(driver), 0);
  EXPECT_THAT(world_.ended_evaluations, IsEmpty());
  driver.OnLeft();
  EXPECT_THAT(world_.ended_evaluations, ElementsAre(kExperiment));
  StartOne(driver);
  v1::FleetEvent event;
  event.mutable_end()->set_experiment_id(kExperiment);
  driver.OnFleetEvent(event);
  EXPECT_THAT(world_.ended_evaluations, ElementsAre(kExperiment, kExperiment));
  EXPECT_THAT(world_.failures, IsEmpty());
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
  Publish(driver, PolicyOf(0, 0));
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

TEST_F(DriverTest, StreamThatWaitsIsOpenedAgainWhenTheReplayWasLost) {
  Driver driver(world_, {.jitter_seed = 1});
  StartOne(driver);
  Stored& stream = world_.stored[std::make_pair(0u, 0u)];
  const Stored before = stream;
  Drain(driver);
  AnswerChunks(driver);
  const Stored taken = stream;
  ASSERT_EQ(taken.next_step, kStepsPerRound);
  EXPECT_EQ(Drain(driver), 0);  // it waits for its next policy
  stream = before;              // what was acknowledged is gone
  driver.OnReplayLost();
  driver.OnReplayLost();
  EXPECT_EQ(world_.openings.size(), 1u);
  AnswerOpenings(driver);
  EXPECT_EQ(Drain(driver), static_cast<int>(kStepsPerRound));
  AnswerChunks(driver);
  EXPECT_EQ(stream.next_step, taken.next_step);
  EXPECT_EQ(stream.observations, taken.observations);
  EXPECT_EQ(stream.token, taken.token);
  EXPECT_THAT(world_.failures, IsEmpty());
}

TEST_F(DriverTest, StreamWithAChunkOnItsWayGoesOnWhenTheReplayWasLost) {
  Driver driver(world_, {.jitter_seed = 1});
  StartOne(driver);
  Drain(driver);
  driver.OnReplayLost();
  EXPECT_TRUE(world_.openings.empty());
  AnswerChunks(driver);  // sent again, on another connection
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
  Publish(driver, PolicyOf(0, 0));
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
  Publish(driver, PolicyOf(0, 0));
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
