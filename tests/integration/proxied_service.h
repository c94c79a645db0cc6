#ifndef SR2L_TESTS_INTEGRATION_PROXIED_SERVICE_H_
#define SR2L_TESTS_INTEGRATION_PROXIED_SERVICE_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "deploy/cli/child_process.h"
#include "tests/common/fault_proxy.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {

enum class Link { kActorReplay, kActorLearner, kLearnerReplay };
inline constexpr Link kLinks[] = {Link::kActorReplay, Link::kActorLearner, Link::kLearnerReplay};

// The processes of the service on loopback, as on three machines: a replay with a log, a
// learner and actors, joined by networks that can be made to fail. The command reaches the
// learner directly. What still runs is killed when this goes.
class ProxiedService {
 public:
  // Starts replay and learner.
  ProxiedService();

  // Each returns when the process serves; the test fails when it does not. One that was
  // ended is started again at its old address.
  void StartReplay();
  void StartLearner();
  void StartActor(const std::string& name);

  FaultProxy& network(Link link) { return *networks_.at(link); }

  // SIGTERM; waits for the end, and says how long that took.
  ProcessExit Terminate(const std::string& name, absl::Duration& took);

  // Submits and returns the id; empty, and a failed test, when it is refused.
  std::string Submit(const std::string& file) const;
  // Waits until the experiment has ended; fails the test unless it succeeded.
  void AwaitSuccess(const std::string& id, absl::Duration timeout) const;
  // sr2l ARGUMENTS --learner ADDRESS.
  ProgramResult Sr2l(std::vector<std::string> arguments, absl::Duration timeout) const;

  // Rows of the experiment's curve so far.
  int NumRows(const std::string& id) const;
  std::string Results(const std::string& id) const { return folder_ / ("state/experiments/" + id); }
  // That `sr2l audit` finds so many streams, each whole; the replay must have ended.
  void ExpectWholeLog(int num_streams) const;
  std::string LogOf(const std::string& name) const;  // what the process wrote

  // The sum over all series of a metric of the process.
  double Metric(const std::string& name, const std::string& metric) const;

 private:
  // Starts it and returns the address at which it listens; empty when at none.
  std::string Start(const std::string& program, const std::string& name,
                    std::vector<std::string> arguments);

  TemporaryFolder folder_;
  std::map<Link, std::unique_ptr<FaultProxy>> networks_;
  std::string replay_;  // address
  std::string learner_;
  std::map<std::string, std::string> metrics_;  // addresses, by process
  std::map<std::string, std::unique_ptr<ChildProcess>> processes_;
};

}  // namespace sr2l

#endif  // SR2L_TESTS_INTEGRATION_PROXIED_SERVICE_H_
