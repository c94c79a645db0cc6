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
  SR2L_RETURN_IF_ERROR(CheckIntact());
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
    SR2L_RETURN_IF_ERROR(table_.log->Fence(id_, epoch));
    state_.epoch = epoch;
  }
  if (table_.limiter != nullptr) table_.limiter->Open(id_.stream);
  opened.next_step = state_.next_step;
  SR2L_ASSIGN_OR_RETURN(opened.resume_token, table_.log->ReadToken(id_));
  return opened;
}

absl::StatusOr<AppendResult> Stream::Append(ChunkPtr chunk, const Arrival& arrival) {
  using v1::AppendResponse;
  SR2L_RETURN_IF_ERROR(CheckIntact());
  absl::MutexLock lock(&mu_);
  if (closed_) return Answer(AppendResponse::UNKNOWN_TABLE, kDropped);
  if (state_.epoch == 0 || chunk->lease_epoch() != state_.epoch) {
    return Answer(AppendResponse::STALE_EPOCH, StaleText(chunk->lease_epoch(), state_.epoch));
  }
  const uint64_t first_step = chunk->first_step();
  if (first_step > state_.next_step) {
    return Answer(AppendResponse::GAP, absl::StrCat("chunk.first_step must be ", state_.next_step,
                                                    ", got ", first_step));
  }
  const uint64_t end_step = first_step + chunk->num_steps();
  if (end_step <= state_.next_step) return Answer(AppendResponse::DUPLICATE);
  if (first_step < state_.next_step) {
    return Answer(AppendResponse::MALFORMED,
                  absl::StrCat("chunk.first_step must be ", state_.next_step, ", got ", first_step,
                               ": the steps before are stored already, and ",
                               "a chunk is stored as a whole or not at all"));
  }
  if (table_.limiter == nullptr) return Write(std::move(chunk), arrival);
  Limiter& limiter = *table_.limiter;
  const uint32_t steps = chunk->num_steps();
  Limiter::Admission admission =
      limiter.Admit(id_.stream, steps, chunk->policy_version(), arrival.now);
  AppendResult refused = Answer(AppendResponse::LIMITED, std::move(admission.message));
  refused.retry_after_seconds = admission.retry_after_seconds;
  if (admission.verdict == Limiter::Verdict::kLimited) return refused;
  refused.outcome = AppendResponse::STALE_POLICY;
  refused.moved_limits = true;
  if (admission.verdict == Limiter::Verdict::kStalePolicy) return refused;
  absl::StatusOr<AppendResult> written = Write(std::move(chunk), arrival);
  if (written.ok() && written->outcome == AppendResponse::STORED) {
    limiter.Store(id_.stream, steps, state_.next_step, arrival.call);
  } else {
    limiter.Withdraw(id_.stream, steps);
  }
  if (written.ok()) written->moved_limits = true;
  return written;
}

absl::StatusOr<AppendResult> Stream::Write(ChunkPtr chunk, const Arrival& arrival) {
  TransitionTable* transitions = table_.transitions;
  if (transitions != nullptr && !transitions->HasRoom(id_.stream, chunk->num_steps())) {
    return Answer(
        v1::AppendResponse::FULL,
        absl::StrCat("steps from ", transitions->held_begin(id_.stream), " to ", state_.next_step,
                     " are held, as the learner may draw from them "
                     "again: there is room once its released_step goes on"));
  }
  const absl::Status written = table_.log->Append(id_, chunk);
  if (absl::IsResourceExhausted(written)) {
    return Answer(v1::AppendResponse::FULL, std::string(written.message()));
  }
  SR2L_RETURN_IF_ERROR(written);
  if (transitions != nullptr) {
    transitions->Insert(id_.stream, *chunk);
    table_.log->Forget(id_, transitions->held_begin(id_.stream));
  }
  state_.next_step += chunk->num_steps();
  last_append_ = arrival.now;
  return Answer(v1::AppendResponse::STORED);
}

absl::Status Stream::CheckIntact() const {
  if (damage_.empty()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("the log of experiment ", id_.table.experiment_id,
                                          " member ", id_.table.member, " is damaged: ", damage_));
}

Stream::Progress Stream::progress() const {
  absl::MutexLock lock(&mu_);
  return {.state = state_, .last_append = last_append_};
}

void Stream::Close() {
  absl::MutexLock lock(&mu_);
  closed_ = true;
}

void Stream::Reopen() {
  absl::MutexLock lock(&mu_);
  closed_ = false;
}

AppendResult Stream::Answer(v1::AppendResponse::Outcome outcome, std::string message) const {
  AppendResult result;
  result.outcome = outcome;
  result.next_step = state_.next_step;
  result.message = std::move(message);
  return result;
}

}  // namespace sr2l
