#include "replay/core/limiter.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/limits/limits.h"

namespace sr2l {
namespace {

constexpr double kShortestRetry = 0.002;  // seconds
constexpr double kLongestRetry = 1;
constexpr double kFirstRetry = 0.05;  // while the learner's rate is not known
constexpr double kRateWeight = 0.3;   // of the newest interval
constexpr absl::Duration kRefusedLately = absl::Seconds(5);
constexpr size_t kStreamsNamed = 8;
// Against rounding of the balance, relative to the tolerance: at the least tolerance an
// interval of no length separates the two sides.
constexpr double kSlack = 1e-9;

uint64_t Behind(uint64_t newest, uint64_t version) {
  return newest > version ? newest - version : 0;
}

}  // namespace

Limiter::Limiter(const v1::TableSpec& spec, uint64_t inserts)
    : steps_per_round_(spec.steps_per_round()),
      steps_per_stream_(spec.steps_per_stream()),
      limits_(spec.limits()),
      inserts_(inserts),
      balance_(FirstBalance()),
      streams_(spec.num_streams()) {}

double Limiter::slack() const { return kSlack * limits_.tolerance(); }

double Limiter::FirstBalance() const {
  return limits_.samples_per_insert() *
         (static_cast<double>(inserts_) - static_cast<double>(limits_.minimum_size()));
}

Limiter::Admission Limiter::Admit(uint32_t stream, uint64_t steps, uint64_t policy_version,
                                  absl::Time now) {
  absl::MutexLock lock(&mu_);
  StreamView& view = streams_[stream];
  const uint64_t staleness = Behind(policy_version_, policy_version);
  if (staleness > limits_.max_staleness()) {
    view.active = false;
    return {.verdict = Verdict::kStalePolicy,
            .message = absl::StrCat("chunk.policy_version must be at least ",
                                    policy_version_ - limits_.max_staleness(), ", got ",
                                    policy_version, ": the learner has version ", policy_version_,
                                    ", and max_staleness is ", limits_.max_staleness())};
  }
  const double added = limits_.samples_per_insert() * static_cast<double>(pending_steps_ + steps);
  const double excess = balance_ + added - limits_.tolerance();
  if (excess > slack()) return RefuseByBalance(stream, excess, now);
  pending_steps_ += steps;
  // From now on, so that the learner gets no further ahead while the steps are written.
  view.active = true;
  view.policy_version = policy_version;
  view.refused = absl::InfinitePast();
  largest_staleness_ = std::max(largest_staleness_, staleness);
  return {};
}

Limiter::Admission Limiter::RefuseByBalance(uint32_t stream, double excess, absl::Time now) {
  StreamView& view = streams_[stream];
  view.refused = now;
  const std::string numbers =
      absl::StrFormat("balance %.6g would exceed tolerance %.6g by %.6g samples",
                      limits_.tolerance() + excess, limits_.tolerance(), excess);
  if (view.active && Lag(view) > limits_.max_staleness()) {
    view.active = false;
    return {.verdict = Verdict::kStalePolicy,
            .message = absl::StrCat(numbers, ", and the learner waits for newer steps of stream ",
                                    stream, " than those of policy version ", view.policy_version)};
  }
  const double seconds = rows_per_second_ > 0 ? excess / rows_per_second_ : kFirstRetry;
  return {.verdict = Verdict::kLimited,
          .retry_after_seconds = std::clamp(seconds, kShortestRetry, kLongestRetry),
          .message = absl::StrCat(numbers, "; the learner must sample")};
}

void Limiter::Store(uint32_t stream, uint64_t steps, uint64_t next_step, uint64_t call) {
  absl::MutexLock lock(&mu_);
  pending_steps_ -= steps;
  inserts_ += steps;
  if (started_) {
    balance_ += limits_.samples_per_insert() * static_cast<double>(steps);
  } else {
    balance_ = FirstBalance();
  }
  streams_[stream].call = call;
  if (steps_per_stream_ > 0 && next_step >= steps_per_stream_) streams_[stream].active = false;
}

void Limiter::Withdraw(uint32_t stream, uint64_t steps) {
  absl::MutexLock lock(&mu_);
  pending_steps_ -= steps;
  streams_[stream].active = false;
}

void Limiter::Open(uint32_t stream) {
  absl::MutexLock lock(&mu_);
  streams_[stream].active = false;
}

bool Limiter::EndCall(uint64_t call) {
  absl::MutexLock lock(&mu_);
  bool any = false;
  for (StreamView& view : streams_) {
    if (!view.active || view.call != call) continue;
    view.active = false;
    any = true;
  }
  return any;
}

void Limiter::SetPolicyVersion(uint64_t version) {
  absl::MutexLock lock(&mu_);
  policy_version_ = version;
}

uint64_t Limiter::NewRows(const DrawRange& draw) const {
  return draw.end() > drawn_end_ ? draw.end() - std::max(draw.first, drawn_end_) : 0;
}

uint64_t Limiter::Lag(const StreamView& stream) const {
  return Behind(policy_version_ + 1, stream.policy_version);
}

const Limiter::StreamView* Limiter::Furthest() const {
  const StreamView* furthest = nullptr;
  for (const StreamView& view : streams_) {
    if (view.active && (furthest == nullptr || view.policy_version < furthest->policy_version)) {
      furthest = &view;
    }
  }
  return furthest;
}

Limiter::LearnerLimit Limiter::FindLimit(uint64_t rows) const {
  if (rows == 0) return LearnerLimit::kNone;
  if (!started_ && inserts_ < limits_.minimum_size()) return LearnerLimit::kMinimumSize;
  if (balance_ - static_cast<double>(rows) < -limits_.tolerance() - slack()) {
    return LearnerLimit::kBalance;
  }
  const StreamView* furthest = Furthest();
  if (furthest != nullptr && Lag(*furthest) > limits_.max_staleness()) {
    return LearnerLimit::kStaleness;
  }
  return LearnerLimit::kNone;
}

absl::StatusOr<bool> Limiter::MayDraw(const DrawRange& draw) const {
  absl::ReaderMutexLock lock(&mu_);
  const uint64_t rows = NewRows(draw);
  const double most = 2 * limits_.tolerance() -
                      limits_.samples_per_insert() * static_cast<double>(steps_per_round_);
  if (static_cast<double>(rows) > most + slack()) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "num_draws must be at most %.15g, which is 2 tolerance - samples_per_insert "
        "steps_per_round, or actors and learner could wait for each other; got %d",
        most, rows));
  }
  return FindLimit(rows) == LearnerLimit::kNone;
}

uint64_t Limiter::CountDraw(const DrawRange& draw, absl::Time now) {
  absl::MutexLock lock(&mu_);
  const uint64_t rows = NewRows(draw);
  if (rows == 0) return 0;
  if (!std::exchange(started_, true) && draw.first > 0) {
    // Drawn before this process: the limits held then, up to what their changes left.
    samples_ = draw.first;
    balance_ = std::clamp(balance_ - static_cast<double>(draw.first),
                          static_cast<double>(rows) - limits_.tolerance(), limits_.tolerance());
  }
  const double seconds = absl::ToDoubleSeconds(now - last_draw_);
  if (last_draw_ != absl::InfinitePast() && seconds > 0) {
    const double rate = static_cast<double>(rows) / seconds;
    rows_per_second_ =
        rows_per_second_ > 0 ? (1 - kRateWeight) * rows_per_second_ + kRateWeight * rate : rate;
  }
  last_draw_ = now;
  samples_ += rows;
  drawn_end_ = draw.end();
  balance_ -= static_cast<double>(rows);
  return rows;
}

void Limiter::SetLimits(const v1::TableLimits& limits) {
  absl::MutexLock lock(&mu_);
  limits_ = limits;
  if (!started_) balance_ = FirstBalance();
}

void Limiter::AddTo(const std::optional<DrawRange>& draw, absl::Time now,
                    ReplayTotals& totals) const {
  absl::ReaderMutexLock lock(&mu_);
  const double tolerance = limits_.tolerance();
  if (totals.tolerance == 0 ||
      std::abs(balance_) / tolerance > std::abs(totals.balance) / totals.tolerance) {
    totals.balance = balance_;
    totals.tolerance = tolerance;
  }
  totals.staleness = std::max(totals.staleness, largest_staleness_);
  const LearnerLimit limit = draw.has_value() ? FindLimit(NewRows(*draw)) : LearnerLimit::kNone;
  if (limit == LearnerLimit::kMinimumSize) totals.learner_waits_for_minimum_size = true;
  if (limit == LearnerLimit::kBalance) totals.learner_waits_for_balance = true;
  if (limit == LearnerLimit::kStaleness) totals.learner_waits_for_staleness = true;
  for (const StreamView& view : streams_) {
    if (view.refused + kRefusedLately >= now) totals.actors_wait_for_balance = true;
  }
}

std::string Limiter::DescribeDraw(const DrawRange& draw) const {
  absl::ReaderMutexLock lock(&mu_);
  return LearnerText(NewRows(draw));
}

std::string Limiter::LearnerText(uint64_t rows) const {
  switch (FindLimit(rows)) {
    case LearnerLimit::kNone:
      return "";
    case LearnerLimit::kMinimumSize:
      return absl::StrCat("draws wait: ", inserts_, " of at least ", limits_.minimum_size(),
                          " transitions (minimum_size) are inserted; actors must insert");
    case LearnerLimit::kBalance:
      return absl::StrFormat(
          "draws wait: balance %.6g of at least %.6g, for %d draws with tolerance %.6g; actors "
          "must insert",
          balance_, static_cast<double>(rows) - limits_.tolerance(), rows, limits_.tolerance());
    case LearnerLimit::kStaleness:
      break;
  }
  const StreamView* furthest = Furthest();
  return absl::StrCat("draws wait for stream ", furthest - streams_.data(),
                      ": its last steps are of policy version ", furthest->policy_version,
                      ", which is ", Lag(*furthest), " versions older than the next one, ",
                      policy_version_ + 1, ", and max_staleness is ", limits_.max_staleness(),
                      "; its actor must insert newer steps");
}

std::string Limiter::ActorText(absl::Time now) const {
  std::vector<size_t> refused;
  for (size_t i = 0; i < streams_.size(); ++i) {
    if (streams_[i].refused + kRefusedLately >= now) refused.push_back(i);
  }
  if (refused.empty()) return "";
  const size_t named = std::min(refused.size(), kStreamsNamed);
  std::string text = absl::StrFormat(
      "actors of %d streams wait: balance %.6g with tolerance %.6g; the learner must sample "
      "(streams %s",
      refused.size(), balance_, limits_.tolerance(),
      absl::StrJoin(refused.begin(), refused.begin() + static_cast<ptrdiff_t>(named), ", "));
  if (refused.size() > named) absl::StrAppend(&text, " and ", refused.size() - named, " more");
  return text + ")";
}

v1::LimiterState Limiter::Describe(const std::optional<DrawRange>& draw, absl::Time now) const {
  absl::ReaderMutexLock lock(&mu_);
  v1::LimiterState state;
  *state.mutable_limits() = limits_;
  state.set_inserts(inserts_);
  state.set_samples(samples_);
  state.set_balance(balance_);
  state.set_policy_version(policy_version_);
  const StreamView* furthest = Furthest();
  state.set_staleness(furthest == nullptr ? 0 : Behind(policy_version_, furthest->policy_version));
  state.set_largest_staleness(largest_staleness_);
  std::vector<std::string> waiting;
  if (draw.has_value()) waiting.push_back(LearnerText(NewRows(*draw)));
  waiting.push_back(ActorText(now));
  std::erase(waiting, "");
  state.set_waiting(absl::StrJoin(waiting, "; "));
  return state;
}

}  // namespace sr2l
