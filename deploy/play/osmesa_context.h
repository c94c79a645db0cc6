#ifndef SR2L_DEPLOY_PLAY_OSMESA_CONTEXT_H_
#define SR2L_DEPLOY_PLAY_OSMESA_CONTEXT_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "deploy/play/offscreen_context.h"
#include "deploy/play/shared_library.h"

namespace sr2l {

// By libOSMesa, which draws in software into this process's memory.
class OsmesaContext : public OffscreenContext {
 public:
  static absl::StatusOr<std::unique_ptr<OffscreenContext>> Create();
  ~OsmesaContext() override;

 private:
  using Context = void*;
  using CreateFunction = Context(uint32_t format, int depth, int stencil, int accumulation,
                                 Context share);
  using MakeCurrentFunction = uint8_t(Context, void* buffer, uint32_t type, int width, int height);
  using DestroyFunction = void(Context);

  OsmesaContext(DestroyFunction* destroy, Context context);

  DestroyFunction* const destroy_;
  const Context context_;
  // What OSMesa wants as a window. MuJoCo draws into buffers of its own.
  std::vector<uint8_t> window_;
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_PLAY_OSMESA_CONTEXT_H_
