#include "deploy/play/offscreen_context.h"

#include "absl/strings/str_cat.h"
#include "deploy/play/egl_context.h"
#include "deploy/play/osmesa_context.h"

namespace sr2l {

absl::StatusOr<std::unique_ptr<OffscreenContext>> OffscreenContext::Create() {
  absl::StatusOr<std::unique_ptr<OffscreenContext>> egl = EglContext::Create();
  if (egl.ok()) return egl;
  absl::StatusOr<std::unique_ptr<OffscreenContext>> osmesa = OsmesaContext::Create();
  if (osmesa.ok()) return osmesa;
  return absl::FailedPreconditionError(absl::StrCat(
      "this machine cannot render: it needs the packages libegl1 and libgl1-mesa-dri, or "
      "libosmesa6 (EGL: ",
      egl.status().message(), "; OSMesa: ", osmesa.status().message(), ")"));
}

}  // namespace sr2l
