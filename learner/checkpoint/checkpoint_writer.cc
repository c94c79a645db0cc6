#include "learner/checkpoint/checkpoint_writer.h"

#include <string>
#include <utility>

#include "common/log/log.h"

namespace sr2l {

CheckpointWriter::CheckpointWriter(CheckpointFolder folder, AwaitSteps await_steps)
    : folder_(std::move(folder)),
      await_steps_(std::move(await_steps)),
      thread_([this] { Run(); }) {}

CheckpointWriter::~CheckpointWriter() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  thread_.join();
}

bool CheckpointWriter::Submit(v1::Checkpoint checkpoint) {
  absl::MutexLock lock(&mu_);
  Members& members = members_[checkpoint.members(0).member()];
  if (members.pending) return false;
  members.pending = true;
  queue_.push_back(std::move(checkpoint));
  return true;
}

absl::Status CheckpointWriter::Flush(uint32_t first_member, absl::Duration limit) {
  absl::MutexLock lock(&mu_);
  const Members& members = members_[first_member];
  const auto written = [&members] { return !members.pending; };
  if (!mu_.AwaitWithTimeout(absl::Condition(&written), limit)) {
    return absl::DeadlineExceededError("the checkpoint is still being written");
  }
  return members.status;
}

uint64_t CheckpointWriter::NeededFrom(uint32_t first_member) const {
  absl::MutexLock lock(&mu_);
  const auto members = members_.find(first_member);
  return members == members_.end() ? 0 : members->second.needed_from;
}

uint64_t CheckpointWriter::WrittenPosition(uint32_t first_member) const {
  absl::MutexLock lock(&mu_);
  const auto members = members_.find(first_member);
  return members == members_.end() ? 0 : members->second.written_position;
}

void CheckpointWriter::Run() {
  while (true) {
    v1::Checkpoint checkpoint;
    {
      const auto has_work = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
        return stopping_ || !queue_.empty();
      };
      absl::MutexLock lock(&mu_, absl::Condition(&has_work));
      if (queue_.empty()) return;
      checkpoint = std::move(queue_.front());
      queue_.pop_front();
    }
    const absl::Status there = await_steps_(checkpoint);
    const absl::StatusOr<uint64_t> oldest =
        there.ok() ? folder_.Write(checkpoint) : absl::StatusOr<uint64_t>(there);
    const uint32_t first_member = checkpoint.members(0).member();
    if (!oldest.ok()) {
      SR2L_WARNING("no checkpoint of member {} at position {}: {}", first_member,
                   checkpoint.position(), std::string(oldest.status().message()));
    }
    absl::MutexLock lock(&mu_);
    Members& members = members_[first_member];
    members.pending = false;
    members.status = oldest.status();
    if (!oldest.ok()) continue;
    members.needed_from = *oldest;
    members.written_position = checkpoint.position();
  }
}

}  // namespace sr2l
