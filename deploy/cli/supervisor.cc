#include "deploy/cli/supervisor.h"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

constexpr absl::Duration kFilePollInterval = absl::Milliseconds(10);
constexpr int kTailLines = 5;

// "; its log ends with: ..." on one line.
std::string TailOfLog(const Command& command) {
  const std::vector<std::string> lines = LogTail(command.log_path, kTailLines);
  if (lines.empty()) return absl::StrCat("; its log ", command.log_path, " is empty");
  return absl::StrCat("; its log ", command.log_path, " ends with: ",
                      absl::StrJoin(lines, " | "));
}

int PollTimeout(absl::Time deadline) {
  const absl::Duration left = absl::Ceil(deadline - absl::Now(), absl::Milliseconds(1));
  return static_cast<int>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(left), 0, /*one minute*/ 60'000));
}

}  // namespace

std::vector<std::string> LogTail(const std::string& path, int count) {
  std::ifstream file(path);
  std::deque<std::string> tail;
  for (std::string line; std::getline(file, line);) {
    absl::StripAsciiWhitespace(&line);
    if (line.empty()) continue;
    tail.push_back(std::move(line));
    if (tail.size() > static_cast<size_t>(count)) tail.pop_front();
  }
  return {tail.begin(), tail.end()};
}

Supervisor::Supervisor(Interrupts& interrupts, WakeUp& wake_up, Options options)
    : interrupts_(interrupts), wake_up_(wake_up), options_(std::move(options)) {}

absl::Status Supervisor::Start(const Command& command, Role role) {
  entries_.push_back({.command = command,
                      .role = role,
                      .process = nullptr,
                      .started_at = absl::InfinitePast(),
                      .backoff = Backoff(/*seed=*/entries_.size())});
  return Launch(entries_.back());
}

absl::Status Supervisor::Launch(Entry& entry) {
  SR2L_ASSIGN_OR_RETURN(entry.process, ChildProcess::Start(entry.command));
  entry.started_at = absl::Now();
  entry.restart_at = absl::InfiniteFuture();
  return absl::OkStatus();
}

absl::Status Supervisor::Turn(absl::Time deadline) {
  WaitForEvent(std::min(deadline, NextRestart()));
  for (Entry& entry : entries_) {
    if (entry.process == nullptr) continue;
    if (const std::optional<ProcessExit> exit = entry.process->Poll()) {
      entry.process.reset();
      SR2L_RETURN_IF_ERROR(HandleExit(entry, *exit));
    }
  }
  return StartWhatIsDue();
}

void Supervisor::WaitForEvent(absl::Time deadline) {
  std::vector<pollfd> events = {{interrupts_.fd(), POLLIN, 0}, {wake_up_.fd(), POLLIN, 0}};
  for (const Entry& entry : entries_) {
    if (entry.process != nullptr) events.push_back({entry.process->exit_fd(), POLLIN, 0});
  }
  poll(events.data(), events.size(), PollTimeout(deadline));
  interrupts_.Take();
  wake_up_.Clear();
}

absl::Status Supervisor::HandleExit(Entry& entry, const ProcessExit& exit) {
  if (entry.stopping) {
    // SIGTERM is what it was sent, perhaps before it had learned to handle it.
    if (!exit.ok() && exit.signal != SIGTERM) {
      options_.notice(absl::StrCat(entry.command.name, " ", exit.Describe(), " while stopping",
                                   TailOfLog(entry.command)));
    }
    return absl::OkStatus();
  }
  const std::string what = absl::StrCat(entry.command.name, " ", exit.Describe());
  if (entry.role == Role::kEssential && !entry.served) {
    return absl::UnavailableError(absl::StrCat(what, TailOfLog(entry.command)));
  }
  return Reschedule(entry, what);
}

absl::Status Supervisor::Reschedule(Entry& entry, const std::string& what) {
  if (absl::Now() - entry.started_at >= options_.healthy_after) {
    entry.failures = 0;
    entry.backoff.Reset();
  }
  ++entry.failures;
  ++entry.failures_stuck;
  const bool in_a_row = entry.failures >= options_.max_failures;
  if (!in_a_row && entry.failures_stuck < options_.max_failures_stuck) {
    entry.restart_at = absl::Now() + entry.backoff.Next();
    options_.notice(absl::StrCat(what, "; starting it again"));
    return absl::OkStatus();
  }
  entry.given_up = true;
  const std::string reason = absl::StrCat(
      what, ", the failure number ", in_a_row ? entry.failures : entry.failures_stuck,
      in_a_row ? " in a row" : " since the run last got further", TailOfLog(entry.command));
  if (entry.role == Role::kEssential || !AnyReplaceable()) {
    return absl::UnavailableError(reason);
  }
  options_.notice(absl::StrCat(reason, "; going on without it"));
  return absl::OkStatus();
}

absl::Status Supervisor::StartWhatIsDue() {
  const absl::Time now = absl::Now();
  for (Entry& entry : entries_) {
    if (entry.restart_at > now) continue;
    entry.restart_at = absl::InfiniteFuture();
    if (const absl::Status status = Launch(entry); !status.ok()) {
      SR2L_RETURN_IF_ERROR(Reschedule(
          entry, absl::StrCat(entry.command.name, " does not start: ", status.message())));
    }
  }
  return absl::OkStatus();
}

absl::Status Supervisor::AwaitFile(const std::string& name, const std::string& path,
                                   absl::Time deadline, const std::string& does) {
  const absl::Time begin = absl::Now();
  absl::Time notice_at = begin + options_.still_waiting_after;
  while (!std::filesystem::exists(path)) {
    if (interrupts() > 0) return absl::CancelledError("interrupted");
    const absl::Time now = absl::Now();
    if (now >= deadline) {
      const Entry* entry = Find(name);
      return absl::DeadlineExceededError(absl::StrCat(
          name, " did not become ready in time", entry == nullptr ? "" : TailOfLog(entry->command)));
    }
    if (!does.empty() && now >= notice_at) {
      options_.notice(
          absl::StrCat(name, " still ", does, " after ", absl::ToInt64Seconds(now - begin), " s"));
      notice_at = now + options_.still_waiting_after;
    }
    SR2L_RETURN_IF_ERROR(Turn(std::min(deadline, now + kFilePollInterval)));
  }
  if (Entry* entry = Find(name)) entry->served = true;
  return absl::OkStatus();
}

Supervisor::Entry* Supervisor::Find(const std::string& name) {
  const auto entry = absl::c_find_if(
      entries_, [&name](const Entry& entry) { return entry.command.name == name; });
  return entry == entries_.end() ? nullptr : &*entry;
}

void Supervisor::Stop(const std::vector<std::string>& names, absl::Duration grace) {
  const absl::Time deadline = absl::Now() + grace;
  const int interrupts_before = interrupts();
  const auto is_stopping = [&names](const Entry& entry) {
    return absl::c_linear_search(names, entry.command.name);
  };
  for (Entry& entry : entries_) {
    if (!is_stopping(entry)) continue;
    entry.stopping = true;
    entry.restart_at = absl::InfiniteFuture();
    if (entry.process != nullptr) entry.process->Signal(SIGTERM);
  }
  const auto is_running = [&is_stopping](const Entry& entry) {
    return is_stopping(entry) && entry.process != nullptr;
  };
  while (absl::c_any_of(entries_, is_running) && absl::Now() < deadline &&
         interrupts() == interrupts_before) {
    // Whatever else ends now is told by the log and no longer matters.
    if (const absl::Status status = Turn(deadline); !status.ok()) {
      options_.notice(std::string(status.message()));
    }
  }
  const char* const why = interrupts() == interrupts_before ? " did not stop in time and was killed"
                                                            : " was killed at a further interrupt";
  for (Entry& entry : entries_) {
    if (!is_running(entry)) continue;
    options_.notice(absl::StrCat(entry.command.name, why));
    entry.process.reset();
  }
}

void Supervisor::KillAll() {
  for (Entry& entry : entries_) {
    entry.stopping = true;
    entry.restart_at = absl::InfiniteFuture();
    if (entry.process != nullptr) entry.process->Signal(SIGKILL);
  }
  for (Entry& entry : entries_) entry.process.reset();
}

void Supervisor::NoteProgress() {
  for (Entry& entry : entries_) entry.failures_stuck = 0;
}

int Supervisor::num_running() const {
  return static_cast<int>(
      absl::c_count_if(entries_, [](const Entry& entry) { return entry.process != nullptr; }));
}

absl::Time Supervisor::NextRestart() const {
  absl::Time next = absl::InfiniteFuture();
  for (const Entry& entry : entries_) next = std::min(next, entry.restart_at);
  return next;
}

bool Supervisor::AnyReplaceable() const {
  return absl::c_any_of(entries_, [](const Entry& entry) {
    return entry.role == Role::kReplaceable && !entry.given_up;
  });
}

}  // namespace sr2l
