#ifndef SR2L_DEPLOY_CLI_SUPERVISOR_H_
#define SR2L_DEPLOY_CLI_SUPERVISOR_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/rpc/backoff.h"
#include "deploy/cli/child_process.h"
#include "deploy/cli/interrupts.h"
#include "deploy/cli/wake_up.h"

namespace sr2l {

// The processes of one run: starts them, notices when one ends and starts it again, and
// stops them in order. Every wait of the run goes through Turn, so that
// signals, ends of processes and news are all noticed at once. Not thread-safe.
class Supervisor {
 public:
  // A process that ends is started again, with growing delays, until it is given up.
  enum class Role {
    kEssential,    // the run ends when it is given up, or ends before it ever served
    kReplaceable,  // the run ends when the last of these is given up
  };
  struct Options {
    int max_failures = 5;  // in a row, after which a process is given up
    absl::Duration healthy_after = absl::Seconds(10);  // running so long ends a row
    // Of one process since the run last got further, however long it ran each time; then it is
    // given up as well.
    int max_failures_stuck = 50;
    absl::Duration still_waiting_after = absl::Seconds(10);  // between notices of AwaitFile
    // Told, one line each, what people should know and what does not end the run.
    std::function<void(const std::string&)> notice = [](const std::string&) {};
  };

  // `interrupts` and `wake_up` end a Turn; both are borrowed.
  Supervisor(Interrupts& interrupts, WakeUp& wake_up, Options options);

  // Kills what still runs.
  ~Supervisor() = default;

  absl::Status Start(const Command& command, Role role);

  // Waits for whichever is first: the end of a process, an interrupt, a wake-up,
  // `deadline`. Starts again what is due. An error is what ends the run: a process that
  // it cannot do without was given up, or all replaceable ones were.
  absl::Status Turn(absl::Time deadline);

  // Turns until `path` exists, which is how the process `name` says that it serves.
  // DeadlineExceeded, Cancelled after an interrupt, or Turn's error. Tells again and again that
  // the process still `does` something, if that is not empty.
  absl::Status AwaitFile(const std::string& name, const std::string& path, absl::Time deadline,
                         const std::string& does = "");

  // Ends the processes with these names: SIGTERM, then SIGKILL after `grace` or at a
  // further interrupt. They are not started again, and their end is no failure.
  void Stop(const std::vector<std::string>& names, absl::Duration grace);

  // Kills everything at once.
  void KillAll();

  // The run is further than it ever was.
  void NoteProgress();

  int interrupts() const { return interrupts_.count(); }
  int num_running() const;

 private:
  struct Entry {
    Command command;
    Role role;
    bool served = false;  // AwaitFile has seen it
    std::unique_ptr<ChildProcess> process;  // null: not running
    absl::Time started_at;
    absl::Time restart_at = absl::InfiniteFuture();
    int failures = 0;        // in a row
    int failures_stuck = 0;  // since the run last got further
    bool stopping = false;
    bool given_up = false;
    Backoff backoff;
  };

  absl::Status Launch(Entry& entry);
  void WaitForEvent(absl::Time deadline);
  absl::Status HandleExit(Entry& entry, const ProcessExit& exit);
  absl::Status Reschedule(Entry& entry, const std::string& what);
  absl::Status StartWhatIsDue();
  absl::Time NextRestart() const;
  bool AnyReplaceable() const;
  Entry* Find(const std::string& name);

  Interrupts& interrupts_;
  WakeUp& wake_up_;
  const Options options_;
  std::vector<Entry> entries_;
};

// The last `count` lines of a log, without empty ones; empty when it cannot be read.
std::vector<std::string> LogTail(const std::string& path, int count);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_SUPERVISOR_H_
