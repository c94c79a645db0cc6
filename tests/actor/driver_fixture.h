#ifndef SR2L_TESTS_ACTOR_DRIVER_FIXTURE_H_
#define SR2L_TESTS_ACTOR_DRIVER_FIXTURE_H_

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actor/driver/driver.h"
#include "common/random/philox.h"
#include "common/task/builtin_tasks.h"

namespace sr2l {

using Outcome = v1::AppendResponse;

inline constexpr char kExperiment[] = "e-1";
inline constexpr uint64_t kRounds = 3;
inline constexpr uint64_t kStepsPerRound = 40;

inline v1::StreamKey Key(uint32_t member, uint32_t stream) {
  v1::StreamKey key;
  key.set_experiment_id(kExperiment);
  key.set_member(member);
  key.set_stream(stream);
  return key;
}

inline uint64_t SeedOf(uint32_t member) { return 100 + member; }

// One hidden layer of four, with parameters that differ by member and version.
inline v1::PolicySnapshot PolicyOf(uint32_t member, uint64_t version, int observations = 11,
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

// The same mean, without a sigma.
inline v1::PolicySnapshot DeterministicPolicyOf(uint32_t member, uint64_t version) {
  v1::PolicySnapshot snapshot = PolicyOf(member, version);
  snapshot.clear_log_std();
  return snapshot;
}

// The experiment that the tests drive.
inline v1::Assignment AssignmentOf(v1::TaskConfig task) {
  v1::Assignment assignment;
  assignment.set_experiment_id(kExperiment);
  *assignment.mutable_task() = std::move(task);
  assignment.set_rounds(kRounds);
  assignment.set_steps_per_round(kStepsPerRound);
  return assignment;
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
  void StepAside(const std::string& reason) override { asides.push_back(reason); }
  std::vector<std::string> asides;  // reasons for leaving the fleet

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
  void ReportFailure(const std::string& experiment_id, const absl::Status& reason) override {
    failures.push_back(absl::StrCat(experiment_id, ": ", reason.message()));
    lost_steps = absl::IsDataLoss(reason);
  }
  void StartEvaluation(std::shared_ptr<const CompiledTask> task,
                       const v1::EvaluationGrant& grant) override {
    evaluations.push_back({std::move(task), grant});
  }
  void EndEvaluations(const std::string& experiment_id) override {
    ended_evaluations.push_back(experiment_id);
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
      answer.set_outcome(chunk.first_step() < stream.next_step ? Outcome::DUPLICATE : Outcome::GAP);
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
  bool lost_steps = false;  // said the last of them
  struct Evaluation {
    std::shared_ptr<const CompiledTask> task;
    v1::EvaluationGrant grant;
  };
  std::vector<Evaluation> evaluations;
  std::vector<std::string> ended_evaluations;  // experiments
  Store& stored;
};

class DriverTest : public testing::Test {
 protected:
  void Assign(Driver& driver, v1::TaskConfig task = *BuiltinTask("hopper")) {
    Assign(driver, AssignmentOf(std::move(task)));
  }
  void Assign(Driver& driver, const v1::Assignment& assignment) {
    v1::FleetEvent event;
    *event.mutable_assignment() = assignment;
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
    const bool is_sent_again = outcome == Outcome::FULL || outcome == Outcome::LIMITED;
    if (!is_sent_again) world_.sent.pop_front();
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
    Publish(driver, PolicyOf(0, 0));
    AnswerOpenings(driver);
  }

  Store store_;
  FakeWorld world_{store_};
};

}  // namespace sr2l

#endif  // SR2L_TESTS_ACTOR_DRIVER_FIXTURE_H_
