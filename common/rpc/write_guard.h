#ifndef SR2L_COMMON_RPC_WRITE_GUARD_H_
#define SR2L_COMMON_RPC_WRITE_GUARD_H_

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace sr2l {

// Ends a server's call when its peer leaves a message untaken for too long: its process
// answers pings, so that keepalive finds nothing, but does not read. What the call holds is
// then free again. Thread-safe.
class WriteGuard : public std::enable_shared_from_this<WriteGuard> {
 public:
  // Long enough for the largest message over a slow line.
  static constexpr absl::Duration kPatience = absl::Seconds(30);

  // Guards the call of `context` until Stop: cancels it within 5/4 of `patience`.
  static std::shared_ptr<WriteGuard> Start(grpc::CallbackServerContext& context,
                                           absl::Duration patience);

  // Around each write of the call.
  void WriteBegins() ABSL_LOCKS_EXCLUDED(mu_);
  void WriteEnds() ABSL_LOCKS_EXCLUDED(mu_);

  // The call is about to finish; its context is not used any more. Call it before Finish.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  WriteGuard(grpc::CallbackServerContext& context, absl::Duration patience)
      : patience_(patience), context_(&context) {}

  void LookLater() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Look() ABSL_LOCKS_EXCLUDED(mu_);

  const absl::Duration patience_;
  absl::Mutex mu_;
  grpc::CallbackServerContext* context_ ABSL_GUARDED_BY(mu_);  // null: stopped
  std::optional<absl::Time> write_begin_ ABSL_GUARDED_BY(mu_);  // of the write under way
  std::unique_ptr<grpc::Alarm> alarm_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sr2l

#endif  // SR2L_COMMON_RPC_WRITE_GUARD_H_
