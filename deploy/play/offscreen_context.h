#ifndef SR2L_DEPLOY_PLAY_OFFSCREEN_CONTEXT_H_
#define SR2L_DEPLOY_PLAY_OFFSCREEN_CONTEXT_H_

#include <memory>

#include "absl/status/statusor.h"

namespace sr2l {

// OpenGL without a window or a display server, current on the thread that made it until it
// goes. One at a time in a process. Not thread-safe.
class OffscreenContext {
 public:
  // By EGL where it works, else by OSMesa. FailedPrecondition: neither does; says why and
  // which packages are missing.
  static absl::StatusOr<std::unique_ptr<OffscreenContext>> Create();

  virtual ~OffscreenContext() = default;
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_PLAY_OFFSCREEN_CONTEXT_H_
