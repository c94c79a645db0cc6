#include "replay/client/chunk_sender.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/chunk/chunk_format.h"
#include "common/log/log.h"
#include "common/rpc/backoff.h"
#include "common/rpc/credentials.h"
#include "common/rpc/stoppable_context.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

// What a message needs beside its chunk.
constexpr size_t kEnvelopeBytes = 16;

}  // namespace

ChunkSender::ChunkSender(const std::shared_ptr<grpc::Channel>& channel,
                         ChunkSenderOptions options, AnswerCallback answered)
    : options_(options),
      answered_(std::move(answered)),
      stub_(v1::Replay::NewStub(channel)),
      thread_([this] { Run(); }) {}

ChunkSender::~ChunkSender() { Close(); }

absl::StatusOr<v1::OpenStreamResponse> ChunkSender::OpenStream(const v1::StreamKey& key,
                                                               uint64_t epoch, absl::Time deadline,
                                                               const std::stop_token& stop) {
  StoppableContext context(stop, deadline);
  v1::OpenStreamRequest request;
  *request.mutable_key() = key;
  request.set_lease_epoch(epoch);
  v1::OpenStreamResponse response;
  SR2L_RETURN_IF_ERROR(FromGrpcStatus(stub_->OpenStream(&*context, request, &response)));
  return response;
}

absl::Status ChunkSender::Send(std::shared_ptr<const v1::Chunk> chunk) {
  const size_t bytes = chunk->ByteSizeLong();
  if (bytes > kMaxReplayMessageBytes - kEnvelopeBytes) {
    return absl::InvalidArgumentError(absl::StrCat("a chunk may have at most ",
                                                   kMaxReplayMessageBytes - kEnvelopeBytes,
                                                   " bytes, got ", bytes));
  }
  std::shared_ptr<AppendConnection> connection;
  {
    absl::MutexLock lock(&mu_);
    if (closed_) return absl::FailedPreconditionError("the chunk sender is closed");
    if (!HasRoom()) {
      return absl::ResourceExhaustedError(absl::StrCat(
          unacked_.bytes(), " bytes wait for an answer, at most ", options_.max_unacked_bytes,
          " may; the connection: ", last_error_.empty() ? "open" : last_error_));
    }
    unacked_.Add(std::move(chunk));
    connection = connection_;
  }
  if (connection != nullptr) connection->Wake();
  return absl::OkStatus();
}

bool ChunkSender::AwaitRoom(absl::Time deadline) {
  absl::MutexLock lock(&mu_);
  return mu_.AwaitWithDeadline(absl::Condition(this, &ChunkSender::HasRoom), deadline) &&
         !closed_;
}

absl::Status ChunkSender::Flush(absl::Time deadline) {
  absl::MutexLock lock(&mu_);
  mu_.AwaitWithDeadline(absl::Condition(this, &ChunkSender::IsFlushed), deadline);
  if (unacked_.empty()) return absl::OkStatus();
  const std::string missing =
      absl::StrCat(unacked_.size(), " chunks of ", unacked_.bytes(),
                   " bytes are without an answer; the connection: ",
                   last_error_.empty() ? "open" : last_error_);
  return closed_ ? absl::CancelledError(missing) : absl::DeadlineExceededError(missing);
}

void ChunkSender::Close() {
  {
    absl::MutexLock lock(&mu_);
    closed_ = true;
  }
  std::call_once(joined_, [this] { thread_.join(); });
}

size_t ChunkSender::unacked_bytes() const {
  absl::MutexLock lock(&mu_);
  return unacked_.bytes();
}

void ChunkSender::Run() {
  Backoff backoff(options_.jitter_seed);
  bool warned = false;
  while (true) {
    const std::shared_ptr<AppendConnection> connection = Connect();
    Mind(*connection);
    {
      absl::MutexLock lock(&mu_);
      connection_.reset();
      unacked_.SendAllAgain();
      if (closed_) return;
    }
    if (options_.lost != nullptr) options_.lost();
    absl::MutexLock lock(&mu_);
    if (had_answer_) backoff.Reset();
    // One line when the connection is lost, not one for each attempt to get a new one.
    if (had_answer_ || !warned) {
      SR2L_WARNING("no connection to the replay, {} chunks wait: {}", unacked_.size(),
                   last_error_);
      warned = true;
    }
    if (mu_.AwaitWithTimeout(absl::Condition(&closed_), backoff.Next())) return;
  }
}

std::shared_ptr<AppendConnection> ChunkSender::Connect() {
  auto connection = std::make_shared<AppendConnection>(AppendConnection::Events{
      .next = [this] { return Next(); },
      .answered = [this](const v1::AppendResponse& response) { return OnAnswer(response); },
      .ended = [this](const grpc::Status& status) { OnEnded(status); }});
  {
    absl::MutexLock lock(&mu_);
    connection_ = connection;
    ended_ = false;
    had_answer_ = false;
    give_up_reason_.clear();
  }
  connection->Start(*stub_);
  return connection;
}

void ChunkSender::Mind(AppendConnection& connection) {
  while (true) {
    bool cancel = false;
    {
      absl::MutexLock lock(&mu_);
      const absl::Time answer_due = unacked_.oldest_sent() + options_.answer_timeout;
      mu_.AwaitWithDeadline(absl::Condition(this, &ChunkSender::MustAct),
                            std::min(unacked_.pause_end(), answer_due));
      if (ended_) return;
      timers_changed_ = false;
      const absl::Time now = absl::Now();
      unacked_.EndPause(now);
      if (now >= unacked_.oldest_sent() + options_.answer_timeout) {
        give_up_reason_ = absl::StrCat("no answer to a chunk for ",
                                       absl::FormatDuration(options_.answer_timeout));
      }
      cancel = closed_ || !give_up_reason_.empty();
    }
    if (cancel) {
      connection.Cancel();
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(&ended_));
      return;
    }
    connection.Wake();
  }
}

std::shared_ptr<const v1::Chunk> ChunkSender::Next() {
  absl::MutexLock lock(&mu_);
  const bool idle = unacked_.oldest_sent() == absl::InfiniteFuture();
  auto chunk = unacked_.TakeNext(absl::Now());
  if (idle && chunk != nullptr) timers_changed_ = true;
  return chunk;
}

bool ChunkSender::OnAnswer(const v1::AppendResponse& response) {
  UnackedChunks::Verdict verdict;
  {
    absl::MutexLock lock(&mu_);
    verdict = unacked_.OnAnswer(response, absl::Now());
    had_answer_ = true;
    last_error_.clear();
    // Mind waits for the end of the pause, or sends at once what was overtaken: its time may have
    // come and gone before this answer.
    timers_changed_ |=
        verdict == UnackedChunks::Verdict::kPaused || verdict == UnackedChunks::Verdict::kOvertaken;
  }
  switch (verdict) {
    case UnackedChunks::Verdict::kUnexpected:
      return GiveUp(absl::StrCat("it answered step ", response.first_step(), " of stream ",
                                 response.key().stream(), " of member ",
                                 response.key().member(),
                                 ", which is not the oldest chunk without an answer"));
    case UnackedChunks::Verdict::kOvertaken:
      return true;
    case UnackedChunks::Verdict::kPaused:
      answered_(response);
      return true;
    case UnackedChunks::Verdict::kSettled:
      answered_(response);
      absl::MutexLock lock(&mu_);
      unacked_.Settle();
      return true;
  }
  return false;
}

bool ChunkSender::GiveUp(std::string reason) {
  absl::MutexLock lock(&mu_);
  give_up_reason_ = std::move(reason);
  return false;
}

void ChunkSender::OnEnded(const grpc::Status& status) {
  absl::MutexLock lock(&mu_);
  if (!give_up_reason_.empty()) {
    last_error_ = give_up_reason_;
  } else {
    last_error_ = status.ok() ? "ended by the server" : FromGrpcStatus(status).ToString();
  }
  ended_ = true;
}

}  // namespace sr2l
