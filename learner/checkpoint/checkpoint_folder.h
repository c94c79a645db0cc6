#ifndef SR2L_LEARNER_CHECKPOINT_CHECKPOINT_FOLDER_H_
#define SR2L_LEARNER_CHECKPOINT_CHECKPOINT_FOLDER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sr2l/v1/checkpoint.pb.h"

namespace sr2l {

// The checkpoints of one experiment: files "members_<first member>_<position>.checkpoint",
// each with a checksum, each written whole or not at all. Not thread-safe.
class CheckpointFolder {
 public:
  // How many checkpoints of the same members are kept.
  static constexpr size_t kKept = 2;

  // Creates the folder if it is missing.
  static absl::StatusOr<CheckpointFolder> Open(const std::string& path);

  // When it returns OK the checkpoint outlives a loss of power, and of the same members older
  // ones than the last kKept are gone, as are later ones, which who went back left behind. Returns
  // the oldest position that is kept: what came before it is needed no more. ResourceExhausted:
  // the disk is full.
  absl::StatusOr<uint64_t> Write(const v1::Checkpoint& checkpoint);

  // Of every member the newest state that can be read and that `fits`. A file that is damaged is
  // passed over for the one before, and set aside as FILE.damaged; `damaged` names it and why.
  std::map<uint32_t, v1::MemberCheckpoint> ReadNewest(
      const std::function<bool(const v1::MemberCheckpoint&)>& fits,
      std::vector<std::string>& damaged);

 private:
  explicit CheckpointFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_CHECKPOINT_CHECKPOINT_FOLDER_H_
