// Any bytes as messages to the learner's services: experiments are resolved or refused,
// actors come and go, and the fleet never contradicts a plain model of it.
#include "tests/fuzz/learner_fuzz.h"

#include <map>
#include <set>
#include <string>
#include <utility>

#include "common/config/validate.h"
#include "common/status/check.h"
#include "learner/fleet/fleet.h"
#include "sr2l/v1/experiment.pb.h"
#include "tests/fuzz/records.h"

namespace sr2l {
namespace {

constexpr uint32_t kMembers = 3;
constexpr uint32_t kStreams = 4;

LearnerFuzzCounts& Counts() {
  static LearnerFuzzCounts counts;
  return counts;
}

void CheckRefusal(const absl::Status& status, absl::StatusCode code) {
  SR2L_CHECK(status.code() == code);
  SR2L_CHECK(!status.message().empty());
  ++Counts().refused;
}

// What is accepted is valid, and resolving it again changes nothing.
void Submit(const std::string& content) {
  v1::SubmitRequest request;
  if (!request.ParseFromString(content)) return;
  const auto resolved = ResolveExperiment(request.config());
  if (!resolved.ok()) return CheckRefusal(resolved.status(), absl::StatusCode::kInvalidArgument);
  SR2L_CHECK(Validate(*resolved).ok());
  SR2L_CHECK(ResolveExperiment(*resolved)->SerializeAsString() == resolved->SerializeAsString());
  ++Counts().resolved;
}

// A fleet, and what its events say that every actor holds.
class FleetSubject {
 public:
  FleetSubject() {
    Fleet::ActiveExperiment experiment;
    experiment.assignment.set_experiment_id(kFuzzExperiment);
    experiment.seeds.assign(kMembers, 0);
    experiment.streams_per_member = kStreams;
    experiment.on_evaluation = [this](const v1::ReportEvaluationRequest& report) {
      SR2L_CHECK(evaluations_.erase(report.member()) == 1);
      ++Counts().evaluations;
    };
    fleet_.Start(std::move(experiment));
    for (uint32_t member = 0; member < kMembers; ++member) {
      training_.insert(member);
      evaluations_[member];
      v1::EvaluationGrant evaluation;
      evaluation.set_experiment_id(kFuzzExperiment);
      evaluation.set_member(member);
      evaluation.set_round(kFuzzRound);
      fleet_.Evaluate(evaluation);
    }
  }

  void Apply(LearnerRecord kind, const std::string& content) {
    const uint8_t number = content.empty() ? 0 : static_cast<uint8_t>(content[0]);
    switch (kind) {
      case LearnerRecord::kSubmit:
        return Submit(content);
      case LearnerRecord::kJoin:
        Join(content);
        break;
      case LearnerRecord::kReportFailure:
        ReportFailure(content);
        break;
      case LearnerRecord::kReportEvaluation:
        ReportEvaluation(content);
        break;
      case LearnerRecord::kLeave:
        Leave(number);
        break;
      case LearnerRecord::kStopMember:
        fleet_.StopMember(kFuzzExperiment, number);
        training_.erase(number);
    }
    Check();
  }

 private:
  using Stream = std::pair<uint32_t, uint32_t>;  // member, stream
  struct Actor {
    uint64_t capacity = 0;
    std::set<Stream> streams;
  };
  struct Evaluation {
    Fleet::ActorId actor = 0;  // 0: nobody
    uint64_t epoch = 0;
  };

  void Join(const std::string& content) {
    v1::JoinRequest request;
    if (!request.ParseFromString(content)) return;
    const auto id = fleet_.Join(request, [] {});
    if (!id.ok()) return CheckRefusal(id.status(), absl::StatusCode::kInvalidArgument);
    SR2L_CHECK(actors_.emplace(*id, Actor{request.max_streams(), {}}).second);
    ++Counts().joined;
  }

  void ReportFailure(const std::string& content) {
    v1::ReportFailureRequest request;
    if (!request.ParseFromString(content)) return;
    const auto before = fleet_.Failure(kFuzzExperiment);
    const absl::Status reported = fleet_.ReportFailure(request);
    const auto after = fleet_.Failure(kFuzzExperiment);
    if (!reported.ok()) {
      SR2L_CHECK(after == before);
      return CheckRefusal(reported, reported.code());
    }
    SR2L_CHECK(!after.ok() && (before.ok() || after == before));
    ++Counts().failures;
  }

  void ReportEvaluation(const std::string& content) {
    v1::ReportEvaluationRequest request;
    if (!request.ParseFromString(content)) return;
    const auto wanted = evaluations_.find(request.member());
    const bool current = request.experiment_id() == kFuzzExperiment &&
                         request.round() == kFuzzRound && wanted != evaluations_.end() &&
                         wanted->second.actor != 0 && wanted->second.epoch == request.epoch();
    const absl::Status reported = fleet_.ReportEvaluation(request);
    SR2L_CHECK(reported.ok() == current);
    if (!current) CheckRefusal(reported, reported.code());
  }

  void Leave(uint64_t id) {
    fleet_.Leave(id);
    actors_.erase(id);
    for (auto& [member, evaluation] : evaluations_) {
      if (evaluation.actor == id) evaluation.actor = 0;
    }
  }

  void Follow(Fleet::ActorId id, Actor& actor) {
    while (const auto event = fleet_.NextEvent(id)) {
      if (event->has_grant()) {
        const v1::StreamKey& key = event->grant().key();
        SR2L_CHECK(actor.streams.emplace(key.member(), key.stream()).second);
        uint64_t& epoch = epochs_[{key.member(), key.stream()}];
        SR2L_CHECK(event->grant().epoch() > epoch);
        epoch = event->grant().epoch();
      } else if (event->has_revoke()) {
        const v1::StreamKey& key = event->revoke().key();
        SR2L_CHECK(actor.streams.erase({key.member(), key.stream()}) == 1);
      } else if (event->has_evaluation()) {
        Evaluation& evaluation = evaluations_.at(event->evaluation().member());
        SR2L_CHECK(evaluation.actor == 0);
        SR2L_CHECK(event->evaluation().epoch() > evaluation.epoch);
        evaluation = {.actor = id, .epoch = event->evaluation().epoch()};
      }
    }
  }

  // Every stream that is trained is driven by one actor, as far as the capacities go.
  void Check() {
    std::set<Stream> driven;
    uint64_t capacity = 0;
    // Epochs grow over all actors; a moved stream's revocation is read before the grant
    // only if the losing actor comes first, so what they hold is compared at the end.
    for (auto& [id, actor] : actors_) Follow(id, actor);
    for (const auto& [id, actor] : actors_) {
      SR2L_CHECK(actor.streams.size() <= actor.capacity);
      capacity += actor.capacity;
      for (const Stream& stream : actor.streams) {
        SR2L_CHECK(training_.contains(stream.first));
        SR2L_CHECK(driven.insert(stream).second);
      }
    }
    SR2L_CHECK(driven.size() == std::min<uint64_t>(capacity, training_.size() * kStreams));
    CheckEvaluations();
    SR2L_CHECK(fleet_.num_actors() == static_cast<int>(actors_.size()));
    SR2L_CHECK(fleet_.num_leases() == static_cast<int>(driven.size()));
  }

  // Every actor has one evaluation at most, and none waits while an actor has none.
  void CheckEvaluations() const {
    std::set<Fleet::ActorId> holders;
    for (const auto& [member, evaluation] : evaluations_) {
      if (evaluation.actor == 0) continue;
      SR2L_CHECK(actors_.contains(evaluation.actor));
      SR2L_CHECK(holders.insert(evaluation.actor).second);
    }
    SR2L_CHECK(holders.size() == std::min(actors_.size(), evaluations_.size()));
  }

  Fleet fleet_{1};
  std::set<uint32_t> training_;  // members
  std::map<Fleet::ActorId, Actor> actors_;
  std::map<Stream, uint64_t> epochs_;
  std::map<uint32_t, Evaluation> evaluations_;  // that are wanted, by member
};

}  // namespace

const LearnerFuzzCounts& LearnerCounts() { return Counts(); }

}  // namespace sr2l

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  sr2l::FleetSubject subject;
  sr2l::ForEachRecord(bytes, size, [&subject](uint8_t kind, const std::string& content) {
    subject.Apply(static_cast<sr2l::LearnerRecord>(kind % sr2l::kLearnerRecords), content);
  });
  return 0;
}
