#ifndef SR2L_LEARNER_TRAINING_EVALUATIONS_H_
#define SR2L_LEARNER_TRAINING_EVALUATIONS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "learner/fleet/fleet.h"
#include "learner/training/evaluation_files.h"
#include "learner/training/learner_metrics.h"
#include "learner/training/progress_board.h"
#include "learner/training/results_folder.h"
#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// The evaluations of one experiment while it trains: cohorts ask for them, the fleet's actors
// run them, and each is recorded once, by member in the order of rounds. What was asked for
// and is not recorded outlives the learner in the results' folder; of that only so much is in
// memory as actors may need next. Nothing here reaches back into training. Thread-safe; a
// thread of its own reads and writes the files.
class Evaluations {
 public:
  // Borrowed; every part is thread-safe.
  struct Context {
    const std::string& experiment_id;
    const v1::ExperimentConfig& config;  // resolved
    Fleet& fleet;
    ProgressBoard& board;
    size_t board_slot;  // that Finish waits under
    ResultsFolder& results;
    LearnerMetrics& metrics;
  };

  explicit Evaluations(const Context& context) : context_(context) {}
  // By then the fleet must have ended the experiment.
  ~Evaluations();

  // Begins, with what an earlier learner left pending; once, after the fleet has started the
  // experiment.
  void Start() ABSL_LOCKS_EXCLUDED(mu_);

  // Asks for the evaluation of a policy (without seed and number of episodes, which the
  // configuration says), of each member in the order of rounds; a round that was asked for
  // before is passed over. When it returns the request outlives the learner. Errors: this or
  // an earlier one cannot be written.
  absl::Status Ask(v1::EvaluationGrant evaluation) ABSL_LOCKS_EXCLUDED(mu_);

  // Takes an actor's report. Does not block.
  void Land(const v1::ReportEvaluationRequest& report) ABSL_LOCKS_EXCLUDED(mu_);

  // Waits until all that was asked for is recorded, and says meanwhile what is missing.
  // Cancelled when `stop` was requested; FailedPrecondition: an actor cannot drive the
  // experiment; or the error of a file that cannot be written.
  absl::Status Finish(std::stop_token stop) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // What was asked for and is not recorded.
  struct Request {
    v1::EvaluationGrant grant;  // without the policy's parameters; unset before the fleet has it
    size_t bytes = 0;           // that the fleet holds of it; 0: the fleet does not have it yet
    std::optional<v1::ReportEvaluationRequest> report;
  };

  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  bool MayAskFleet() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return closed_ || !reports_.empty() || MayAskFleet();
  }
  bool IsOver() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return stopped_ || !status_.ok() || requests_.empty();
  }
  // Hands the next request to the fleet.
  void AskFleet(const EvaluationKey& key) ABSL_LOCKS_EXCLUDED(mu_);
  // Records the report, and those of the member that waited for it.
  void Take(const v1::ReportEvaluationRequest& report) ABSL_LOCKS_EXCLUDED(mu_);
  // Writes one that succeeded.
  absl::Status Record(const Request& request) ABSL_LOCKS_EXCLUDED(mu_);
  // It is done with; `status` says why there is nothing recorded, if so.
  void Forget(const EvaluationKey& key, const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  std::string DescribeWait() const ABSL_LOCKS_EXCLUDED(mu_);

  const Context context_;
  mutable absl::Mutex mu_;
  std::map<EvaluationKey, Request> requests_ ABSL_GUARDED_BY(mu_);
  // Of requests_, those that the fleet does not have yet: (round, member), oldest first.
  std::set<std::pair<uint64_t, uint32_t>> waiting_ ABSL_GUARDED_BY(mu_);
  std::map<uint32_t, uint64_t> last_round_ ABSL_GUARDED_BY(mu_);  // asked for, by member
  size_t num_asked_ ABSL_GUARDED_BY(mu_) = 0;                     // that the fleet has
  size_t bytes_asked_ ABSL_GUARDED_BY(mu_) = 0;                   // of them
  std::deque<v1::ReportEvaluationRequest> reports_ ABSL_GUARDED_BY(mu_);
  absl::Status status_ ABSL_GUARDED_BY(mu_);  // the first error of a file
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;  // last: uses everything above
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_TRAINING_EVALUATIONS_H_
