#ifndef SR2L_LEARNER_CHECKPOINT_CHECKPOINT_WRITER_H_
#define SR2L_LEARNER_CHECKPOINT_CHECKPOINT_WRITER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "learner/checkpoint/checkpoint_folder.h"
#include "sr2l/v1/checkpoint.pb.h"

namespace sr2l {

// Writes checkpoints in a thread of its own, so that training goes on meanwhile, and logs why one
// is not written. Thread-safe.
class CheckpointWriter {
 public:
  // Answers when all that a checkpoint learned from is as durable as it gets. With its error the
  // checkpoint is not written.
  using AwaitSteps = std::function<absl::Status(const v1::Checkpoint&)>;

  CheckpointWriter(CheckpointFolder folder, AwaitSteps await_steps);
  // Writes what was submitted, then ends.
  ~CheckpointWriter();

  // Takes a checkpoint to write. False, and nothing taken: the one before of the same members
  // is not written yet.
  bool Submit(v1::Checkpoint checkpoint);

  // Waits until the members' last checkpoint is written, at most `limit`. Its error;
  // DeadlineExceeded when it takes longer.
  absl::Status Flush(uint32_t first_member, absl::Duration limit);

  // The position before which nothing is needed any more to resume the members.
  uint64_t NeededFrom(uint32_t first_member) const;

  // Of the members' last checkpoint that is written; 0: there is none.
  uint64_t WrittenPosition(uint32_t first_member) const;

 private:
  struct Members {
    bool pending = false;
    uint64_t needed_from = 0;
    uint64_t written_position = 0;
    absl::Status status;
  };

  void Run();

  // Used by the thread only.
  CheckpointFolder folder_;
  const AwaitSteps await_steps_;

  mutable absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<v1::Checkpoint> queue_ ABSL_GUARDED_BY(mu_);
  std::map<uint32_t, Members> members_ ABSL_GUARDED_BY(mu_);  // by first member
  std::thread thread_;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_CHECKPOINT_CHECKPOINT_WRITER_H_
