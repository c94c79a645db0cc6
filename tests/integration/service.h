#ifndef SR2L_TESTS_INTEGRATION_SERVICE_H_
#define SR2L_TESTS_INTEGRATION_SERVICE_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "deploy/cli/child_process.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {

// The processes of the service as an operator starts them by hand, over Unix sockets in a
// temporary folder. What still runs is killed when this goes.
class Service {
 public:
  // Each returns when the process serves; the test fails when it does not.
  void StartReplay(const std::vector<std::string>& more_arguments = {});
  void StartLearner(const std::vector<std::string>& more_arguments = {});
  void StartActor(const std::string& name, const std::vector<std::string>& more_arguments = {});

  // Ends a process at once, as a crash or the kernel would.
  void Kill(const std::string& name);

  // SIGTERM; returns how the process ended.
  ProcessExit Terminate(const std::string& name);

  // sr2l ARGUMENTS --learner ADDRESS.
  ProgramResult Sr2l(std::vector<std::string> arguments) const;

  // Submits and returns the id; empty, and a failed test, when it is refused.
  std::string Submit(const std::string& file, const std::vector<std::string>& overrides) const;

  std::string learner_address() const { return "unix:" + (folder_ / "learner.sock"); }

  std::string replay_address() const { return "unix:" + (folder_ / "replay.sock"); }

  // Of a process that was started with --metrics.
  std::string metrics_address(const std::string& name) const;

  // The learner's folder, and what its processes logged so far.
  std::string state() const { return folder_ / "state"; }
  std::string Log(const std::string& name) const { return ReadFile(folder_ / (name + ".log")); }

  // The folder with an experiment's results.
  std::string Results(const std::string& id) const { return folder_ / ("state/experiments/" + id); }

 private:
  void Start(const std::string& program, const std::string& name,
             std::vector<std::string> arguments);

  TemporaryFolder folder_;
  std::map<std::string, std::unique_ptr<ChildProcess>> processes_;
};

// A short experiment on InvertedPendulum with a regularizer: three members of two streams,
// 500 steps a round.
std::string WritePendulum(const TemporaryFolder& folder);

// The number of rows of a curve.csv.
int NumCurveRows(const std::string& path);

// The body of http://ADDRESS/metrics; empty when it does not answer with 200.
std::string FetchMetrics(const std::string& address);

}  // namespace sr2l

#endif  // SR2L_TESTS_INTEGRATION_SERVICE_H_
