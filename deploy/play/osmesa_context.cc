#include "deploy/play/osmesa_context.h"

#include "common/status/status_macros.h"

namespace sr2l {
namespace {

constexpr uint32_t kRgba = 0x1908;
constexpr uint32_t kUnsignedByte = 0x1401;
constexpr int kWindowSide = 16;  // pixels
constexpr int kDepthBits = 24;
constexpr int kStencilBits = 8;

// Of several releases of Mesa.
absl::StatusOr<SharedLibrary> OpenOsmesa() {
  for (const char* name : {"libOSMesa.so.6", "libOSMesa.so"}) {
    absl::StatusOr<SharedLibrary> other = SharedLibrary::Open(name);
    if (other.ok()) return other;
  }
  return SharedLibrary::Open("libOSMesa.so.8");
}

}  // namespace

OsmesaContext::OsmesaContext(DestroyFunction* destroy, Context context)
    : destroy_(destroy), context_(context), window_(kWindowSide * kWindowSide * 4) {}

absl::StatusOr<std::unique_ptr<OffscreenContext>> OsmesaContext::Create() {
  SR2L_ASSIGN_OR_RETURN(SharedLibrary library, OpenOsmesa());
  const auto create = library.Find<CreateFunction>("OSMesaCreateContextExt");
  const auto make_current = library.Find<MakeCurrentFunction>("OSMesaMakeCurrent");
  const auto destroy = library.Find<DestroyFunction>("OSMesaDestroyContext");
  if (create == nullptr || make_current == nullptr || destroy == nullptr) {
    return absl::FailedPreconditionError("libOSMesa lacks functions of OSMesa");
  }
  const Context context = create(kRgba, kDepthBits, kStencilBits, /*accumulation=*/0, nullptr);
  if (context == nullptr) return absl::FailedPreconditionError("it gives no context");
  std::unique_ptr<OsmesaContext> owner(new OsmesaContext(destroy, context));
  if (!make_current(context, owner->window_.data(), kUnsignedByte, kWindowSide, kWindowSide)) {
    return absl::FailedPreconditionError("its context cannot be used");
  }
  // MuJoCo keeps addresses of OpenGL's functions.
  library.KeepLoaded();
  return owner;
}

OsmesaContext::~OsmesaContext() { destroy_(context_); }

}  // namespace sr2l
