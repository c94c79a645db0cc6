#ifndef SR2L_LEARNER_CHECKPOINT_CHECKPOINT_FOLDER_H_
#define SR2L_LEARNER_CHECKPOINT_CHECKPOINT_FOLDER_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sr2l/v1/checkpoint.pb.h"

namespace sr2l {

// The checkpoints of one experiment: files "members_<first member>_<position>.checkpoint", more of
// the same name with a number, each with a checksum, each written whole or not at all. Which
// members are written together may change when an experiment is resumed: what is kept is counted
// for each member. Not thread-safe.
class CheckpointFolder {
 public:
  // How many checkpoints of a member are kept.
  static constexpr size_t kKept = 2;
  // Protobuf writes no message of 2 GiB.
  static constexpr size_t kMaxMessageBytes = size_t{1} << 30;

  // Creates the folder if it is missing.
  static absl::StatusOr<CheckpointFolder> Open(const std::string& path,
                                               size_t max_message_bytes = kMaxMessageBytes);

  // When it returns OK the checkpoint outlives a loss of power: in one file, or in several where
  // its members have more than `max_message_bytes` together. Files that are among the last kKept
  // of none of their members are gone, as are states of these members that are no older, which who
  // went back left behind. Returns the oldest position of these members that is kept: what came
  // before it is needed no more. ResourceExhausted: the disk is full.
  absl::StatusOr<uint64_t> Write(const v1::Checkpoint& checkpoint);

  // Of every member the newest state that can be read and that `fits`. A file that is damaged is
  // passed over for the one before, and set aside as FILE.damaged; `damaged` names it and why.
  std::map<uint32_t, v1::MemberCheckpoint> ReadNewest(
      const std::function<bool(const v1::MemberCheckpoint&)>& fits,
      std::vector<std::string>& damaged);

  // The damaged files that were set aside, now or before.
  std::vector<std::string> SetAside() const;

 private:
  using Positions = std::map<uint32_t, uint64_t>;  // by member

  CheckpointFolder(std::string path, size_t max_message_bytes)
      : path_(std::move(path)), max_message_bytes_(max_message_bytes) {}

  static Positions PositionsOf(const v1::Checkpoint& checkpoint);
  // Empty: the file cannot be read.
  const Positions& PositionsIn(const std::filesystem::path& path);
  // Of the members from index `first` on as many as one message may have, one at least.
  v1::Checkpoint PartFrom(const v1::Checkpoint& checkpoint, int first) const;
  absl::StatusOr<uint64_t> WriteOne(const v1::Checkpoint& checkpoint);
  // A path that is free, or of a file all of whose states the checkpoint replaces.
  std::filesystem::path PathFor(const v1::Checkpoint& checkpoint);
  // Takes states of the written members that are as new, or newer, out of the other files.
  absl::Status RemoveReplaced(const std::filesystem::path& written);
  // Removes what no member needs any more; what Write returns.
  uint64_t RemoveOld(const std::filesystem::path& written);
  void Remove(const std::filesystem::path& path);

  std::string path_;
  size_t max_message_bytes_;
  std::map<std::filesystem::path, Positions> positions_;  // of the files that were looked into
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_CHECKPOINT_CHECKPOINT_FOLDER_H_
