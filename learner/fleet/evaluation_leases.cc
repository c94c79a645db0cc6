#include "learner/fleet/evaluation_leases.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/check.h"

namespace sr2l {
namespace {

constexpr size_t kMaxEchoedId = 128;

// Whether a grant or a report is about the same evaluation as `grant`.
template <typename Message>
bool IsOf(const v1::EvaluationGrant& grant, const Message& message) {
  return grant.round() == message.round() && grant.member() == message.member() &&
         grant.experiment_id() == message.experiment_id();
}

}  // namespace

void EvaluationLeases::Add(v1::EvaluationGrant evaluation) {
  const bool known =
      std::any_of(evaluations_.begin(), evaluations_.end(),
                  [&evaluation](const Evaluation& other) { return IsOf(other.grant, evaluation); });
  if (known) return;
  evaluation.clear_epoch();
  evaluations_.push_back({.grant = std::move(evaluation)});
}

const v1::EvaluationGrant* EvaluationLeases::NextWaiting() const {
  for (const Evaluation& evaluation : evaluations_) {
    if (evaluation.actor == 0) return &evaluation.grant;
  }
  return nullptr;
}

const v1::EvaluationGrant& EvaluationLeases::Grant(uint64_t actor, uint64_t epoch) {
  const auto waiting =
      std::find_if(evaluations_.begin(), evaluations_.end(),
                   [](const Evaluation& evaluation) { return evaluation.actor == 0; });
  SR2L_CHECK(waiting != evaluations_.end());
  waiting->actor = actor;
  waiting->grant.set_epoch(epoch);
  return waiting->grant;
}

std::set<uint64_t> EvaluationLeases::Holders() const {
  std::set<uint64_t> holders;
  for (const Evaluation& evaluation : evaluations_) {
    if (evaluation.actor != 0) holders.insert(evaluation.actor);
  }
  return holders;
}

void EvaluationLeases::Leave(uint64_t actor) {
  for (Evaluation& evaluation : evaluations_) {
    if (evaluation.actor == actor) evaluation.actor = 0;
  }
}

absl::Status EvaluationLeases::Finish(const v1::ReportEvaluationRequest& report) {
  const auto found = std::find_if(
      evaluations_.begin(), evaluations_.end(),
      [&report](const Evaluation& evaluation) { return IsOf(evaluation.grant, report); });
  const std::string name =
      absl::StrCat("the evaluation of member ", report.member(), " after round ", report.round(),
                   " of experiment \"", report.experiment_id().substr(0, kMaxEchoedId), "\"");
  if (found == evaluations_.end()) return absl::NotFoundError(absl::StrCat(name, " is not wanted"));
  if (found->actor == 0 || found->grant.epoch() != report.epoch()) {
    return absl::FailedPreconditionError(
        absl::StrCat(name, " has another actor: epoch ", report.epoch(), " is not the newest"));
  }
  evaluations_.erase(found);
  return absl::OkStatus();
}

void EvaluationLeases::End(const std::string& experiment_id) {
  std::erase_if(evaluations_, [&experiment_id](const Evaluation& evaluation) {
    return evaluation.grant.experiment_id() == experiment_id;
  });
}

}  // namespace sr2l
