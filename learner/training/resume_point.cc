#include "learner/training/resume_point.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/log/log.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

absl::Status CheckContinuesFrom(uint64_t position, uint32_t member,
                                const v1::ExperimentConfig& config, const HeldByMember& held) {
  if (config.collection() == v1::FREE_RUNNING) return absl::OkStatus();
  const auto found = held.find(member);
  const HeldSteps steps = found == held.end() ? HeldSteps() : found->second;
  const uint64_t learned = position * StepsPerStreamRound(config);
  if (steps.begin <= learned && learned <= steps.end) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      "member ", member, " cannot go on after step ", learned, " of its streams: the replay has ",
      learned < steps.begin ? absl::StrCat("released what came before step ", steps.begin)
                            : absl::StrCat("lost steps, it holds ", steps.end)));
}

// Free running, steps that were overwritten are not missed.
absl::Status CheckHasAll(const v1::MemberCheckpoint& checkpoint, const HeldByMember& held) {
  const auto found = held.find(checkpoint.member());
  const HeldSteps steps = found == held.end() ? HeldSteps() : found->second;
  for (int i = 0; i < checkpoint.off_policy().end_step_size(); ++i) {
    const uint64_t learned = checkpoint.off_policy().end_step(i);
    const uint64_t stored = i < static_cast<int>(steps.next_steps.size()) ? steps.next_steps[i] : 0;
    if (learned <= stored) continue;
    return absl::DataLossError(absl::StrCat("member ", checkpoint.member(),
                                            " cannot go on after step ", learned, " of its stream ",
                                            i, ": the replay has lost steps, it holds ", stored));
  }
  return absl::OkStatus();
}

}  // namespace

uint64_t StepsPerStreamRound(const v1::ExperimentConfig& config) {
  const int steps =
      config.has_ddpg() ? config.ddpg().steps_per_cycle() : config.steps_per_round();
  return steps / config.streams_per_member();
}

absl::StatusOr<HeldByMember> ReadHeldSteps(ReplayClient& replay, const std::string& experiment_id,
                                           const std::stop_token& stop) {
  SR2L_ASSIGN_OR_RETURN(const v1::DescribeTablesResponse described,
                        replay.DescribeTables(experiment_id, stop));
  HeldByMember held;
  for (const v1::TableDescription& table : described.tables()) {
    const auto least = std::min_element(table.next_step().begin(), table.next_step().end());
    held[table.spec().member()] = {
        .begin = table.released_step(),
        .end = least == table.next_step().end() ? 0 : *least,
        .next_steps = {table.next_step().begin(), table.next_step().end()}};
  }
  return held;
}

absl::Status CheckContinues(const v1::ExperimentConfig& config,
                            const v1::MemberCheckpoint& checkpoint, const HeldByMember& held) {
  if (checkpoint.progress().failed()) return absl::OkStatus();
  if (config.collection() == v1::FREE_RUNNING) return CheckHasAll(checkpoint, held);
  return CheckContinuesFrom(checkpoint.position(), checkpoint.member(), config, held);
}

namespace {

// Whether a member of which there is no checkpoint that it can go on from, as `passed_over` says if
// there was one, can begin anew; `set_aside`: damaged ones, of whichever member.
absl::Status CheckBeginsAnew(uint32_t member, const v1::ExperimentConfig& config,
                             const HeldByMember& held, const absl::Status& passed_over,
                             const std::vector<std::string>& set_aside) {
  const bool free_running = config.collection() == v1::FREE_RUNNING;
  // A replay without any of the steps is not the one that the checkpoint is of. Free running, the
  // steps that there are would be no beginning: they were taken with a trained policy.
  const auto found = held.find(member);
  const bool has_steps = found != held.end() && found->second.end > 0;
  if (!passed_over.ok() && (free_running || !has_steps)) return passed_over;
  absl::Status anew = CheckContinuesFrom(0, member, config, held);
  if (free_running && !set_aside.empty()) anew = absl::DataLossError("it was trained already");
  if (anew.ok()) return anew;
  std::vector<std::string> reasons = set_aside;
  if (!passed_over.ok()) reasons.insert(reasons.begin(), std::string(passed_over.message()));
  return absl::DataLossError(
      absl::StrCat("member ", member, " has no checkpoint to go on from",
                   reasons.empty() ? "" : absl::StrCat(" (", absl::StrJoin(reasons, ", "), ")"),
                   ", and it cannot begin anew: ", std::string(anew.message())));
}

}  // namespace

absl::StatusOr<Checkpoints> ReadCheckpoints(const std::string& experiment_id,
                                            const v1::ExperimentConfig& config,
                                            const HeldByMember& held, CheckpointFolder& folder) {
  std::map<uint32_t, absl::Status> passed_over;
  const auto fits = [&](const v1::MemberCheckpoint& checkpoint) {
    const absl::Status continues = CheckContinues(config, checkpoint, held);
    if (!continues.ok()) passed_over[checkpoint.member()] = continues;
    return continues.ok();
  };
  std::vector<std::string> damaged;
  Checkpoints saved = folder.ReadNewest(fits, damaged);
  for (const std::string& text : damaged) {
    SR2L_WARNING("{}: a damaged checkpoint is passed over: {}", experiment_id, text);
  }
  const std::vector<std::string> set_aside = folder.SetAside();
  for (int member = 0; member < config.members().member_size(); ++member) {
    if (saved.count(member) > 0) continue;
    SR2L_RETURN_IF_ERROR(CheckBeginsAnew(member, config, held, passed_over[member], set_aside));
  }
  for (const auto& [member, status] : passed_over) {
    if (status.ok()) continue;
    SR2L_WARNING("{}: an older checkpoint is taken: {}", experiment_id,
                 std::string(status.message()));
  }
  uint64_t first = saved.empty() ? 0 : saved.begin()->second.position();
  for (const auto& [member, checkpoint] : saved) first = std::min(first, checkpoint.position());
  SR2L_INFO("{}: goes on from checkpoints of {} member(s), the oldest after round {}",
            experiment_id, saved.size(), first);
  return saved;
}

}  // namespace sr2l
