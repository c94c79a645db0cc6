#ifndef SR2L_DEPLOY_PLAY_EGL_CONTEXT_H_
#define SR2L_DEPLOY_PLAY_EGL_CONTEXT_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "deploy/play/offscreen_context.h"
#include "deploy/play/shared_library.h"

namespace sr2l {

// By libEGL: on the first device that gives a context, a GPU or Mesa's software renderer,
// or on Mesa's platform without any device.
class EglContext : public OffscreenContext {
 public:
  static absl::StatusOr<std::unique_ptr<OffscreenContext>> Create();
  ~EglContext() override;

 private:
  using Display = void*;
  using Context = void*;

  // The functions of libEGL that are used. EGL's types are pointers and 32-bit numbers.
  struct Functions {
    void* (*get_proc_address)(const char* name);
    Display (*get_platform_display)(uint32_t platform, void* native, const int32_t* attributes);
    uint32_t (*query_devices)(int32_t room, void** devices, int32_t* count);  // may be null
    uint32_t (*initialize)(Display, int32_t* major, int32_t* minor);
    uint32_t (*bind_api)(uint32_t api);
    uint32_t (*choose_config)(Display, const int32_t* attributes, void** configs, int32_t room,
                              int32_t* count);
    Context (*create_context)(Display, void* config, Context share, const int32_t* attributes);
    uint32_t (*make_current)(Display, void* draw, void* read, Context);
    uint32_t (*destroy_context)(Display, Context);
    uint32_t (*terminate)(Display);
  };

  EglContext(const Functions& egl, Display display, Context context)
      : egl_(egl), display_(display), context_(context) {}

  static absl::StatusOr<Functions> FindFunctions(const SharedLibrary& library);
  static std::unique_ptr<EglContext> CreateOn(const Functions& egl, uint32_t platform,
                                              void* native);
  static std::unique_ptr<EglContext> CreateOnAny(const Functions& egl);

  const Functions egl_;
  const Display display_;
  const Context context_;
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_PLAY_EGL_CONTEXT_H_
