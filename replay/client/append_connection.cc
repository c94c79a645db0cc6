#include "replay/client/append_connection.h"

#include <utility>

namespace sr2l {

void AppendConnection::Start(v1::Replay::Stub& stub) {
  stub.async()->Append(&context_, this);
  // Writes start from threads that gRPC does not know: it must not end the call before
  // they have stopped.
  AddHold();
  {
    absl::MutexLock lock(&mu_);
    open_ = true;
    held_ = true;
  }
  StartRead(&response_);
  StartCall();
  Wake();
}

void AppendConnection::Wake() {
  std::shared_ptr<const v1::Chunk> chunk;
  {
    absl::MutexLock lock(&mu_);
    if (!open_ || writing_) return;
    chunk = events_.next();
    if (chunk == nullptr) return;
    writing_ = true;
  }
  StartWrite(&request_.Lend(std::move(chunk)));
}

void AppendConnection::OnReadDone(bool ok) {
  if (ok) {
    if (!events_.answered(response_)) context_.TryCancel();
    StartRead(&response_);
    return;
  }
  {
    absl::MutexLock lock(&mu_);
    open_ = false;
  }
  CloseIfIdle();
}

void AppendConnection::OnWriteDone(bool ok) {
  request_.Return();
  {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    if (!ok) open_ = false;
  }
  Wake();
  CloseIfIdle();
}

void AppendConnection::OnDone(const grpc::Status& status) {
  const auto ended = events_.ended;  // this connection may go before it returns
  ended(status);
}

void AppendConnection::CloseIfIdle() {
  {
    absl::MutexLock lock(&mu_);
    if (open_ || writing_ || !held_) return;
    held_ = false;
  }
  RemoveHold();
}

}  // namespace sr2l
