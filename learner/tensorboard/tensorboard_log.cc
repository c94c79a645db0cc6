#include "learner/tensorboard/tensorboard_log.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/files/atomic_write.h"
#include "common/status/status_macros.h"
#include "learner/tensorboard/events.pb.h"
#include "learner/tensorboard/record_file.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

using tensorboard::Event;
using tensorboard::Summary;

constexpr char kFileVersion[] = "brain.Event:2";

double SecondsSince1970(absl::Time time) { return absl::ToDoubleSeconds(time - absl::UnixEpoch()); }

std::string Frame(const Event& event) { return FrameRecord(event.SerializeAsString()); }

std::string FileName(absl::Time start) {
  std::array<char, 256> host = {};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '-';
  return absl::StrCat("events.out.tfevents.", absl::ToUnixSeconds(start), ".", host.data(), ".",
                      getpid(), ".0");
}

// How every file begins: what is read in it from step 0 on replaces what was read before.
std::string FileStart(absl::Time now) {
  Event version;
  version.set_wall_time(SecondsSince1970(now));
  version.set_file_version(kFileVersion);
  Event start;
  start.set_wall_time(SecondsSince1970(now));
  start.set_step(0);
  start.mutable_session_log()->set_status(tensorboard::SessionLog::START);
  return Frame(version) + Frame(start);
}

std::vector<fs::path> EventFiles(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code none;  // no folder, no files
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, none)) {
    if (absl::StrContains(entry.path().filename().string(), "tfevents")) {
      files.push_back(entry.path());
    }
  }
  return files;
}

bool IsEvaluation(const Event& event) {
  return event.summary().value_size() > 0 &&
         absl::StartsWith(event.summary().value(0).tag(), "eval/");
}

// Framed, by step; the evaluation at a step after the round.
using FramedEvents = std::map<std::pair<int64_t, bool>, std::string>;

// The rounds in a file up to `last_step`, and the evaluations at `evaluated_steps`.
void CollectEvents(const fs::path& path, uint64_t last_step,
                   const std::set<uint64_t>& evaluated_steps, FramedEvents& events) {
  std::ifstream file(path, std::ios::binary);
  const std::string content((std::istreambuf_iterator<char>(file)), {});
  for (const absl::string_view record : ReadRecords(content)) {
    Event event;
    if (!event.ParseFromArray(record.data(), static_cast<int>(record.size()))) continue;
    if (!event.has_summary()) continue;
    const auto step = static_cast<uint64_t>(event.step());
    const bool is_evaluation = IsEvaluation(event);
    if (is_evaluation ? !evaluated_steps.contains(step) : step > last_step) continue;
    events[{event.step(), is_evaluation}] = FrameRecord(record);
  }
}

void Add(Summary& summary, const char* tag, double value) {
  Summary::Value& added = *summary.add_value();
  added.set_tag(tag);
  added.set_simple_value(static_cast<float>(value));
}

absl::Status AppendSummary(const std::string& path, int64_t step, const Summary& summary,
                           absl::Time now) {
  Event event;
  event.set_wall_time(SecondsSince1970(now));
  event.set_step(step);
  *event.mutable_summary() = summary;
  std::ofstream file(path, std::ios::binary | std::ios::app);
  file << Frame(event) << std::flush;
  if (!file) {
    return absl::UnavailableError(absl::StrCat("cannot write ", path, ": ", strerror(errno)));
  }
  return absl::OkStatus();
}

// Of a member after a round. Stable-Baselines3's means are over its last 100 episodes, here
// they are over those of the round; its actor_loss is what the actor minimizes, without the
// regularizer that only sr2l has.
Summary MakeSummary(const v1::MemberProgress& m, uint64_t first_step, double wall_seconds) {
  Summary summary;
  const auto add = [&summary](const char* tag, bool present, double value) {
    if (present) Add(summary, tag, value);
  };
  const double steps = static_cast<double>(m.env_steps()) - static_cast<double>(first_step);
  add("rollout/ep_rew_mean", m.has_return_mean(), m.return_mean());
  add("rollout/ep_len_mean", m.has_length_mean(), m.length_mean());
  add("time/fps", wall_seconds > 0, steps / wall_seconds);
  add("time/iterations", true, static_cast<double>(m.rounds()));
  add("time/time_elapsed", true, wall_seconds);
  add("time/total_timesteps", true, static_cast<double>(m.env_steps()));
  add("train/n_updates", true, static_cast<double>(m.updates()));
  add("train/kl_divergence_loss", m.has_kl(), m.kl());
  add("train/std", m.has_sigma(), m.sigma());
  add("train/value_loss", m.has_value_loss(), m.value_loss());
  add("train/explained_variance", m.has_explained_variance(), m.explained_variance());
  add("train/is_line_search_success", m.has_backtracks(), m.backtracks() >= 0 ? 1 : 0);
  add("train/critic_loss", m.has_critic_loss(), m.critic_loss());
  add("train/actor_loss", m.has_actor_objective(), -m.actor_objective());
  add("sr2l/episodes", true, m.episodes());
  add("sr2l/return_std", m.has_return_std(), m.return_std());
  add("sr2l/surrogate", m.has_surrogate(), m.surrogate());
  add("sr2l/backtracks", m.has_backtracks(), m.backtracks());
  add("sr2l/gradient_norm", m.has_gradient_norm(), m.gradient_norm());
  add("sr2l/q_mean", m.has_q_mean(), m.q_mean());
  add("sr2l/nonsmoothness", m.has_nonsmoothness(), m.nonsmoothness());
  add("sr2l/perturbation_gain", m.has_perturbation_gain(), m.perturbation_gain());
  add("sr2l/boundary_share", m.has_boundary_share(), m.boundary_share());
  add("sr2l/local_lipschitz", m.has_local_lipschitz(), m.local_lipschitz());
  return summary;
}

}  // namespace

absl::Status TensorBoardLog::Resume(const std::map<uint32_t, uint64_t>& last_steps,
                                    const std::map<uint32_t, std::set<uint64_t>>& evaluated_steps) {
  for (const auto& [member, last_step] : last_steps) {
    const auto evaluated = evaluated_steps.find(member);
    SR2L_ASSIGN_OR_RETURN(
        runs_[member],
        StartRun(member, last_step,
                 evaluated == evaluated_steps.end() ? std::set<uint64_t>() : evaluated->second));
  }
  return absl::OkStatus();
}

absl::StatusOr<TensorBoardLog::Run> TensorBoardLog::StartRun(
    uint32_t member, uint64_t last_step, const std::set<uint64_t>& evaluated_steps) {
  const fs::path folder = fs::path(folder_) / absl::StrFormat("member_%03d", member);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot create ", folder.string(), ": ", error.message()));
  }
  const fs::path path = folder / FileName(start_);
  const std::vector<fs::path> old_files = EventFiles(folder);
  FramedEvents events;
  for (const fs::path& old : old_files) CollectEvents(old, last_step, evaluated_steps, events);
  std::string content = FileStart(start_);
  for (const auto& [place, record] : events) content += record;
  SR2L_RETURN_IF_ERROR(WriteFileAtomically(path.string(), content));
  // Whoever is killed in between leaves events twice: they are collected once the next time.
  for (const fs::path& old : old_files) {
    if (old != path) fs::remove(old, error);
  }
  return Run{.path = path.string(), .first_step = last_step};
}

absl::StatusOr<TensorBoardLog::Run> TensorBoardLog::RunOf(uint32_t member) {
  if (runs_.count(member) == 0) {
    SR2L_ASSIGN_OR_RETURN(runs_[member], StartRun(member, /*last_step=*/0, {}));
  }
  return runs_.at(member);
}

absl::Status TensorBoardLog::Append(const v1::MemberProgress& member, double wall_seconds,
                                    absl::Time now) {
  SR2L_ASSIGN_OR_RETURN(const Run run, RunOf(member.member()));
  return AppendSummary(run.path, static_cast<int64_t>(member.env_steps()),
                       MakeSummary(member, run.first_step, wall_seconds), now);
}

absl::Status TensorBoardLog::AppendEvaluation(const Evaluation& evaluation, absl::Time now) {
  SR2L_ASSIGN_OR_RETURN(const Run run, RunOf(evaluation.member));
  Summary summary;
  Add(summary, "eval/mean_reward", evaluation.return_mean);
  Add(summary, "eval/mean_ep_length", evaluation.length_mean);
  return AppendSummary(run.path, static_cast<int64_t>(evaluation.env_steps), summary, now);
}

}  // namespace sr2l
