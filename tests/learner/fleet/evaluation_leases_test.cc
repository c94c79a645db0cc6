// Evaluations as leases on actors: one holder at a time, and only the newest one's report
// counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "learner/fleet/fleet.h"

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

void Ignore() {}

class EvaluationLeasesTest : public ::testing::Test {
 protected:
  EvaluationLeasesTest() { Start(/*members=*/0); }

  void Start(uint32_t members) {
    Fleet::ActiveExperiment experiment;
    experiment.assignment.set_experiment_id("e");
    experiment.seeds.assign(members, 7);
    experiment.streams_per_member = 1;
    experiment.on_evaluation = [this](const v1::ReportEvaluationRequest& report) {
      landed_.push_back(report.round());
    };
    fleet_.Start(std::move(experiment));
  }

  Fleet::ActorId Join(uint32_t max_streams = 64) {
    v1::JoinRequest request;
    request.set_actor_name("a");
    request.set_max_streams(max_streams);
    return *fleet_.Join(request, Ignore);
  }

  void Evaluate(uint64_t round) {
    v1::EvaluationGrant evaluation;
    evaluation.set_experiment_id("e");
    evaluation.set_round(round);
    evaluation.set_epoch(999);  // the fleet's to choose
    fleet_.Evaluate(evaluation);
  }

  // The evaluations that the actor is told of now.
  std::vector<v1::EvaluationGrant> Granted(Fleet::ActorId actor) {
    std::vector<v1::EvaluationGrant> grants;
    while (const auto event = fleet_.NextEvent(actor)) {
      if (event->has_evaluation()) grants.push_back(event->evaluation());
    }
    return grants;
  }

  absl::Status Report(const v1::EvaluationGrant& grant, const std::string& error = "") {
    v1::ReportEvaluationRequest report;
    report.set_experiment_id(grant.experiment_id());
    report.set_member(grant.member());
    report.set_round(grant.round());
    report.set_epoch(grant.epoch());
    if (!error.empty()) report.set_error(error);
    return fleet_.ReportEvaluation(report);
  }

  Fleet fleet_{/*generation=*/3};
  std::vector<uint64_t> landed_;  // rounds
};

TEST_F(EvaluationLeasesTest, AnActorWithoutStreamsLearnsOfTheExperimentFirst) {
  const Fleet::ActorId actor = Join();
  Evaluate(10);
  EXPECT_TRUE(fleet_.NextEvent(actor)->has_assignment());
  const auto event = fleet_.NextEvent(actor);
  ASSERT_TRUE(event != nullptr && event->has_evaluation());
  EXPECT_EQ(event->evaluation().round(), 10u);
  EXPECT_EQ(event->evaluation().epoch() >> 32, 3u);
}

TEST_F(EvaluationLeasesTest, AnActorHasOneAtATimeAndTheOldestComesFirst) {
  for (const uint64_t round : {10, 20, 30}) Evaluate(round);
  const Fleet::ActorId first = Join();
  const Fleet::ActorId second = Join();
  const auto of_first = Granted(first);
  const auto of_second = Granted(second);
  ASSERT_EQ(of_first.size(), 1u);
  ASSERT_EQ(of_second.size(), 1u);
  EXPECT_EQ(of_first[0].round(), 10u);
  EXPECT_EQ(of_second[0].round(), 20u);
  EXPECT_TRUE(Report(of_second[0]).ok());
  EXPECT_THAT(Granted(first), IsEmpty());
  const auto next = Granted(second);
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].round(), 30u);
  EXPECT_THAT(landed_, ElementsAre(20));
}

TEST_F(EvaluationLeasesTest, TheActorWithTheFewestStreamsGetsIt) {
  const Fleet::ActorId driver = Join();
  Start(/*members=*/1);  // its stream is the first actor's
  const Fleet::ActorId idle = Join();
  Evaluate(10);
  EXPECT_THAT(Granted(driver), IsEmpty());
  EXPECT_EQ(Granted(idle).size(), 1u);
}

TEST_F(EvaluationLeasesTest, AnActorThatLeavesGivesItToAnotherAndIsNotHeardAnyMore) {
  const Fleet::ActorId first = Join();
  Evaluate(10);
  const auto lost = Granted(first);
  ASSERT_EQ(lost.size(), 1u);
  fleet_.Leave(first);
  // Nobody has it: an old report does not count either.
  EXPECT_EQ(Report(lost[0]).code(), absl::StatusCode::kFailedPrecondition);
  const auto found = Granted(Join());
  ASSERT_EQ(found.size(), 1u);
  EXPECT_GT(found[0].epoch(), lost[0].epoch());
  const absl::Status stale = Report(lost[0]);
  EXPECT_EQ(stale.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(stale.message()), HasSubstr("member 0 after round 10"));
  EXPECT_THAT(landed_, IsEmpty());
  EXPECT_TRUE(Report(found[0]).ok());
  EXPECT_THAT(landed_, ElementsAre(10));
}

TEST_F(EvaluationLeasesTest, AReportCountsOnceAndAFailedOneToo) {
  const Fleet::ActorId actor = Join();
  Evaluate(10);
  const auto grant = Granted(actor);
  ASSERT_EQ(grant.size(), 1u);
  EXPECT_TRUE(Report(grant[0], "MuJoCo says no").ok());
  EXPECT_EQ(Report(grant[0]).code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(landed_, ElementsAre(10));
  EXPECT_THAT(Granted(actor), IsEmpty());
}

TEST_F(EvaluationLeasesTest, AskingTwiceIsAskingOnce) {
  const Fleet::ActorId first = Join();
  const Fleet::ActorId second = Join();
  Evaluate(10);
  Evaluate(10);
  EXPECT_EQ(Granted(first).size() + Granted(second).size(), 1u);
}

TEST_F(EvaluationLeasesTest, TheEndOfTheExperimentEndsThem) {
  const Fleet::ActorId actor = Join();
  Evaluate(10);
  Evaluate(20);
  const auto grant = Granted(actor);
  ASSERT_EQ(grant.size(), 1u);
  fleet_.End("e");
  EXPECT_TRUE(fleet_.NextEvent(actor)->has_end());
  EXPECT_EQ(Report(grant[0]).code(), absl::StatusCode::kNotFound);
  Evaluate(30);
  EXPECT_THAT(Granted(actor), IsEmpty());
  EXPECT_THAT(landed_, IsEmpty());
}

}  // namespace
}  // namespace sr2l
