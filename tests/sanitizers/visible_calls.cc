// Shows ThreadSanitizer what gRPC's completion queues order, in programs whose libgrpc was
// compiled without it: what is done before an operation is started comes before what its
// completion does. These definitions come before those of the shared library.
#include <dlfcn.h>
#include <grpc/grpc.h>
#include <sanitizer/tsan_interface.h>

#include <cstdio>
#include <cstdlib>

namespace {

template <typename Function>
Function* Next(const char* name) {
  void* next = dlsym(RTLD_NEXT, name);
  if (next == nullptr) {
    std::fprintf(stderr, "no shared library has %s\n", name);
    std::abort();
  }
  return reinterpret_cast<Function*>(next);
}

grpc_event Completed(const grpc_event& event) {
  if (event.type == GRPC_OP_COMPLETE) __tsan_acquire(event.tag);
  return event;
}

}  // namespace

extern "C" {

grpc_call_error grpc_call_start_batch(grpc_call* call, const grpc_op* ops, size_t count, void* tag,
                                      void* reserved) {
  static const auto next = Next<decltype(grpc_call_start_batch)>(__func__);
  __tsan_release(tag);
  return next(call, ops, count, tag, reserved);
}

grpc_event grpc_completion_queue_next(grpc_completion_queue* queue, gpr_timespec deadline,
                                      void* reserved) {
  static const auto next = Next<decltype(grpc_completion_queue_next)>(__func__);
  return Completed(next(queue, deadline, reserved));
}

grpc_event grpc_completion_queue_pluck(grpc_completion_queue* queue, void* tag,
                                       gpr_timespec deadline, void* reserved) {
  static const auto next = Next<decltype(grpc_completion_queue_pluck)>(__func__);
  return Completed(next(queue, tag, deadline, reserved));
}

}  // extern "C"
