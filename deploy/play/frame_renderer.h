#ifndef SR2L_DEPLOY_PLAY_FRAME_RENDERER_H_
#define SR2L_DEPLOY_PLAY_FRAME_RENDERER_H_

#include <mujoco/mujoco.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "actor/environment/mujoco_call.h"
#include "deploy/play/follow_camera.h"
#include "deploy/play/frame.h"
#include "deploy/play/offscreen_context.h"

namespace sr2l {

// From where pictures are taken, and how large.
struct View {
  int width = 640;     // pixels, in [16, 4096]
  int height = 480;    // pixels, in [16, 4096]
  std::string camera;  // of the model; empty: one that follows the robot
};

// InvalidArgument unless the model has the view's camera; names those that there are.
absl::Status CheckView(const mjModel& model, const View& view);

// Draws states of a model. The simulation is only read: it goes on as if nobody looked. Used
// by the thread that made it.
class FrameRenderer {
 public:
  // `model` is copied. The errors of CheckView; FailedPrecondition: the machine cannot
  // render, and what is missing; Internal: MuJoCo fails.
  static absl::StatusOr<std::unique_ptr<FrameRenderer>> Create(const mjModel& model,
                                                               const View& view);
  ~FrameRenderer();

  // The state that `simulation`, of the same model, is in now.
  absl::StatusOr<Frame> Render(const mjData& simulation);

 private:
  struct ModelDeleter {
    void operator()(mjModel* model) const { mj_deleteModel(model); }
  };
  using ModelPtr = std::unique_ptr<mjModel, ModelDeleter>;

  FrameRenderer(std::unique_ptr<OffscreenContext> opengl, ModelPtr model, const View& view);

  absl::Status Prepare();
  void CopyState(const mjData& simulation);
  mjvCamera ChooseCamera();

  const std::unique_ptr<OffscreenContext> opengl_;
  const ModelPtr model_;  // with light, and buffers as large as the view
  const View view_;
  MjDataPtr pose_;  // the state that is drawn
  mjvOption option_;
  mjvScene scene_;
  mjrContext context_;
  std::optional<FollowCamera> follower_;
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_PLAY_FRAME_RENDERER_H_
