// What operators and actors see of the learner, call by call.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "tests/learner/service/learner_fixture.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

class LearnerServiceTest : public LearnerFixture {};

TEST_F(LearnerServiceTest, ABadConfigIsRefusedByFieldAndNothingIsQueued) {
  v1::SubmitRequest request = Request();
  request.mutable_config()->mutable_trpo()->set_max_kl(-1);
  v1::SubmitResponse response;
  const grpc::Status status = Submit(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("trpo.max_kl"));
  EXPECT_THAT(status.error_message(), HasSubstr("-1"));
  EXPECT_EQ(NumExperiments(), 0);
}

TEST_F(LearnerServiceTest, UnknownFieldsOnTheWireAreRefused) {
  v1::SubmitRequest request = Request();
  v1::TrpoConfig* trpo = request.mutable_config()->mutable_trpo();
  trpo->GetReflection()->MutableUnknownFields(trpo)->AddVarint(777, 1);
  v1::SubmitResponse response;
  const grpc::Status status = Submit(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("777"));
}

TEST_F(LearnerServiceTest, ADryRunResolvesEverythingAndCreatesNothing) {
  v1::SubmitRequest request = Request();
  request.set_dry_run(true);
  v1::SubmitResponse response;
  ASSERT_TRUE(Submit(request, &response).ok());
  EXPECT_FALSE(response.has_experiment_id());
  EXPECT_EQ(response.config().task().observation_dim(), 4);
  EXPECT_EQ(response.config().trpo().hidden_size(), 2);
  EXPECT_EQ(response.config().members().member_size(), 1);
  EXPECT_EQ(NumExperiments(), 0);
}

TEST_F(LearnerServiceTest, AnIdempotencyKeySubmitsOnce) {
  v1::SubmitRequest request = Request();
  request.set_idempotency_key("k1");
  v1::SubmitResponse first;
  v1::SubmitResponse second;
  ASSERT_TRUE(Submit(request, &first).ok());
  ASSERT_TRUE(Submit(request, &second).ok());
  EXPECT_EQ(first.experiment_id(), second.experiment_id());
  request.mutable_config()->set_rounds(3);
  EXPECT_EQ(Submit(request, &second).error_code(), grpc::StatusCode::ALREADY_EXISTS);
}

TEST_F(LearnerServiceTest, WatchSaysThatAnActorIsMissingAndEndsWithTheExperiment) {
  const std::string id = SubmitGood();
  const v1::Experiment waiting =
      WatchUntil(id, [](const v1::Experiment& e) { return e.progress().has_waiting_for(); });
  EXPECT_THAT(waiting.progress().waiting_for(), HasSubstr("an actor"));
  EXPECT_EQ(waiting.state(), v1::RUNNING);
  Cancel(id);
  const v1::Experiment ended = WatchToEnd(id);
  EXPECT_EQ(ended.state(), v1::CANCELLED);
  EXPECT_EQ(ended.reason(), "enough");
}

TEST_F(LearnerServiceTest, AQueuedExperimentIsCancelledWithoutStarting) {
  const std::string running = SubmitGood();
  const std::string queued = SubmitGood();
  WatchUntil(running, [](const v1::Experiment& e) { return e.state() == v1::RUNNING; });
  EXPECT_EQ(Cancel(queued).state(), v1::CANCELLED);
  EXPECT_EQ(Cancel(queued).reason(), "enough");
  EXPECT_FALSE(WatchToEnd(queued).has_started_at());
  Cancel(running);
}

TEST_F(LearnerServiceTest, TheLimiterOfARunningAndOfAQueuedExperimentChanges) {
  v1::SubmitRequest request = Request();
  request.mutable_config()->mutable_ddpg()->set_first_update(1000);
  request.mutable_config()->set_collection(v1::FREE_RUNNING);
  v1::SubmitResponse running;
  v1::SubmitResponse queued;
  ASSERT_TRUE(Submit(request, &running).ok());
  ASSERT_TRUE(Submit(request, &queued).ok());
  // Its tables exist once it waits for actors.
  WatchUntil(running.experiment_id(),
             [](const v1::Experiment& e) { return e.progress().has_waiting_for(); });
  v1::LimiterConfig limiter;
  limiter.set_samples_per_insert(16);
  for (const std::string& id : {running.experiment_id(), queued.experiment_id()}) {
    v1::Experiment experiment;
    const grpc::Status status = SetLimiter(id, limiter, &experiment);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(experiment.config().limiter().samples_per_insert(), 16);
    EXPECT_EQ(experiment.config().limiter().max_staleness(), 10);  // as before
  }
  const v1::DescribeTablesResponse tables =
      *replay_.store().Describe(running.experiment_id());
  ASSERT_EQ(tables.tables_size(), 1);
  EXPECT_EQ(tables.tables(0).limiter().limits().samples_per_insert(), 16);
  Cancel(queued.experiment_id());
  Cancel(running.experiment_id());
}

TEST_F(LearnerServiceTest, AChangedLimiterOutlivesTheReplayAndTheLearner) {
  v1::SubmitRequest request = Request();
  request.mutable_config()->mutable_ddpg()->set_first_update(1000);
  request.mutable_config()->set_collection(v1::FREE_RUNNING);
  v1::SubmitResponse response;
  ASSERT_TRUE(Submit(request, &response).ok());
  const std::string id = response.experiment_id();
  const auto waits = [](const v1::Experiment& e) { return e.progress().has_waiting_for(); };
  WatchUntil(id, waits);
  v1::LimiterConfig limiter;
  limiter.set_samples_per_insert(16);
  v1::Experiment experiment;
  const grpc::Status status = SetLimiter(id, limiter, &experiment);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const auto in_force = [&] {
    const v1::DescribeTablesResponse tables = *replay_.store().Describe(id);
    return tables.tables(0).limiter().limits().samples_per_insert();
  };
  replay_.Stop();
  replay_.Start();
  EXPECT_EQ(in_force(), 16);
  Restart();
  WatchUntil(id, waits);
  EXPECT_EQ(in_force(), 16);
  Cancel(id);
}

TEST_F(LearnerServiceTest, ALimiterThatWouldStopTrainingIsRefusedByField) {
  v1::SubmitRequest request = Request();
  request.mutable_config()->mutable_ddpg()->set_first_update(1000);
  request.mutable_config()->set_collection(v1::FREE_RUNNING);
  v1::SubmitResponse response;
  ASSERT_TRUE(Submit(request, &response).ok());
  v1::LimiterConfig limiter;
  limiter.set_tolerance(10);
  v1::Experiment experiment;
  grpc::Status status = SetLimiter(response.experiment_id(), limiter, &experiment);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("limiter.tolerance must be at least"));
  Cancel(response.experiment_id());
  WatchToEnd(response.experiment_id());
  status = SetLimiter(response.experiment_id(), v1::LimiterConfig(), &experiment);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("already ended"));
  EXPECT_EQ(SetLimiter("nope", limiter, &experiment).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(LearnerServiceTest, ASynchronousExperimentHasNoLimiter) {
  const std::string id = SubmitGood();
  v1::Experiment experiment;
  const grpc::Status status = SetLimiter(id, v1::LimiterConfig(), &experiment);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("not FREE_RUNNING"));
  Cancel(id);
}

TEST_F(LearnerServiceTest, UnknownExperimentsAreNamed) {
  v1::GetRequest request;
  request.set_experiment_id("nope");
  grpc::ClientContext context;
  SetDeadline(context);
  v1::Experiment experiment;
  const grpc::Status status = experiments_->Get(&context, request, &experiment);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("\"nope\""));
  grpc::ClientContext watch_context;
  SetDeadline(watch_context);
  const auto reader = experiments_->Watch(&watch_context, request);
  EXPECT_FALSE(reader->Read(&experiment));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(LearnerServiceTest, AfterARestartTheRunningOneGoesOnBeforeTheQueue) {
  const std::string first = SubmitGood();
  const std::string second = SubmitGood();
  WatchUntil(first, [](const v1::Experiment& e) { return e.state() == v1::RUNNING; });
  Restart();
  // It runs again: it waits for actors, which a mark in the store alone would not do.
  const v1::Experiment again =
      WatchUntil(first, [](const v1::Experiment& e) { return e.progress().has_waiting_for(); });
  EXPECT_EQ(again.state(), v1::RUNNING);
  Cancel(first);
  WatchUntil(second, [](const v1::Experiment& e) { return e.state() == v1::RUNNING; });
  EXPECT_EQ(NumExperiments(), 2);
  Cancel(second);
}

TEST_F(LearnerServiceTest, AnActorIsToldItsStreamsAndLosesThemWithItsConnection) {
  const std::string id = SubmitGood();
  v1::JoinRequest join;
  join.set_actor_name("test");
  grpc::ClientContext context;
  SetDeadline(context);
  const auto reader = fleet_->Join(&context, join);
  v1::FleetEvent event;
  ASSERT_TRUE(reader->Read(&event));
  ASSERT_TRUE(event.has_assignment());
  EXPECT_EQ(event.assignment().experiment_id(), id);
  EXPECT_EQ(event.assignment().task().files_size(), 1);
  EXPECT_FALSE(event.assignment().task().files(0).content().empty());
  ASSERT_TRUE(reader->Read(&event));
  EXPECT_TRUE(event.has_grant());
  ASSERT_TRUE(reader->Read(&event));
  EXPECT_TRUE(event.has_policy());
  EXPECT_EQ(learner_->fleet.num_leases(), 1);
  context.TryCancel();
  const v1::Experiment left =
      WatchUntil(id, [](const v1::Experiment& e) { return e.progress().actors() == 0; });
  EXPECT_EQ(left.state(), v1::RUNNING);
  Cancel(id);
}

TEST_F(LearnerServiceTest, WatchSaysThatTheActorsHaveNoRoomForAllStreams) {
  v1::SubmitRequest request = Request();
  request.mutable_config()->set_streams_per_member(5);
  v1::SubmitResponse response;
  ASSERT_TRUE(Submit(request, &response).ok());
  v1::JoinRequest join;
  join.set_actor_name("small");
  join.set_max_streams(2);
  grpc::ClientContext context;
  SetDeadline(context);
  const auto reader = fleet_->Join(&context, join);
  const v1::Experiment waiting = WatchUntil(response.experiment_id(), [](const v1::Experiment& e) {
    return absl::StrContains(e.progress().waiting_for(), "more actors");
  });
  EXPECT_THAT(waiting.progress().waiting_for(), HasSubstr("3 stream(s) have no room on the 1"));
  context.TryCancel();
  Cancel(response.experiment_id());
}

TEST_F(LearnerServiceTest, AnActorsReportFailsTheExperimentWithItsReason) {
  const std::string id = SubmitGood();
  WatchUntil(id, [](const v1::Experiment& e) { return e.progress().has_waiting_for(); });
  v1::ReportFailureRequest report;
  report.set_experiment_id(id);
  report.set_reason("task.action_dim is 2, the model has 1 actuator");
  grpc::ClientContext context;
  SetDeadline(context);
  v1::ReportFailureResponse response;
  ASSERT_TRUE(fleet_->ReportFailure(&context, report, &response).ok());
  const v1::Experiment ended = WatchToEnd(id);
  EXPECT_EQ(ended.state(), v1::FAILED);
  EXPECT_EQ(ended.reason(), report.reason());
}

}  // namespace
}  // namespace sr2l
