#include "replay/core/sample_reader.h"

#include <algorithm>
#include <span>
#include <vector>

#include "common/status/status_macros.h"
#include "replay/core/sampler.h"

namespace sr2l {
namespace {

// Of rows in a message, encoded: at most a mebibyte is promised. Parts of this size stay in
// the processor's cache from one copy to the next, and the first is on its way early.
constexpr size_t kPartBytes = 256 * 1024;
constexpr size_t kPartOverhead = 128;  // the other fields

}  // namespace

absl::StatusOr<bool> SampleReader::Next(v1::SampleResponse& part) {
  while (member_ < draw_.tables().size()) {
    if (!contents_.has_value()) {
      part.Clear();
      SR2L_RETURN_IF_ERROR(Summarize(*part.mutable_summary()));
      return true;
    }
    if (rows_done_ < draw_.request().num_draws()) {
      DrawRows(*part.mutable_rows());  // every field; columns keep their memory
      return true;
    }
    contents_.reset();
    rows_done_ = 0;
    ++member_;
  }
  return false;
}

absl::Status SampleReader::Summarize(v1::SampleSummary& summary) {
  const v1::SampleRequest& request = draw_.request();
  const TransitionTable& transitions = *draw_.tables()[member_]->transitions();
  if (request.has_up_to_step()) {
    SR2L_ASSIGN_OR_RETURN(contents_, transitions.UpTo(request.up_to_step()));
  } else {
    contents_ = transitions.Now();
  }
  if (contents_->size == 0 && request.num_draws() > 0) {
    return absl::OutOfRangeError("no transitions are held to draw from");
  }
  const v1::MemberSample& member = request.members(static_cast<int>(member_));
  summary.set_member(member.member());
  return transitions.Summarize(
      *contents_, {member.since_step().data(), static_cast<size_t>(member.since_step_size())},
      summary);
}

void SampleReader::DrawRows(v1::SampledRows& rows) {
  const v1::SampleRequest& request = draw_.request();
  const v1::MemberSample& member = request.members(static_cast<int>(member_));
  const TransitionTable& transitions = *draw_.tables()[member_]->transitions();
  const TransitionShape& shape = transitions.shape();
  const size_t row_bytes = shape.step_bytes() + shape.observation_bytes();
  const size_t most = std::max<size_t>(1, (kPartBytes - kPartOverhead) / row_bytes);
  const size_t count = std::min<size_t>(most, request.num_draws() - rows_done_);
  const uint64_t first = request.first_draw() + rows_done_;
  const std::vector<uint64_t> positions =
      DrawPositions(member.seed(), first, count, contents_->size);
  rows.set_member(member.member());
  rows.set_first_draw(first);
  transitions.Gather(*contents_, positions, rows);
  rows_done_ += static_cast<uint32_t>(count);
}

}  // namespace sr2l
