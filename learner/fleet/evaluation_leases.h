#ifndef SR2L_LEARNER_FLEET_EVALUATION_LEASES_H_
#define SR2L_LEARNER_FLEET_EVALUATION_LEASES_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "sr2l/v1/fleet.pb.h"

namespace sr2l {

// Which actor evaluates which policy. Every evaluation has one actor at a time or waits for
// one, and every actor has one evaluation at most. Actors are numbered from 1. Not
// thread-safe.
class EvaluationLeases {
 public:
  // Adds an evaluation that waits for an actor. One of the same member and round that is
  // there already stays as it is.
  void Add(v1::EvaluationGrant evaluation);

  // The oldest evaluation that waits, if any; valid until the next change.
  const v1::EvaluationGrant* NextWaiting() const;

  // Leases the oldest evaluation that waits, which must exist, to an actor that has none.
  const v1::EvaluationGrant& Grant(uint64_t actor, uint64_t epoch);

  // Actors that have an evaluation.
  std::set<uint64_t> Holders() const;

  // The actor is gone: its evaluation waits again.
  void Leave(uint64_t actor);

  // Removes the evaluation that the holder of its newest lease reports on. NotFound: it is
  // none of these; FailedPrecondition: it was leased anew since.
  absl::Status Finish(const v1::ReportEvaluationRequest& report);

  // Removes all of an experiment.
  void End(const std::string& experiment_id);

  size_t size() const { return evaluations_.size(); }

 private:
  struct Evaluation {
    v1::EvaluationGrant grant;  // with the epoch of the newest lease
    uint64_t actor = 0;         // 0: nobody
  };

  // In the order in which they were added: few, so they are searched one by one.
  std::vector<Evaluation> evaluations_;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_FLEET_EVALUATION_LEASES_H_
