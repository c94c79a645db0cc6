#include "common/rpc/write_guard.h"

#include <string>

#include "absl/time/clock.h"
#include "common/log/log.h"

namespace sr2l {

std::shared_ptr<WriteGuard> WriteGuard::Start(grpc::CallbackServerContext& context,
                                              absl::Duration patience) {
  const std::shared_ptr<WriteGuard> guard(new WriteGuard(context, patience));
  absl::MutexLock lock(&guard->mu_);
  guard->LookLater();
  return guard;
}

void WriteGuard::WriteBegins() {
  absl::MutexLock lock(&mu_);
  write_begin_ = absl::Now();
}

void WriteGuard::WriteEnds() {
  absl::MutexLock lock(&mu_);
  write_begin_.reset();
}

void WriteGuard::Stop() {
  absl::MutexLock lock(&mu_);
  context_ = nullptr;
}

void WriteGuard::LookLater() {
  // A new alarm each time: the one whose callback runs now must not be set again.
  alarm_ = std::make_unique<grpc::Alarm>();
  alarm_->Set(absl::ToChronoTime(absl::Now() + patience_ / 4),
              [weak = weak_from_this()](bool fired) {
                if (!fired) return;
                if (const auto guard = weak.lock()) guard->Look();
              });
}

void WriteGuard::Look() {
  absl::MutexLock lock(&mu_);
  if (context_ == nullptr) return;
  if (!write_begin_.has_value() || absl::Now() - *write_begin_ < patience_) return LookLater();
  SR2L_WARNING("{} took nothing for {}: its call ends", context_->peer(),
               absl::FormatDuration(patience_));
  context_->TryCancel();
  context_ = nullptr;
}

}  // namespace sr2l
