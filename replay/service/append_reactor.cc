#include "replay/service/append_reactor.h"

#include <atomic>
#include <memory>
#include <utility>

#include "absl/time/clock.h"
#include "common/rpc/credentials.h"
#include "common/status/status_macros.h"
#include "replay/core/validate_table.h"
#include "sr2l/v1/replay.grpc.pb.h"  // how messages are encoded

namespace sr2l {
namespace {

// How long an actor waits before it sends a chunk again that found no room: long against
// a chunk's transfer, short against a round.
constexpr double kRetryAfterSeconds = 0.1;

// A number that no other call of this process has.
uint64_t NextCall() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

absl::StatusOr<grpc::ByteBuffer> Encode(const v1::AppendResponse& response) {
  grpc::ByteBuffer encoded;
  bool owned = false;
  SR2L_RETURN_IF_ERROR(FromGrpcStatus(
      grpc::SerializationTraits<v1::AppendResponse>::Serialize(response, &encoded, &owned)));
  return encoded;
}

}  // namespace

AppendReactor::AppendReactor(ReplayStore& store, ReplayMetrics& metrics)
    : store_(store), metrics_(metrics), call_(NextCall()) {
  metrics_.append_streams.Increment();
}

AppendReactor::~AppendReactor() {
  store_.EndCall(call_);
  metrics_.append_streams.Decrement();
}

void AppendReactor::Begin() { Continue(); }

absl::StatusOr<v1::AppendResponse> AppendReactor::Answer() {
  metrics_.bytes_received.Increment(static_cast<double>(incoming_.Length()));
  v1::AppendRequest request;
  if (!grpc::SerializationTraits<v1::AppendRequest>::Deserialize(&incoming_, &request).ok()) {
    metrics_.chunks_undecodable.Increment();
    return absl::InvalidArgumentError("the message is no AppendRequest: it does not decode");
  }
  if (request.has_chunk()) {
    return AnswerChunk(std::make_shared<const v1::Chunk>(std::move(*request.mutable_chunk())));
  }
  metrics_.chunks(v1::AppendResponse::MALFORMED).Increment();
  v1::AppendResponse response;
  response.set_outcome(v1::AppendResponse::MALFORMED);
  response.set_message("chunk must be set");
  return response;
}

absl::StatusOr<v1::AppendResponse> AppendReactor::AnswerChunk(ChunkPtr chunk) {
  absl::StatusOr<AppendResult> appended =
      store_.Append(chunk, Arrival{.now = absl::Now(), .call = call_});
  if (absl::IsDataLoss(appended.status())) {
    // The other streams of the call go on; whoever opens this one is told the same.
    appended = AppendResult{.outcome = v1::AppendResponse::STALE_EPOCH,
                            .message = std::string(appended.status().message())};
  }
  SR2L_ASSIGN_OR_RETURN(AppendResult result, std::move(appended));
  metrics_.chunks(result.outcome).Increment();
  if (result.outcome == v1::AppendResponse::STORED) {
    metrics_.steps_inserted.Increment(chunk->num_steps());
    metrics_.stored_bytes.Set(static_cast<double>(store_.bytes()));
  }
  v1::AppendResponse response;
  // An id that no table can have is not sent back: it may be as long as a message.
  if (chunk->key().experiment_id().size() <= kMaxIdBytes) *response.mutable_key() = chunk->key();
  response.set_first_step(chunk->first_step());
  response.set_outcome(result.outcome);
  response.set_next_step(result.next_step);
  if (!result.message.empty()) response.set_message(std::move(result.message));
  if (result.outcome == v1::AppendResponse::STORED ||
      result.outcome == v1::AppendResponse::DUPLICATE) {
    store_.Acknowledge(response);
  } else if (result.outcome == v1::AppendResponse::FULL) {
    response.set_retry_after_seconds(kRetryAfterSeconds);
  } else if (result.outcome == v1::AppendResponse::LIMITED) {
    response.set_retry_after_seconds(result.retry_after_seconds);
  }
  return response;
}

void AppendReactor::AnswerWhenDurable(v1::AppendResponse response) {
  uint64_t number = 0;
  {
    // In one step: with the next read its answer may come from another thread.
    absl::MutexLock lock(&mu_);
    reading_ = false;
    number = first_answer_ + answers_.size();
    answers_.emplace_back();
    ++held_back_;
  }
  // The call does not end before its last answer, but may at once after it: `self` outlives it.
  store_.WhenDurable([this, self = shared_from_this(), number,
                      response = std::move(response)](const absl::Status& durable) mutable {
    if (!durable.ok() && response.has_durability()) {
      response.clear_durability();
      response.clear_log_sync();
      response.clear_log_sync_interval_ms();
      response.set_outcome(v1::AppendResponse::FULL);
      response.set_message(std::string(durable.message()));
      response.set_retry_after_seconds(kRetryAfterSeconds);
    }
    OnDurable(number, Encode(response));
  });
}

void AppendReactor::OnDurable(uint64_t number, absl::StatusOr<grpc::ByteBuffer> encoded) {
  {
    absl::MutexLock lock(&mu_);
    --held_back_;
    if (!encoded.ok()) {
      ended_ = gone_ = true;
      answers_.clear();
      status_ = encoded.status();
    } else if (!gone_) {
      answers_[number - first_answer_] = *std::move(encoded);
    }
  }
  Continue();
}

void AppendReactor::Fail(absl::Status status) {
  {
    absl::MutexLock lock(&mu_);
    reading_ = false;
    ended_ = true;
    if (!status.ok()) status_ = std::move(status);
  }
  Continue();
}

void AppendReactor::OnReadDone(bool ok) {
  if (!ok) return Fail(absl::OkStatus());  // the client has no more
  absl::StatusOr<v1::AppendResponse> answer = Answer();
  if (!answer.ok()) return Fail(answer.status());
  AnswerWhenDurable(*std::move(answer));
  Continue();
}

void AppendReactor::OnWriteDone(bool ok) {
  {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    if (!ok) {
      // The client is gone; a read in flight ends, too.
      ended_ = gone_ = true;
      answers_.clear();
    }
  }
  Continue();
}

void AppendReactor::Continue() {
  bool write = false;
  bool read = false;
  bool finish = false;
  absl::Status status;
  {
    absl::MutexLock lock(&mu_);
    if (!writing_ && !answers_.empty() && answers_.front().has_value()) {
      outgoing_ = *std::move(answers_.front());
      answers_.pop_front();
      ++first_answer_;
      write = writing_ = true;
    }
    if (!ended_ && !reading_ && answers_.size() < kMaxAnswers) read = reading_ = true;
    if (ended_ && !reading_ && !writing_ && held_back_ == 0 && !finished_) {
      finish = finished_ = true;
      status = status_;
    }
  }
  if (write) StartWrite(&outgoing_);
  if (read) StartRead(&incoming_);
  if (finish) Finish(ToGrpcStatus(status));
}

}  // namespace sr2l
