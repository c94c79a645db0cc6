#ifndef SR2L_COMMON_RPC_SELF_OWNED_REACTOR_H_
#define SR2L_COMMON_RPC_SELF_OWNED_REACTOR_H_

#include <memory>
#include <utility>

namespace sr2l {

// A server reactor that lives until gRPC is done with its call, and as long as anyone
// else holds it: a callback from elsewhere keeps a weak pointer and locks it, so it finds
// the reactor alive or not at all. `Reactor` is one of grpc::Server*Reactor.
template <typename Reactor>
class SelfOwnedReactor : public Reactor,
                         public std::enable_shared_from_this<SelfOwnedReactor<Reactor>> {
 public:
  // Gives the reactor to itself, calls its Begin and returns it for gRPC.
  static Reactor* Start(std::shared_ptr<SelfOwnedReactor> reactor) {
    reactor->self_ = reactor;
    reactor->Begin();
    return reactor.get();
  }

  void OnDone() final {
    // Destroyed at the end of the scope, and `this` with it.
    const std::shared_ptr<SelfOwnedReactor> self = std::move(self_);
  }

 protected:
  // The first operations of the call.
  virtual void Begin() = 0;

 private:
  std::shared_ptr<SelfOwnedReactor> self_;
};

}  // namespace sr2l

#endif  // SR2L_COMMON_RPC_SELF_OWNED_REACTOR_H_
