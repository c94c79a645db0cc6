#include "learner/training/sampled_block.h"

#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/chunk/chunk_format.h"

namespace sr2l {
namespace {

std::vector<uint32_t> MembersOf(const v1::SampleRequest& request) {
  std::vector<uint32_t> members;
  for (const v1::MemberSample& member : request.members()) members.push_back(member.member());
  return members;
}

TransitionBlock Allocate(int64_t members, int64_t draws, int64_t observation_dim,
                         int64_t action_dim) {
  const auto options = torch::TensorOptions().dtype(torch::kFloat32);
  return {.observations = torch::empty({members, draws, observation_dim}, options),
          .actions = torch::empty({members, draws, action_dim}, options),
          .rewards = torch::empty({members, draws}, options),
          .next_observations = torch::empty({members, draws, observation_dim}, options),
          .terminated = torch::empty({members, draws}, options),
          .truncated = torch::empty({members, draws}, options)};
}

// Copies a column to rows first_row, first_row + 1, ... of a tensor.
void Copy(const std::string& column, int64_t first_row, int64_t row_size, torch::Tensor& tensor) {
  std::memcpy(tensor.data_ptr<float>() + first_row * row_size, column.data(), column.size());
}

void CopyFlag(const std::string& flags, int flag, int64_t first_row, torch::Tensor& tensor) {
  float* row = tensor.data_ptr<float>() + first_row;
  for (const char value : flags) *row++ = (value & flag) != 0 ? 1.0f : 0.0f;
}

}  // namespace

SampleAssembly::SampleAssembly(const v1::SampleRequest& request, int64_t observation_dim,
                               int64_t action_dim)
    : members_(MembersOf(request)),
      first_draw_(request.first_draw()),
      num_draws_(request.num_draws()),
      observation_dim_(observation_dim),
      action_dim_(action_dim) {
  block_.transitions = Allocate(static_cast<int64_t>(members_.size()), num_draws_,
                                observation_dim, action_dim);
}

absl::Status SampleAssembly::Add(const v1::SampleResponse& part) {
  return part.has_rows() ? AddRows(part.rows()) : AddSummary(part.summary());
}

absl::Status SampleAssembly::AddSummary(const v1::SampleSummary& summary) {
  const size_t next = block_.summaries.size();
  if (!complete() || next == members_.size() || summary.member() != members_[next]) {
    return absl::InternalError(
        absl::StrCat("the replay sent a summary of member ", summary.member(), " out of order"));
  }
  block_.summaries.push_back(summary);
  rows_ = 0;
  return absl::OkStatus();
}

absl::Status SampleAssembly::AddRows(const v1::SampledRows& rows) {
  const int64_t count = rows.num_rows();
  const size_t row_bytes = observation_dim_ * sizeof(float);
  if (block_.summaries.empty() || rows.member() != block_.summaries.back().member() ||
      rows.first_draw() != first_draw_ + rows_ || count < 1 || rows_ + count > num_draws_) {
    return absl::InternalError(absl::StrCat("the replay sent rows of member ", rows.member(),
                                            " from draw ", rows.first_draw(), " out of order"));
  }
  if (rows.observations().size() != count * row_bytes ||
      rows.next_observations().size() != count * row_bytes ||
      rows.actions().size() != count * action_dim_ * sizeof(float) ||
      rows.rewards().size() != count * sizeof(float) ||
      rows.flags().size() != static_cast<size_t>(count)) {
    return absl::InternalError("sampled columns do not have the task's sizes");
  }
  const int64_t member = static_cast<int64_t>(block_.summaries.size()) - 1;
  const int64_t row = member * num_draws_ + rows_;
  TransitionBlock& to = block_.transitions;
  Copy(rows.observations(), row, observation_dim_, to.observations);
  Copy(rows.next_observations(), row, observation_dim_, to.next_observations);
  Copy(rows.actions(), row, action_dim_, to.actions);
  Copy(rows.rewards(), row, 1, to.rewards);
  CopyFlag(rows.flags(), kTerminatedFlag, row, to.terminated);
  CopyFlag(rows.flags(), kTruncatedFlag, row, to.truncated);
  rows_ += count;
  return absl::OkStatus();
}

absl::StatusOr<SampledBlock> SampleAssembly::Finish() {
  if (block_.summaries.size() != members_.size() || !complete()) {
    return absl::InternalError("the replay sent too few samples");
  }
  return std::move(block_);
}

}  // namespace sr2l
