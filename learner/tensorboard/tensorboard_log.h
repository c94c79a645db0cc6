#ifndef SR2L_LEARNER_TENSORBOARD_TENSORBOARD_LOG_H_
#define SR2L_LEARNER_TENSORBOARD_TENSORBOARD_LOG_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// The learning curve as TensorBoard reads it: a run (folder) per member,
//   FOLDER/member_000/events.out.tfevents.<seconds>.<host>.<pid>.0
// with an event per round, and one per evaluation, at the environment steps so far. Tags are those
// of Stable-Baselines3 and its TRPO where they mean the same, and sr2l/... elsewhere. Keeps no file
// open. Not thread-safe.
class TensorBoardLog {
 public:
  // A member's policy was evaluated.
  struct Evaluation {
    uint32_t member = 0;
    uint64_t env_steps = 0;  // of the member when it had this policy
    double return_mean = 0;
    double length_mean = 0;
  };

  // Writes below `folder`, which is made when it is needed.
  TensorBoardLog(std::string folder, absl::Time now) : folder_(std::move(folder)), start_(now) {}

  // Goes on with what is in the folder, by member up to the given step: every member gets a
  // new file with its rounds up to there and its evaluations at `evaluated_steps`, each once, in
  // place of its old ones. A TensorBoard
  // that is looking on is told to forget what it has read. Unavailable names the file that
  // cannot be written.
  absl::Status Resume(const std::map<uint32_t, uint64_t>& last_steps,
                      const std::map<uint32_t, std::set<uint64_t>>& evaluated_steps = {});

  // A member's finished round. `wall_seconds`: since the start or the last resume.
  absl::Status Append(const v1::MemberProgress& member, double wall_seconds, absl::Time now);

  absl::Status AppendEvaluation(const Evaluation& evaluation, absl::Time now);

 private:
  // What is written of one member since the start or the last resume.
  struct Run {
    std::string path;         // of the event file
    uint64_t first_step = 0;  // before its first round
  };

  absl::StatusOr<Run> StartRun(uint32_t member, uint64_t last_step,
                               const std::set<uint64_t>& evaluated_steps);
  // The member's run, which is begun if there is none yet.
  absl::StatusOr<Run> RunOf(uint32_t member);

  const std::string folder_;
  const absl::Time start_;
  std::map<uint32_t, Run> runs_;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_TENSORBOARD_TENSORBOARD_LOG_H_
