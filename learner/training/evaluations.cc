#include "learner/training/evaluations.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log/log.h"
#include "common/random/philox.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

// What the fleet holds at most: more than that stays in its files.
constexpr size_t kMaxAsked = 64;
constexpr size_t kMaxBytesAsked = size_t{64} << 20;
// Between two looks at what Finish waits for.
constexpr absl::Duration kPatience = absl::Seconds(1);

EvaluationKey KeyOf(const v1::EvaluationGrant& grant) {
  return {.member = grant.member(), .round = grant.round()};
}

std::string NameOf(const EvaluationKey& key) {
  return absl::StrCat("the evaluation of member ", key.member, " after round ", key.round);
}

// Why a report cannot be recorded; OK if it can.
absl::Status Check(const v1::ReportEvaluationRequest& report, uint32_t episodes) {
  if (report.has_error()) return absl::InternalError(report.error().substr(0, 1000));
  const auto size = static_cast<int>(episodes);
  if (report.returns_size() != size || report.lengths_size() != size) {
    return absl::InvalidArgumentError(absl::StrCat("an actor reported ", report.returns_size(),
                                                   " returns and ", report.lengths_size(),
                                                   " lengths of ", episodes, " episodes"));
  }
  for (const double value : report.returns()) {
    if (!std::isfinite(value)) return absl::InvalidArgumentError("a return is not finite");
  }
  return absl::OkStatus();
}

// Returns and lengths, at least one of each.
void Summarize(const v1::ReportEvaluationRequest& report, EvaluationRow& row) {
  const double count = report.returns_size();
  double sum = 0;
  double length = 0;
  for (const double value : report.returns()) sum += value;
  for (const uint32_t steps : report.lengths()) length += steps;
  row.return_mean = sum / count;
  row.length_mean = length / count;
  double squares = 0;
  for (const double value : report.returns()) {
    squares += (value - row.return_mean) * (value - row.return_mean);
  }
  row.return_std = report.returns_size() < 2 ? std::numeric_limits<double>::quiet_NaN()
                                             : std::sqrt(squares / (count - 1));
  row.return_min = *std::min_element(report.returns().begin(), report.returns().end());
  row.return_max = *std::max_element(report.returns().begin(), report.returns().end());
}

}  // namespace

Evaluations::~Evaluations() {
  {
    absl::MutexLock lock(&mu_);
    closed_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Evaluations::Start() {
  const EvaluationFiles& files = context_.results.evaluations();
  for (const EvaluationRow& row : files.resumed_rows()) {
    context_.board.RecordEvaluation(row.key.member, row.key.round, row.return_mean);
  }
  {
    absl::MutexLock lock(&mu_);
    for (const EvaluationRow& row : files.resumed_rows()) {
      last_round_[row.key.member] = row.key.round;
    }
    for (const EvaluationKey& key : files.resumed_pending()) {
      requests_[key];
      waiting_.insert({key.round, key.member});
      last_round_[key.member] = std::max(last_round_[key.member], key.round);
    }
    context_.metrics.SetPendingEvaluations(requests_.size());
  }
  thread_ = std::thread([this] { Run(); });
}

absl::Status Evaluations::Ask(v1::EvaluationGrant evaluation) {
  const EvaluationKey key = KeyOf(evaluation);
  {
    absl::MutexLock lock(&mu_);
    SR2L_RETURN_IF_ERROR(status_);
    if (key.round <= last_round_[key.member]) return absl::OkStatus();
  }
  const v1::MemberConfig& member = context_.config.members().member(static_cast<int>(key.member));
  evaluation.set_experiment_id(context_.experiment_id);
  evaluation.set_seed(Philox(member.seed(), Purpose::kEvaluationSeed).Bits(key.round));
  evaluation.set_episodes(static_cast<uint32_t>(context_.config.evaluation().episodes()));
  SR2L_RETURN_IF_ERROR(context_.results.evaluations().WritePending(evaluation));
  absl::MutexLock lock(&mu_);
  last_round_[key.member] = key.round;
  requests_[key];
  waiting_.insert({key.round, key.member});
  context_.metrics.SetPendingEvaluations(requests_.size());
  return absl::OkStatus();
}

void Evaluations::Land(const v1::ReportEvaluationRequest& report) {
  absl::MutexLock lock(&mu_);
  reports_.push_back(report);
}

absl::Status Evaluations::Finish(std::stop_token stop) {
  const std::stop_callback end_wait(stop, [this] {
    absl::MutexLock lock(&mu_);
    stopped_ = true;
  });
  while (true) {
    {
      absl::MutexLock lock(&mu_);
      if (mu_.AwaitWithTimeout(absl::Condition(this, &Evaluations::IsOver), kPatience)) break;
    }
    SR2L_RETURN_IF_ERROR(context_.fleet.Failure(context_.experiment_id));
    context_.board.SetWaiting(context_.board_slot, DescribeWait());
  }
  context_.board.SetWaiting(context_.board_slot, "");
  absl::MutexLock lock(&mu_);
  SR2L_RETURN_IF_ERROR(status_);
  return requests_.empty() ? absl::OkStatus() : absl::CancelledError("stopped");
}

void Evaluations::Run() {
  while (true) {
    std::deque<v1::ReportEvaluationRequest> reports;
    std::optional<EvaluationKey> next;
    {
      absl::MutexLock lock(&mu_, absl::Condition(this, &Evaluations::HasWork));
      if (closed_) return;
      reports.swap(reports_);
      if (MayAskFleet()) {
        next = EvaluationKey{.member = waiting_.begin()->second, .round = waiting_.begin()->first};
        waiting_.erase(waiting_.begin());
      }
    }
    for (const v1::ReportEvaluationRequest& report : reports) Take(report);
    if (next.has_value()) AskFleet(*next);
  }
}

bool Evaluations::MayAskFleet() const {
  return !waiting_.empty() && num_asked_ < kMaxAsked && bytes_asked_ < kMaxBytesAsked;
}

void Evaluations::AskFleet(const EvaluationKey& key) {
  absl::StatusOr<v1::EvaluationGrant> grant = context_.results.evaluations().ReadPending(key);
  if (!grant.ok()) return Forget(key, grant.status());
  {
    absl::MutexLock lock(&mu_);
    Request& request = requests_.at(key);
    request.bytes = grant->ByteSizeLong();
    ++num_asked_;
    bytes_asked_ += request.bytes;
    request.grant.CopyFrom(*grant);
    request.grant.mutable_policy()->clear_parameters();
  }
  context_.fleet.Evaluate(*std::move(grant));
}

void Evaluations::Take(const v1::ReportEvaluationRequest& report) {
  EvaluationKey key = {.member = report.member(), .round = report.round()};
  {
    absl::MutexLock lock(&mu_);
    Request& request = requests_.at(key);
    --num_asked_;
    bytes_asked_ -= request.bytes;
    request.report = report;
  }
  while (true) {
    Request first;
    {
      // The member's rounds are recorded in their order, whichever actor was faster.
      absl::MutexLock lock(&mu_);
      const auto request = requests_.lower_bound({.member = report.member(), .round = 0});
      if (request == requests_.end() || request->first.member != report.member()) return;
      if (!request->second.report.has_value()) return;
      first = request->second;
    }
    key = KeyOf(first.grant);
    const absl::Status outcome = Check(*first.report, first.grant.episodes());
    const absl::Status written = outcome.ok() ? Record(first) : absl::OkStatus();
    if (!written.ok()) {
      SR2L_ERROR("{}: {}", NameOf(key), std::string(written.message()));
      absl::MutexLock lock(&mu_);
      status_.Update(written);
      return;
    }
    Forget(key, outcome);
  }
}

absl::Status Evaluations::Record(const Request& request) {
  const v1::EvaluationGrant& grant = request.grant;
  const v1::MemberConfig& member =
      context_.config.members().member(static_cast<int>(grant.member()));
  EvaluationRow row{.key = KeyOf(grant),
                    .member_seed = member.seed(),
                    .radius = member.radius(),
                    .coefficient = member.coefficient(),
                    .env_steps = grant.env_steps(),
                    .policy_version = grant.policy().version(),
                    .evaluation_seed = grant.seed(),
                    .episodes = grant.episodes()};
  Summarize(*request.report, row);
  SR2L_RETURN_IF_ERROR(context_.results.AppendEvaluation(row, absl::Now()));
  context_.board.RecordEvaluation(row.key.member, row.key.round, row.return_mean);
  context_.metrics.RecordEvaluation(row.return_mean);
  return absl::OkStatus();
}

void Evaluations::Forget(const EvaluationKey& key, const absl::Status& status) {
  if (!status.ok()) {
    SR2L_WARNING("{} of {} failed and is left out: {}", NameOf(key), context_.experiment_id,
                 std::string(status.message()));
    context_.metrics.RecordFailedEvaluation();
  }
  const absl::Status removed = context_.results.evaluations().RemovePending(key);
  if (!removed.ok()) SR2L_WARNING("{}", std::string(removed.message()));
  absl::MutexLock lock(&mu_);
  requests_.erase(key);
  context_.metrics.SetPendingEvaluations(requests_.size());
}

std::string Evaluations::DescribeWait() const {
  const bool no_actor = context_.fleet.num_actors() == 0;
  absl::MutexLock lock(&mu_);
  if (requests_.empty()) return "";
  return absl::StrCat(
      no_actor ? "an actor (none is connected) for " : "", NameOf(requests_.begin()->first),
      requests_.size() == 1 ? "" : absl::StrCat(" and ", requests_.size() - 1, " more"));
}

}  // namespace sr2l
