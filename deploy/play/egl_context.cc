#include "deploy/play/egl_context.h"

#include <stdlib.h>

#include <algorithm>

#include "common/status/status_macros.h"

namespace sr2l {
namespace {

// Numbers of the EGL registry; its headers are not needed to build.
constexpr uint32_t kPlatformDevice = 0x313F;
constexpr uint32_t kPlatformSurfaceless = 0x31DD;
constexpr uint32_t kOpenGlApi = 0x30A2;
constexpr int32_t kNone = 0x3038;
constexpr int32_t kConfig[] = {0x3033, 0x0001,  // surface type: pixel buffer
                               0x3040, 0x0008,  // renderable type: OpenGL
                               0x3024, 8,       // red, green, blue: bits
                               0x3023, 8,       //
                               0x3022, 8,       //
                               0x3025, 24,      // depth: bits
                               kNone};
constexpr int32_t kMaxDevices = 32;

}  // namespace

absl::StatusOr<EglContext::Functions> EglContext::FindFunctions(const SharedLibrary& library) {
  Functions egl = {};
  bool found = true;
  const auto find = [&]<typename Function>(const char* name, Function*& function) {
    function = library.Find<Function>(name);
    found = found && function != nullptr;
  };
  find("eglGetProcAddress", egl.get_proc_address);
  find("eglInitialize", egl.initialize);
  find("eglBindAPI", egl.bind_api);
  find("eglChooseConfig", egl.choose_config);
  find("eglCreateContext", egl.create_context);
  find("eglMakeCurrent", egl.make_current);
  find("eglDestroyContext", egl.destroy_context);
  find("eglTerminate", egl.terminate);
  if (!found) return absl::FailedPreconditionError("libEGL.so.1 lacks functions of EGL 1.4");
  const auto extension = [&egl]<typename Function>(const char* name, Function*& function) {
    function = reinterpret_cast<Function*>(egl.get_proc_address(name));
    return function != nullptr;
  };
  extension("eglQueryDevicesEXT", egl.query_devices);
  if (!extension("eglGetPlatformDisplayEXT", egl.get_platform_display)) {
    return absl::FailedPreconditionError("libEGL.so.1 knows no displays without a window");
  }
  return egl;
}

std::unique_ptr<EglContext> EglContext::CreateOn(const Functions& egl, uint32_t platform,
                                                 void* native) {
  const Display display = egl.get_platform_display(platform, native, nullptr);
  if (display == nullptr || !egl.initialize(display, nullptr, nullptr)) return nullptr;
  void* config = nullptr;
  int32_t count = 0;
  Context context = nullptr;
  if (egl.bind_api(kOpenGlApi) && egl.choose_config(display, kConfig, &config, 1, &count) &&
      count == 1) {
    context = egl.create_context(display, config, nullptr, nullptr);
  }
  if (context != nullptr && egl.make_current(display, nullptr, nullptr, context)) {
    return std::unique_ptr<EglContext>(new EglContext(egl, display, context));
  }
  if (context != nullptr) egl.destroy_context(display, context);
  egl.terminate(display);
  return nullptr;
}

std::unique_ptr<EglContext> EglContext::CreateOnAny(const Functions& egl) {
  void* devices[kMaxDevices] = {};
  int32_t count = 0;
  if (egl.query_devices == nullptr || !egl.query_devices(kMaxDevices, devices, &count)) count = 0;
  for (int32_t i = 0; i < std::min(count, kMaxDevices); ++i) {
    if (auto context = CreateOn(egl, kPlatformDevice, devices[i])) return context;
  }
  return CreateOn(egl, kPlatformSurfaceless, /*native=*/nullptr);
}

absl::StatusOr<std::unique_ptr<OffscreenContext>> EglContext::Create() {
  // A device that does not work is no news: the next one is tried.
  setenv("EGL_LOG_LEVEL", "fatal", /*overwrite=*/0);
  SR2L_ASSIGN_OR_RETURN(SharedLibrary library, SharedLibrary::Open("libEGL.so.1"));
  SR2L_ASSIGN_OR_RETURN(const Functions egl, FindFunctions(library));
  std::unique_ptr<OffscreenContext> context = CreateOnAny(egl);
  if (context == nullptr) return absl::FailedPreconditionError("no device gives OpenGL");
  // MuJoCo keeps addresses of OpenGL's functions.
  library.KeepLoaded();
  return context;
}

EglContext::~EglContext() {
  egl_.make_current(display_, nullptr, nullptr, nullptr);
  egl_.destroy_context(display_, context_);
  egl_.terminate(display_);
}

}  // namespace sr2l
