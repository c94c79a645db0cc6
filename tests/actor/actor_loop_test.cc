// Whole actors against a real replay server and a learner that the test plays.
#include "actor/fleet/actor_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "actor/environment/environment.h"
#include "common/random/philox.h"
#include "common/rpc/credentials.h"
#include "common/rpc/server.h"
#include "common/task/builtin_tasks.h"
#include "fake_learner.h"
#include "replay/client/replay_client.h"
#include "replay/core/memory_log.h"
#include "replay/core/replay_store.h"
#include "replay/service/replay_service.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

constexpr char kExperiment[] = "e-1";
constexpr uint64_t kRounds = 4;
constexpr uint64_t kStepsPerRound = 300;
constexpr uint32_t kMembers = 2;
constexpr uint32_t kStreams = 2;

v1::PolicySnapshot PolicyOf(uint32_t member, uint64_t version) {
  v1::PolicySnapshot snapshot;
  snapshot.set_experiment_id(kExperiment);
  snapshot.set_member(member);
  snapshot.set_version(version);
  snapshot.mutable_network()->set_inputs(11);
  snapshot.mutable_network()->add_hidden(8);
  snapshot.mutable_network()->set_outputs(3);
  snapshot.mutable_network()->set_activation(v1::TANH);
  snapshot.mutable_network()->set_output_activation(v1::LINEAR);
  const Philox random(member, Purpose::kPolicyInit);
  std::vector<float> parameters(12 * 8 + 9 * 3);
  for (uint32_t i = 0; i < parameters.size(); ++i) {
    parameters[i] = static_cast<float>(0.3 * random.Normal(version, i));
  }
  snapshot.set_parameters(parameters.data(), parameters.size() * sizeof(float));
  snapshot.add_log_std(-0.5f);
  return snapshot;
}

// The replay's process, which can be stopped and started without losing its memory.
class ReplayProcess {
 public:
  explicit ReplayProcess(std::string address)
      : address_(std::move(address)), log_(size_t{64} << 20), metrics_(registry_) {
    store_ = *ReplayStore::Open(log_);
    service_ = std::make_unique<ReplayService>(*store_, metrics_);
  }
  void Start() {
    auto server = RpcServer::Start(address_, TransportSecurity(), {service_.get()});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  void Stop() {
    server_->Shutdown(absl::ZeroDuration());
    server_.reset();
  }
  ReplayStore& store() { return *store_; }

 private:
  const std::string address_;
  MemoryLog log_;
  prometheus::Registry registry_;
  ReplayMetrics metrics_;
  std::unique_ptr<ReplayStore> store_;
  std::unique_ptr<ReplayService> service_;
  std::unique_ptr<RpcServer> server_;
};

// An actor with its metrics.
struct Actor {
  Actor(const std::string& learner, const std::string& replay, const std::string& name)
      : metrics(registry),
        loop(*MakeChannel(learner, TransportSecurity()), *MakeChannel(replay, TransportSecurity()),
             {.name = name, .max_streams = 64}, metrics) {}

  prometheus::Registry registry;
  ActorMetrics metrics;
  ActorLoop loop;
};

class ActorLoopTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = "/tmp/sr2l_actor_loop." + std::to_string(getpid());
    std::filesystem::create_directories(folder_);
    learner_address_ = "unix:" + folder_ + "/learner";
    replay_address_ = "unix:" + folder_ + "/replay";
    replay_ = std::make_unique<ReplayProcess>(replay_address_);
    replay_->Start();
    learner_.Start(learner_address_);
    client_ = *ReplayClient::Create(replay_address_, TransportSecurity());
    for (uint32_t member = 0; member < kMembers; ++member) {
      tables_[member].set_experiment_id(kExperiment);
      tables_[member].set_member(member);
      tables_[member].set_num_streams(kStreams);
      tables_[member].set_observation_dim(11);
      tables_[member].set_action_dim(3);
      tables_[member].set_steps_per_round(kStepsPerRound);
    }
    ASSERT_TRUE(client_->CreateTables(tables_).ok());
  }
  void TearDown() override {
    actors_.clear();
    std::filesystem::remove_all(folder_);
  }

  // Starts an actor and waits until it has joined, for the `joins`th time of all.
  void StartActor(size_t joins) {
    actors_.push_back(std::make_unique<Actor>(learner_address_, replay_address_,
                                              "actor-" + std::to_string(actors_.size())));
    learner_.AwaitJoined(joins);
  }

  void Assign(size_t actor, v1::TaskConfig task = *BuiltinTask("hopper")) {
    v1::FleetEvent event;
    event.mutable_assignment()->set_experiment_id(kExperiment);
    *event.mutable_assignment()->mutable_task() = std::move(task);
    event.mutable_assignment()->set_rounds(kRounds);
    event.mutable_assignment()->set_steps_per_round(kStepsPerRound);
    learner_.Send(actor, event);
  }
  void Grant(size_t actor, uint32_t member, uint32_t stream) {
    v1::FleetEvent event;
    event.mutable_grant()->mutable_key()->set_experiment_id(kExperiment);
    event.mutable_grant()->mutable_key()->set_member(member);
    event.mutable_grant()->mutable_key()->set_stream(stream);
    event.mutable_grant()->set_epoch(++epoch_);
    event.mutable_grant()->set_seed(member + 50);
    learner_.Send(actor, event);
  }
  void GrantAll(size_t actor) {
    for (uint32_t member = 0; member < kMembers; ++member) {
      for (uint32_t stream = 0; stream < kStreams; ++stream) Grant(actor, member, stream);
    }
  }
  void Publish(size_t actor, uint64_t version) {
    for (uint32_t member = 0; member < kMembers; ++member) {
      v1::FleetEvent event;
      *event.mutable_policy() = PolicyOf(member, version);
      learner_.Send(actor, event);
    }
  }

  // The columns of a round of all members, one string for each stream.
  std::vector<std::string> ReadRound(uint64_t round) {
    auto chunks = client_->ReadRound(kExperiment, {0, 1}, round, absl::Seconds(60));
    // Like the learner: a call on a connection that broke unnoticed is made again.
    while (absl::IsUnavailable(chunks.status())) {
      chunks = client_->ReadRound(kExperiment, {0, 1}, round, absl::Seconds(60));
    }
    EXPECT_TRUE(chunks.ok()) << chunks.status();
    std::vector<std::string> columns(kMembers * kStreams);
    if (!chunks.ok()) return columns;
    for (const v1::Chunk& chunk : *chunks) {
      const size_t row = chunk.observations().size() / (chunk.num_steps() + 1);
      for (size_t t = 0; t < chunk.num_steps(); ++t) {
        columns[chunk.key().member() * kStreams + chunk.key().stream()] +=
            chunk.observations().substr(t * row, row) + chunk.actions().substr(t * 12, 12) +
            chunk.rewards().substr(t * 4, 4) + chunk.flags().substr(t, 1);
      }
    }
    return columns;
  }

  std::string folder_;
  std::string learner_address_;
  std::string replay_address_;
  std::vector<v1::TableSpec> tables_{kMembers};
  std::unique_ptr<ReplayProcess> replay_;
  FakeLearner learner_;
  std::unique_ptr<ReplayClient> client_;
  std::vector<std::unique_ptr<Actor>> actors_;
  uint64_t epoch_ = 0;
};

// All streams, by a loop without processes. Index: member, stream; then round.
std::vector<std::vector<std::string>> Expected() {
  std::vector<std::vector<std::string>> rounds(kRounds,
                                               std::vector<std::string>(kMembers * kStreams));
  const auto environment = *Environment::Create(*BuiltinTask("hopper"));
  for (uint32_t index = 0; index < kMembers * kStreams; ++index) {
    const uint32_t member = index / kStreams;
    const uint32_t stream = index % kStreams;
    uint64_t episode = 0;
    EXPECT_TRUE(environment->Reset(member + 50, stream, episode).ok());
    for (uint64_t step = 0; step < kRounds * kStepsPerRound; ++step) {
      const auto policy = *Policy::Create(PolicyOf(member, step / kStepsPerRound));
      std::vector<float> row = environment->observation();
      std::vector<float> action(3);
      policy->network().Forward(row.data(), 1, action.data());
      policy->Sample(action.data(), member + 50, stream, step, action.data());
      const StepResult result = *environment->Step(action.data());
      row.insert(row.end(), action.begin(), action.end());
      row.push_back(static_cast<float>(result.reward));
      std::string& column = rounds[step / kStepsPerRound][index];
      column.append(reinterpret_cast<const char*>(row.data()), row.size() * sizeof(float));
      column.push_back(static_cast<char>(result.terminated + 2 * result.truncated));
      if (result.terminated || result.truncated) {
        EXPECT_TRUE(environment->Reset(member + 50, stream, ++episode).ok());
      }
    }
  }
  return rounds;
}

TEST_F(ActorLoopTest, RoundsAreThoseOfAPlainLoop) {
  const auto expected = Expected();
  StartActor(1);
  EXPECT_EQ(learner_.actor_name(0), "actor-0");
  Assign(0);
  GrantAll(0);
  for (uint64_t round = 0; round < kRounds; ++round) {
    Publish(0, round);
    EXPECT_EQ(ReadRound(round), expected[round]) << "round " << round;
  }
}

TEST_F(ActorLoopTest, EvaluationsGoOnBesideTheRoundsAndChangeNothing) {
  const auto expected = Expected();
  StartActor(1);
  Assign(0);
  GrantAll(0);
  for (uint64_t round = 0; round < kRounds; ++round) {
    v1::FleetEvent event;
    v1::EvaluationGrant& evaluation = *event.mutable_evaluation();
    evaluation.set_experiment_id(kExperiment);
    evaluation.set_member(1);
    evaluation.set_round(round);
    evaluation.set_epoch(++epoch_);
    evaluation.set_episodes(2);
    *evaluation.mutable_policy() = PolicyOf(1, round);
    learner_.Send(0, event);
    Publish(0, round);
    EXPECT_EQ(ReadRound(round), expected[round]) << "round " << round;
    const v1::ReportEvaluationRequest report = learner_.AwaitEvaluation();
    EXPECT_EQ(report.round(), round);
    EXPECT_EQ(report.epoch(), epoch_);
    EXPECT_EQ(report.returns_size(), 2);
  }
}

TEST_F(ActorLoopTest, ActorsThatComeAndGoChangeNothing) {
  const auto expected = Expected();
  StartActor(1);
  Assign(0);
  GrantAll(0);
  Publish(0, 0);
  // A second actor takes over half of the streams while they are stepped.
  StartActor(2);
  Assign(1);
  for (uint32_t member = 0; member < kMembers; ++member) Grant(1, member, 0);
  Publish(1, 0);
  EXPECT_EQ(ReadRound(0), expected[0]);
  // The first one goes without a word in the middle of a round.
  Publish(0, 1);
  Publish(1, 1);
  actors_[0].reset();
  for (uint32_t member = 0; member < kMembers; ++member) Grant(1, member, 1);
  EXPECT_EQ(ReadRound(1), expected[1]);
  for (uint64_t round = 2; round < kRounds; ++round) {
    Publish(1, round);
    EXPECT_EQ(ReadRound(round), expected[round]) << "round " << round;
  }
}

TEST_F(ActorLoopTest, ReplayThatIsAwayForAWhileLosesNothing) {
  const auto expected = Expected();
  StartActor(1);
  Assign(0);
  GrantAll(0);
  Publish(0, 0);
  EXPECT_EQ(ReadRound(0), expected[0]);
  replay_->Stop();
  Publish(0, 1);
  replay_->Start();
  EXPECT_EQ(ReadRound(1), expected[1]);
  Publish(0, 2);
  EXPECT_EQ(ReadRound(2), expected[2]);
}

// Nothing is on its way then: every step was acknowledged, and the actor waits for a policy.
TEST_F(ActorLoopTest, ReplayThatLostItsStepsIsGivenThemAgainByAnActorThatWaits) {
  const auto expected = Expected();
  StartActor(1);
  Assign(0);
  GrantAll(0);
  Publish(0, 0);
  EXPECT_EQ(ReadRound(0), expected[0]);
  replay_->Stop();
  ASSERT_EQ(replay_->store().DropExperiment(kExperiment), absl::OkStatus());
  ASSERT_EQ(replay_->store().CreateTables(tables_), absl::OkStatus());
  replay_->Start();
  EXPECT_EQ(ReadRound(0), expected[0]);
  Publish(0, 1);
  EXPECT_EQ(ReadRound(1), expected[1]);
}

TEST_F(ActorLoopTest, LearnerThatComesBackGetsTheActorBack) {
  const auto expected = Expected();
  StartActor(1);
  Assign(0);
  GrantAll(0);
  Publish(0, 0);
  EXPECT_EQ(ReadRound(0), expected[0]);
  learner_.Shutdown();
  learner_.Start(learner_address_);
  learner_.AwaitJoined(2);
  Assign(1);
  GrantAll(1);
  Publish(1, 1);
  EXPECT_EQ(ReadRound(1), expected[1]);
}

TEST_F(ActorLoopTest, StopDeliversEveryStepThatWasTaken) {
  StartActor(1);
  Assign(0);
  GrantAll(0);
  Publish(0, 0);
  EXPECT_EQ(ReadRound(0).size(), kMembers * kStreams);
  Publish(0, 1);
  actors_[0]->loop.Stop(absl::Seconds(60));
  double taken = 0;
  for (const auto& family : actors_[0]->registry.Collect()) {
    if (family.name == "sr2l_actor_env_steps_total") taken = family.metric[0].counter.value;
  }
  const auto tables = client_->DescribeTables(kExperiment);
  ASSERT_TRUE(tables.ok()) << tables.status();
  double stored = 0;
  for (const auto& table : tables->tables()) {
    for (const uint64_t next_step : table.next_step()) stored += static_cast<double>(next_step);
  }
  EXPECT_EQ(stored, taken);
  EXPECT_GE(taken, kMembers * kStreams * kStepsPerRound);
}

// Never answers an opening, and tells what ended the last one.
class SilentReplay final : public v1::Replay::Service {
 public:
  grpc::Status OpenStream(grpc::ServerContext* context, const v1::OpenStreamRequest* /*request*/,
                          v1::OpenStreamResponse* /*response*/) override {
    if (!asked.HasBeenNotified()) asked.Notify();
    while (!context->IsCancelled()) absl::SleepFor(absl::Milliseconds(1));
    cancelled_before_deadline =
        std::chrono::system_clock::now() + std::chrono::seconds(1) < context->deadline();
    return grpc::Status::CANCELLED;
  }

  absl::Notification asked;
  std::atomic<bool> cancelled_before_deadline = false;
};

TEST_F(ActorLoopTest, StopEndsTheCallThatRuns) {
  SilentReplay silent;
  replay_->Stop();
  auto server = *RpcServer::Start(replay_address_, TransportSecurity(), {&silent});
  StartActor(1);
  Assign(0);
  Grant(0, 0, 0);
  ASSERT_TRUE(silent.asked.WaitForNotificationWithTimeout(absl::Seconds(60)));
  actors_[0]->loop.Stop(absl::Seconds(60));
  actors_.clear();
  server->Shutdown();
  EXPECT_TRUE(silent.cancelled_before_deadline);
}

TEST_F(ActorLoopTest, BadTaskIsReportedToTheLearner) {
  StartActor(1);
  v1::TaskConfig task = *BuiltinTask("hopper");
  task.set_action_dim(4);
  Assign(0, task);
  EXPECT_THAT(learner_.AwaitFailure(),
              HasSubstr("e-1: task.action_dim is 4, but the model has 3 actuators"));
}

TEST_F(ActorLoopTest, MetricsTellHowTheTimeDivides) {
  StartActor(1);
  Assign(0);
  GrantAll(0);
  Publish(0, 0);
  ReadRound(0);
  actors_[0]->loop.Stop(absl::Seconds(60));
  std::map<std::string, double> values;
  for (const auto& family : actors_[0]->registry.Collect()) {
    for (const auto& metric : family.metric) {
      std::string name = family.name;
      for (const auto& label : metric.label) name += "/" + label.value;
      values[name] = family.type == prometheus::MetricType::Counter ? metric.counter.value
                                                                    : metric.gauge.value;
    }
  }
  EXPECT_EQ(values["sr2l_actor_env_steps_total"], kMembers * kStreams * kStepsPerRound);
  EXPECT_EQ(values["sr2l_actor_chunks_sent_total"], kMembers * kStreams);
  EXPECT_GT(values["sr2l_actor_chunk_bytes_total"], kMembers * kStreams * kStepsPerRound * 61);
  EXPECT_GT(values["sr2l_actor_episodes_total/terminated"], 0);
  EXPECT_EQ(values["sr2l_actor_streams"], kMembers * kStreams);
  for (const char* phase : {"simulation", "inference", "transport", "waiting"}) {
    EXPECT_GT(values[std::string("sr2l_actor_phase_seconds_total/") + phase], 0) << phase;
  }
}

}  // namespace
}  // namespace sr2l
