// The learner's services over a real connection, with a real replay service behind them
// and no actors but those that a test plays itself.

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <string>

#include "absl/time/clock.h"
#include "common/rpc/server.h"
#include "learner/service/experiment_queue.h"
#include "learner/service/experiment_service.h"
#include "learner/service/experiment_store.h"
#include "learner/fleet/fleet.h"
#include "learner/service/fleet_service.h"
#include "learner/training/trainer.h"
#include "replay/client/replay_client.h"
#include "replay/core/memory_log.h"
#include "replay/core/replay_store.h"
#include "replay/service/replay_service.h"
#include "sr2l/v1/experiment.grpc.pb.h"
#include "sr2l/v1/fleet.grpc.pb.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(60);

// A replay server in this process.
struct ReplayServer {
  explicit ReplayServer(const std::string& address)
      : log(64 << 20), store(*ReplayStore::Open(log)), metrics(registry), service(*store, metrics),
        server(*RpcServer::Start(address, {}, {&service})) {}

  MemoryLog log;
  std::unique_ptr<ReplayStore> store;
  prometheus::Registry registry;
  ReplayMetrics metrics;
  ReplayService service;
  std::unique_ptr<RpcServer> server;
};

// All of sr2l-learner's parts, in this process. Members stop in the reverse order.
struct LearnerServer {
  LearnerServer(const std::string& folder, const std::string& replay_address)
      : address("unix:" + folder + "/learner.sock"),
        store(*ExperimentStore::Open(folder + "/experiments.db")),
        replay(*ReplayClient::Create(replay_address, {})),
        metrics(registry),
        fleet(*store->NextGeneration()),
        trainer({.device = "cpu", .threads = 2}, *replay, fleet, metrics),
        queue(*ExperimentQueue::Start({.state_path = folder}, *store, trainer)),
        fleet_service(fleet),
        experiment_service(*queue, fleet),
        server(*RpcServer::Start(address, {}, {&fleet_service, &experiment_service})) {}

  const std::string address;
  std::unique_ptr<ExperimentStore> store;
  std::unique_ptr<ReplayClient> replay;
  prometheus::Registry registry;
  LearnerMetrics metrics;
  Fleet fleet;
  Trainer trainer;
  std::unique_ptr<ExperimentQueue> queue;
  FleetService fleet_service;
  ExperimentService experiment_service;
  std::unique_ptr<RpcServer> server;
};

class LearnerServiceTest : public ::testing::Test {
 protected:
  LearnerServiceTest() : replay_("unix:" + folder_ + "/replay.sock") { Restart(); }
  ~LearnerServiceTest() override {
    learner_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Restart() {
    learner_.reset();
    learner_ = std::make_unique<LearnerServer>(folder_, "unix:" + folder_ + "/replay.sock");
    channel_ = *MakeChannel(learner_->address, {});
    experiments_ = v1::Experiments::NewStub(channel_);
    fleet_ = v1::Fleet::NewStub(channel_);
  }

  static void SetDeadline(grpc::ClientContext& context) {
    context.set_wait_for_ready(true);
    context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
  }

  static v1::SubmitRequest Request() {
    v1::SubmitRequest request;
    request.mutable_config()->mutable_task()->set_builtin("inverted_pendulum");
    request.mutable_config()->mutable_trpo();
    request.mutable_config()->set_rounds(2);
    return request;
  }

  grpc::Status Submit(const v1::SubmitRequest& request, v1::SubmitResponse* response) {
    grpc::ClientContext context;
    SetDeadline(context);
    return experiments_->Submit(&context, request, response);
  }

  std::string SubmitGood() {
    v1::SubmitResponse response;
    const grpc::Status status = Submit(Request(), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.experiment_id();
  }

  v1::Experiment Cancel(const std::string& id) {
    v1::CancelRequest request;
    request.set_experiment_id(id);
    request.set_reason("enough");
    grpc::ClientContext context;
    SetDeadline(context);
    v1::Experiment experiment;
    const grpc::Status status = experiments_->Cancel(&context, request, &experiment);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return experiment;
  }

  // Watches until `enough` holds; the experiment as it then was.
  template <typename Predicate>
  v1::Experiment WatchUntil(const std::string& id, Predicate enough) {
    v1::GetRequest request;
    request.set_experiment_id(id);
    grpc::ClientContext context;
    SetDeadline(context);
    const auto reader = experiments_->Watch(&context, request);
    v1::Experiment experiment;
    while (reader->Read(&experiment)) {
      if (!enough(experiment)) continue;
      context.TryCancel();
      return experiment;
    }
    ADD_FAILURE() << "Watch ended early: " << reader->Finish().error_message();
    return experiment;
  }

  v1::Experiment WatchToEnd(const std::string& id) {
    return WatchUntil(id, [](const v1::Experiment& e) { return HasEnded(e.state()); });
  }

  int NumExperiments() {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::ListResponse response;
    EXPECT_TRUE(experiments_->List(&context, v1::ListRequest(), &response).ok());
    return response.experiments_size();
  }

  std::string folder_ = [] {
    std::string pattern = ::testing::TempDir() + "/learner-XXXXXX";
    return std::string(mkdtemp(pattern.data()));
  }();
  ReplayServer replay_;
  std::unique_ptr<LearnerServer> learner_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Experiments::Stub> experiments_;
  std::unique_ptr<v1::Fleet::Stub> fleet_;
};

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

TEST_F(LearnerServiceTest, AfterARestartTheRunningOneHasFailedAndTheQueueGoesOn) {
  const std::string first = SubmitGood();
  const std::string second = SubmitGood();
  WatchUntil(first, [](const v1::Experiment& e) { return e.state() == v1::RUNNING; });
  Restart();
  const v1::Experiment interrupted = WatchToEnd(first);
  EXPECT_EQ(interrupted.state(), v1::FAILED);
  EXPECT_THAT(interrupted.reason(), HasSubstr("learner"));
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

// Sends `bytes` as the one message of a call, whatever the method expects.
void CallRaw(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
             const std::string& bytes) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Milliseconds(300)));
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareUnaryCall(
      &context, method, grpc::ByteBuffer(std::make_unique<grpc::Slice>(bytes).get(), 1), &queue);
  call->StartCall();
  grpc::ByteBuffer response;
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
}

TEST_F(LearnerServiceTest, RandomBytesToEveryMethodNeitherCrashNorHangTheServer) {
  std::mt19937_64 random(20);
  const std::string good = Request().SerializeAsString();
  for (const char* method :
       {"/sr2l.v1.Experiments/Submit", "/sr2l.v1.Experiments/List", "/sr2l.v1.Experiments/Get",
        "/sr2l.v1.Experiments/Watch", "/sr2l.v1.Experiments/Cancel", "/sr2l.v1.Fleet/Join",
        "/sr2l.v1.Fleet/ReportFailure", "/sr2l.v1.Fleet/NoSuchMethod"}) {
    for (int i = 0; i < 25; ++i) {
      std::string bytes = i % 2 == 0 ? good : std::string(random() % 200, '\0');
      const size_t changes = bytes.empty() ? 0 : 1 + random() % bytes.size();
      for (size_t k = 0; k < changes; ++k) {
        bytes[random() % bytes.size()] = static_cast<char>(random());
      }
      bytes.resize(bytes.size() - (bytes.empty() ? 0 : random() % bytes.size()));
      CallRaw(channel_, method, bytes);
    }
  }
  v1::SubmitRequest request = Request();
  request.set_dry_run(true);
  v1::SubmitResponse response;
  EXPECT_TRUE(Submit(request, &response).ok());
}

TEST_F(LearnerServiceTest, AnOversizedMessageIsRefused) {
  v1::SubmitRequest request = Request();
  v1::ModelFile* file = request.mutable_config()->mutable_task()->add_files();
  file->set_name("big");
  file->set_content(std::string(kMaxMessageBytes + 1, 'x'));
  v1::SubmitResponse response;
  EXPECT_EQ(Submit(request, &response).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

}  // namespace
}  // namespace sr2l
