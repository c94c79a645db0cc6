#include "replay/core/stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

constexpr char kDropped[] = "the experiment was dropped";

std::string StaleText(uint64_t chunk_epoch, uint64_t epoch) {
  if (epoch == 0) return "no actor has opened the stream: OpenStream comes before the first chunk";
  if (chunk_epoch < epoch) {
    return absl::StrCat("chunk.lease_epoch must be ", epoch,
                        ", with which another actor opened the stream; got ", chunk_epoch);
  }
  return absl::StrCat("chunk.lease_epoch must be ", epoch, ", got ", chunk_epoch,
                      ": OpenStream comes before the first chunk of a lease");
}

}  // namespace

absl::StatusOr<OpenedStream> Stream::Open(uint64_t epoch) {
  if (epoch == 0) return absl::InvalidArgumentError("lease_epoch must be at least 1, got 0");
  absl::MutexLock lock(&mu_);
  if (closed_) return absl::NotFoundError(kDropped);
  if (epoch < state_.epoch) {
    return absl::FailedPreconditionError(
        absl::StrCat("lease_epoch must be at least ", state_.epoch, ", got ", epoch,
                     ": another actor holds the stream with a newer lease"));
  }
  OpenedStream opened;
  opened.fenced = epoch > state_.epoch && state_.epoch > 0;
  if (epoch > state_.epoch) {
    SR2L_RETURN_IF_ERROR(log_.Fence(id_, epoch));
    state_.epoch = epoch;
  }
  opened.next_step = state_.next_step;
  SR2L_ASSIGN_OR_RETURN(opened.resume_token, log_.ReadToken(id_));
  return opened;
}

absl::StatusOr<AppendResult> Stream::Append(ChunkPtr chunk, absl::Time now) {
  using v1::AppendResponse;
  absl::MutexLock lock(&mu_);
  if (closed_) return Answer(AppendResponse::UNKNOWN_TABLE, kDropped);
  if (state_.epoch == 0 || chunk->lease_epoch() != state_.epoch) {
    return Answer(AppendResponse::STALE_EPOCH, StaleText(chunk->lease_epoch(), state_.epoch));
  }
  const uint64_t first_step = chunk->first_step();
  if (first_step > state_.next_step) {
    return Answer(AppendResponse::GAP, absl::StrCat("chunk.first_step must be ",
                                                    state_.next_step, ", got ", first_step));
  }
  const uint64_t end_step = first_step + chunk->num_steps();
  if (end_step <= state_.next_step) return Answer(AppendResponse::DUPLICATE);
  if (first_step < state_.next_step) {
    return Answer(AppendResponse::MALFORMED,
                  absl::StrCat("chunk.first_step must be ", state_.next_step, ", got ",
                               first_step, ": the steps before are stored already, and ",
                               "a chunk is stored as a whole or not at all"));
  }
  const absl::Status written = log_.Append(id_, std::move(chunk));
  if (absl::IsResourceExhausted(written)) {
    return Answer(AppendResponse::FULL, std::string(written.message()));
  }
  SR2L_RETURN_IF_ERROR(written);
  state_.next_step = end_step;
  last_append_ = now;
  return Answer(AppendResponse::STORED);
}

Stream::Progress Stream::progress() const {
  absl::MutexLock lock(&mu_);
  return {.state = state_, .last_append = last_append_};
}

void Stream::Close() {
  absl::MutexLock lock(&mu_);
  closed_ = true;
}

AppendResult Stream::Answer(v1::AppendResponse::Outcome outcome, std::string message) const {
  return {.outcome = outcome,
          .next_step = state_.next_step,
          .message = std::move(message),
          .completed_round = false};
}

}  // namespace sr2l
