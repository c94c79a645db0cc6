// Evaluations that a learner asks for, without a network.
#include "actor/fleet/evaluation_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "actor/evaluation/evaluation.h"
#include "common/task/builtin_tasks.h"
#include "tests/actor/evaluation_policies.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kPatience = absl::Minutes(1);

std::shared_ptr<const CompiledTask> Hopper(uint32_t step_limit = 60) {
  v1::TaskConfig task = *BuiltinTask("hopper");
  task.set_step_limit(step_limit);
  return *CompiledTask::Create(task);
}

v1::EvaluationGrant Grant(uint64_t round) {
  v1::EvaluationGrant grant;
  grant.set_experiment_id("e");
  grant.set_member(2);
  grant.set_round(round);
  grant.set_epoch(77);
  grant.set_episodes(3);
  grant.set_seed(round + 5);
  *grant.mutable_policy() = RandomPolicy(11, 3, 1, {-1, -0.5F, -2});
  return grant;
}

class EvaluationWorkerTest : public ::testing::Test {
 protected:
  // Waits for so many reports.
  std::vector<v1::ReportEvaluationRequest> Reports(size_t count) {
    absl::MutexLock lock(&mu_);
    const auto came = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return reports_.size() >= count; };
    EXPECT_TRUE(mu_.AwaitWithTimeout(absl::Condition(&came), kPatience));
    return reports_;
  }

  absl::Mutex mu_;
  std::vector<v1::ReportEvaluationRequest> reports_ ABSL_GUARDED_BY(mu_);
  EvaluationWorker worker_{[this](const v1::ReportEvaluationRequest& report) {
    absl::MutexLock lock(&mu_);
    reports_.push_back(report);
  }};
};

TEST_F(EvaluationWorkerTest, ReturnsAreThoseOfTheEvaluationWithMeanActionsAndThatSeed) {
  const auto task = Hopper();
  worker_.Start(task, Grant(10));
  worker_.Start(task, Grant(20));
  const auto reports = Reports(2);
  ASSERT_EQ(reports.size(), 2u);
  for (const v1::ReportEvaluationRequest& report : reports) {
    const v1::EvaluationGrant grant = Grant(report.round());
    EXPECT_EQ(report.experiment_id(), "e");
    EXPECT_EQ(report.member(), 2u);
    EXPECT_EQ(report.epoch(), 77u);
    EXPECT_FALSE(report.has_error());
    EpisodeOptions options;
    options.seed = grant.seed();
    const auto expected =
        Evaluate(task, {{.policy = MakePolicy(grant.policy()), .options = options}},
                 {.episodes = 3, .threads = 1}, [](size_t) {});
    ASSERT_TRUE(expected.ok());
    ASSERT_EQ(report.returns_size(), 3);
    double sum = 0;
    for (const double value : report.returns()) sum += value;
    EXPECT_EQ(sum / 3, (*expected)[0].return_.mean);
    double steps = 0;
    for (const uint32_t length : report.lengths()) steps += length;
    EXPECT_EQ(steps / 3, (*expected)[0].length_mean);
  }
  EXPECT_EQ(reports[0].round(), 10u);
}

TEST_F(EvaluationWorkerTest, WhatCannotBeEvaluatedIsReportedWithItsReason) {
  v1::EvaluationGrant misfit = Grant(10);
  *misfit.mutable_policy() = RandomPolicy(5, 3, 1, {});
  worker_.Start(Hopper(), misfit);
  v1::EvaluationGrant damaged = Grant(20);
  damaged.mutable_policy()->clear_parameters();
  worker_.Start(Hopper(), damaged);
  worker_.Start(nullptr, Grant(30));
  const auto reports = Reports(3);
  ASSERT_EQ(reports.size(), 3u);
  EXPECT_THAT(reports[0].error(), HasSubstr("11 observations"));
  EXPECT_THAT(reports[1].error(), HasSubstr("parameters"));
  EXPECT_THAT(reports[2].error(), HasSubstr("cannot drive"));
  for (const v1::ReportEvaluationRequest& report : reports) {
    EXPECT_THAT(report.returns(), IsEmpty());
    EXPECT_EQ(report.epoch(), 77u);
  }
}

// Takes minutes.
v1::EvaluationGrant EndlessGrant(const std::string& experiment_id) {
  v1::EvaluationGrant grant = Grant(10);
  grant.set_experiment_id(experiment_id);
  grant.set_episodes(10000);
  return grant;
}

TEST_F(EvaluationWorkerTest, TheEndOfAnExperimentStopsItsEvaluationsAndNoOthers) {
  worker_.Start(Hopper(1000), EndlessGrant("ends"));
  worker_.Start(Hopper(1000), EndlessGrant("ends"));
  worker_.Start(Hopper(), Grant(20));
  worker_.End("ends");
  const auto reports = Reports(1);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].round(), 20u);
}

TEST_F(EvaluationWorkerTest, CloseStopsWhatRunsAndNothingIsReportedAfterIt) {
  worker_.Start(Hopper(1000), EndlessGrant("e"));
  worker_.Start(Hopper(), Grant(20));
  const absl::Time begin = absl::Now();
  worker_.Close();
  EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
  worker_.Start(Hopper(), Grant(30));
  absl::MutexLock lock(&mu_);
  EXPECT_THAT(reports_, IsEmpty());
}

}  // namespace
}  // namespace sr2l
