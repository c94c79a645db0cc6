#ifndef SR2L_COMMON_RPC_STOPPABLE_CONTEXT_H_
#define SR2L_COMMON_RPC_STOPPABLE_CONTEXT_H_

#include <grpcpp/grpcpp.h>

#include <stop_token>

#include "absl/time/time.h"

namespace sr2l {

// A client's side of one call that a request of `stop` ends at once, with CANCELLED, whenever it
// comes: before the call, during it or never. For one call, which must be over before this goes.
class StoppableContext {
 public:
  // InfiniteFuture: without a deadline.
  explicit StoppableContext(const std::stop_token& stop,
                            absl::Time deadline = absl::InfiniteFuture())
      : cancel_(stop, Canceller{context_}) {
    context_.set_deadline(absl::ToChronoTime(deadline));
  }

  grpc::ClientContext& operator*() { return context_; }
  grpc::ClientContext* operator->() { return &context_; }

 private:
  struct Canceller {
    grpc::ClientContext& context;
    void operator()() const { context.TryCancel(); }
  };

  grpc::ClientContext context_;
  const std::stop_callback<Canceller> cancel_;
};

}  // namespace sr2l

#endif  // SR2L_COMMON_RPC_STOPPABLE_CONTEXT_H_
