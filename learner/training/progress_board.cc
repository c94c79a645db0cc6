#include "learner/training/progress_board.h"

#include "absl/strings/str_join.h"

namespace sr2l {
namespace {

constexpr absl::Duration kRateWindow = absl::Seconds(10);

uint64_t TotalSteps(const std::vector<v1::MemberProgress>& members) {
  uint64_t steps = 0;
  for (const v1::MemberProgress& member : members) steps += member.env_steps();
  return steps;
}

}  // namespace

ProgressBoard::ProgressBoard(const v1::ExperimentConfig& config, size_t num_waiters, absl::Time now)
    : started_at_(now),
      env_steps_total_(static_cast<uint64_t>(config.rounds()) * config.steps_per_round() *
                       config.members().member_size()),
      waiting_(num_waiters) {
  for (int i = 0; i < config.members().member_size(); ++i) {
    v1::MemberProgress& member = members_.emplace_back();
    member.set_member(i);
    member.set_seed(config.members().member(i).seed());
    member.set_radius(config.members().member(i).radius());
    member.set_coefficient(config.members().member(i).coefficient());
  }
  history_.emplace_back(now, 0);
}

void ProgressBoard::Restore(const v1::MemberProgress& member) {
  absl::MutexLock lock(&mu_);
  const uint64_t before = TotalSteps(members_);
  Replace(member);
  const uint64_t added = TotalSteps(members_) - before;
  for (auto& [time, steps] : history_) steps += added;
  ++changes_;
}

void ProgressBoard::Record(const v1::MemberProgress& member, absl::Time now) {
  absl::MutexLock lock(&mu_);
  Replace(member);
  history_.emplace_back(now, TotalSteps(members_));
  while (history_.size() > 2 && now - history_[1].first > kRateWindow) history_.pop_front();
  ++changes_;
}

void ProgressBoard::Replace(const v1::MemberProgress& member) {
  v1::MemberProgress& newest = members_[member.member()];
  v1::MemberProgress recorded = member;
  if (newest.has_evaluation_round()) {
    recorded.set_evaluation_round(newest.evaluation_round());
    recorded.set_evaluation_return(newest.evaluation_return());
  }
  newest = std::move(recorded);
}

void ProgressBoard::RecordEvaluation(uint32_t member, uint64_t round, double return_mean) {
  absl::MutexLock lock(&mu_);
  members_[member].set_evaluation_round(round);
  members_[member].set_evaluation_return(return_mean);
  ++changes_;
}

void ProgressBoard::SetWaiting(size_t waiter, const std::string& what) {
  absl::MutexLock lock(&mu_);
  if (waiting_[waiter] == what) return;
  waiting_[waiter] = what;
  ++changes_;
}

v1::Progress ProgressBoard::Snapshot(absl::Time now) const {
  absl::MutexLock lock(&mu_);
  v1::Progress progress;
  progress.set_env_steps(TotalSteps(members_));
  progress.set_env_steps_total(env_steps_total_);
  progress.set_elapsed_seconds(absl::ToDoubleSeconds(now - started_at_));
  const double window = absl::ToDoubleSeconds(now - history_.front().first);
  if (window > 0) {
    progress.set_steps_per_second((progress.env_steps() - history_.front().second) / window);
  }
  for (const v1::MemberProgress& member : members_) *progress.add_members() = member;
  std::vector<std::string> waits;
  for (const std::string& wait : waiting_) {
    if (!wait.empty()) waits.push_back(wait);
  }
  if (!waits.empty()) progress.set_waiting_for(absl::StrJoin(waits, "; "));
  return progress;
}

uint64_t ProgressBoard::changes() const {
  absl::MutexLock lock(&mu_);
  return changes_;
}

}  // namespace sr2l
