#include "replay/core/table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/status/status_macros.h"
#include "replay/core/validate_chunk.h"

namespace sr2l {
namespace {

TableId IdOf(const v1::TableSpec& spec) { return {spec.experiment_id(), spec.member()}; }

std::string LastChunkText(const Stream::Progress& progress, absl::Time now) {
  if (progress.state.epoch == 0) return "no actor has opened it";
  if (progress.last_append == absl::InfinitePast()) {
    return absl::StrCat("epoch ", progress.state.epoch, ", no chunk since this replay started");
  }
  return absl::StrFormat("epoch %d, last chunk %.1f s ago", progress.state.epoch,
                         absl::ToDoubleSeconds(now - progress.last_append));
}

std::unique_ptr<TransitionTable> MakeTransitions(
    const TableState& state, std::shared_ptr<std::atomic<uint64_t>> ring_bytes) {
  if (!state.spec.has_capacity()) return nullptr;
  return std::make_unique<TransitionTable>(state, std::move(ring_bytes));
}

std::unique_ptr<Limiter> MakeLimiter(const TableState& state) {
  if (!state.spec.has_limits()) return nullptr;
  uint64_t inserts = 0;
  for (const StreamState& stream : state.streams) inserts += stream.next_step;
  return std::make_unique<Limiter>(state.spec, inserts);
}

}  // namespace

Table::Table(const TableState& state, TrajectoryLog& log,
             std::shared_ptr<std::atomic<uint64_t>> ring_bytes)
    : spec_(state.spec),
      log_(log),
      transitions_(MakeTransitions(state, std::move(ring_bytes))),
      limiter_(MakeLimiter(state)),
      damage_(state.damage) {
  if (!state.kept_begin.empty()) Rebuild(state);
  const TableId id = IdOf(spec_);
  const StreamTable shared{
      .log = &log, .transitions = transitions_.get(), .limiter = limiter_.get()};
  for (uint32_t stream = 0; stream < spec_.num_streams(); ++stream) {
    const StreamState& counters = state.streams[stream];
    streams_.push_back(
        std::make_unique<Stream>(StreamId{id, stream}, counters, shared, DamageOf(stream)));
    finished_.push_back(counters.next_step / spec_.steps_per_round());
  }
  complete_rounds_ = *std::min_element(finished_.begin(), finished_.end());
  // Of transitions what is not held says the ring itself.
  if (transitions_ == nullptr) released_rounds_ = state.released_end / spec_.steps_per_round();
}

void Table::Rebuild(const TableState& state) {
  for (uint32_t stream = 0; stream < spec_.num_streams(); ++stream) {
    if (!DamageOf(stream).empty()) continue;
    const absl::Status read = log_.ReadKept({IdOf(spec_), stream}, [&](const ChunkPtr& chunk) {
      transitions_->Insert(stream, *chunk);
    });
    if (read.ok()) continue;
    damage_.push_back({.stream = stream,
                       .begin = state.kept_begin[stream],
                       .end = state.streams[stream].next_step,
                       .what = std::string(read.message())});
  }
}

std::string Table::DamageOf(uint32_t stream) const {
  for (const LogDamage& damage : damage_) {
    if (damage.stream == stream) return ToText(damage);
  }
  return "";
}

absl::Status Table::CheckIntact() const {
  return damage_.empty() ? absl::OkStatus() : streams_[damage_[0].stream]->CheckIntact();
}

absl::Status Table::ReleaseContents(uint64_t released_step) {
  SR2L_RETURN_IF_ERROR(log_.Release(IdOf(spec_), released_step));
  transitions_->Release(released_step);
  return absl::OkStatus();
}

absl::StatusOr<OpenedStream> Table::Open(uint32_t stream, uint64_t epoch) {
  if (stream >= streams_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("key.stream must be below num_streams ", streams_.size(), ", got ", stream));
  }
  return streams_[stream]->Open(epoch);
}

absl::StatusOr<AppendResult> Table::Append(ChunkPtr chunk, const Arrival& arrival) {
  const uint32_t stream = chunk->key().stream();
  const absl::Status valid = ValidateChunk(spec_, *chunk);
  if (!valid.ok()) {
    AppendResult refused;
    refused.outcome = v1::AppendResponse::MALFORMED;
    refused.message = std::string(valid.message());
    if (stream < streams_.size()) refused.next_step = streams_[stream]->progress().state.next_step;
    return refused;
  }
  SR2L_ASSIGN_OR_RETURN(AppendResult result, streams_[stream]->Append(std::move(chunk), arrival));
  if (result.outcome == v1::AppendResponse::STORED &&
      result.next_step % spec_.steps_per_round() == 0) {
    result.completed_round = FinishRound(stream, result.next_step / spec_.steps_per_round());
  }
  return result;
}

absl::StatusOr<bool> Table::IsComplete(uint64_t round) const {
  SR2L_RETURN_IF_ERROR(CheckIntact());
  absl::ReaderMutexLock lock(&mu_);
  SR2L_RETURN_IF_ERROR(CheckHeld(round));
  return round < complete_rounds_;
}

absl::StatusOr<std::vector<ChunkPtr>> Table::Read(uint32_t stream, uint64_t round) const {
  const uint64_t first_step = round * spec_.steps_per_round();
  const uint64_t end_step = first_step + spec_.steps_per_round();
  auto chunks = log_.Read({IdOf(spec_), stream}, first_step, end_step);
  if (!chunks.ok()) return chunks.status();
  {
    // After the read: a release in between has taken chunks away.
    absl::ReaderMutexLock lock(&mu_);
    SR2L_RETURN_IF_ERROR(CheckHeld(round));
  }
  uint64_t next_step = first_step;
  for (const ChunkPtr& chunk : *chunks) {
    if (chunk->first_step() != next_step) break;
    next_step += chunk->num_steps();
  }
  if (next_step != end_step) {
    return absl::DataLossError(absl::StrCat("member ", spec_.member(), " stream ", stream,
                                            " lacks step ", next_step, " of round ", round));
  }
  return chunks;
}

absl::Status Table::CheckRelease(uint64_t before_round) const {
  absl::ReaderMutexLock lock(&mu_);
  if (before_round <= complete_rounds_) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("before_round must be at most ", complete_rounds_, ", the rounds that member ",
                   spec_.member(), " has finished; got ", before_round));
}

absl::Status Table::Release(uint64_t before_round) {
  {
    absl::MutexLock lock(&mu_);
    released_rounds_ = std::max(released_rounds_, before_round);
  }
  return log_.Release(IdOf(spec_), before_round * spec_.steps_per_round());
}

std::vector<std::string> Table::DescribeBehind(uint64_t round, absl::Time now) const {
  const uint64_t quota = spec_.steps_per_round();
  const uint64_t first_step = round * quota;
  std::vector<std::string> texts;
  for (size_t i = 0; i < streams_.size(); ++i) {
    const Stream::Progress progress = streams_[i]->progress();
    const uint64_t next_step = std::max(progress.state.next_step, first_step);
    if (next_step >= first_step + quota) continue;
    texts.push_back(absl::StrCat("member ", spec_.member(), " stream ", i, " has ",
                                 next_step - first_step, " of ", quota, " steps (",
                                 LastChunkText(progress, now), ")"));
  }
  return texts;
}

void Table::Close() {
  for (const auto& stream : streams_) stream->Close();
}

void Table::Reopen() {
  for (const auto& stream : streams_) stream->Reopen();
}

bool Table::FinishRound(uint32_t stream, uint64_t rounds) {
  absl::MutexLock lock(&mu_);
  const bool was_last = finished_[stream] == complete_rounds_;
  finished_[stream] = std::max(finished_[stream], rounds);
  if (!was_last) return false;
  const uint64_t complete = *std::min_element(finished_.begin(), finished_.end());
  return complete > std::exchange(complete_rounds_, complete);
}

absl::Status Table::CheckHeld(uint64_t round) const {
  if (round >= released_rounds_) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat("round ", round, " of member ", spec_.member(),
                                            " was released; the first held round is ",
                                            released_rounds_));
}

}  // namespace sr2l
