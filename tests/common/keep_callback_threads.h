#ifndef SR2L_TESTS_COMMON_KEEP_CALLBACK_THREADS_H_
#define SR2L_TESTS_COMMON_KEEP_CALLBACK_THREADS_H_

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>

namespace sr2l {

// gRPC ends the threads of its callback interface with the last channel or server that uses
// them, and starts new ones with the next. Its version 1.51 may abort when the two meet
// (grpc_cq_internal_unref, about once in thousands of ends). A program does that once; tests,
// which make a server for each case, keep the threads with a channel that never goes.
inline void KeepCallbackThreads() {
  struct Kept {
    std::shared_ptr<grpc::Channel> channel =
        grpc::CreateChannel("unix:/none", grpc::InsecureChannelCredentials());
    grpc::GenericStub stub{channel};
    grpc::ClientContext context;
    const grpc::Slice nothing;
    grpc::ByteBuffer request{&nothing, 1};
    grpc::ByteBuffer response;
  };
  static const Kept* const kept = [] {
    auto* made = new Kept;
    made->context.set_deadline(std::chrono::system_clock::now());  // over before it begins
    made->stub.UnaryCall(&made->context, "/none", {}, &made->request, &made->response,
                         [](grpc::Status) {});
    return made;
  }();
  static_cast<void>(kept);
}

}  // namespace sr2l

#endif  // SR2L_TESTS_COMMON_KEEP_CALLBACK_THREADS_H_
