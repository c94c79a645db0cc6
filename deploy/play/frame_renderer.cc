#include "deploy/play/frame_renderer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "actor/environment/model_names.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

constexpr int kMaxGeoms = 10000;     // drawn in a picture
constexpr int kShadowSide = 2048;    // texels; software renderers take long for more
constexpr float kMinAmbient = 0.3f;  // of the headlight, so that models without lights are seen
constexpr float kMinDiffuse = 0.5f;
constexpr uint8_t kSky[] = {158, 181, 204};

// How the model looks, not how it moves.
void SetVisuals(const View& view, mjVisual& visual) {
  visual.global.offwidth = view.width;
  visual.global.offheight = view.height;
  visual.quality.shadowsize = std::min(visual.quality.shadowsize, kShadowSide);
  for (int i = 0; i < 3; ++i) {
    visual.headlight.ambient[i] = std::max(visual.headlight.ambient[i], kMinAmbient);
    visual.headlight.diffuse[i] = std::max(visual.headlight.diffuse[i], kMinDiffuse);
  }
}

bool HasSky(const mjModel& model) {
  const int count = static_cast<int>(model.ntex);
  return std::find(model.tex_type, model.tex_type + count, mjTEXTURE_SKYBOX) !=
         model.tex_type + count;
}

// Colors the pixels at which nothing is: MuJoCo leaves them black. `depth` as MuJoCo has it, 1
// farthest.
void PaintSky(const std::vector<float>& depth, Frame& frame) {
  for (size_t i = 0; i < depth.size(); ++i) {
    if (depth[i] >= 1) std::copy(std::begin(kSky), std::end(kSky), frame.rgb.data() + 3 * i);
  }
}

// OpenGL's lowest row comes first.
void FlipRows(Frame& frame) {
  const auto row = [&frame](int y) { return frame.rgb.begin() + ptrdiff_t{3} * frame.width * y; };
  for (int y = 0; y < frame.height / 2; ++y) {
    std::swap_ranges(row(y), row(y + 1), row(frame.height - 1 - y));
  }
}

}  // namespace

absl::Status CheckView(const mjModel& model, const View& view) {
  if (view.camera.empty()) return absl::OkStatus();
  return FindByName(model, mjOBJ_CAMERA, view.camera, "--camera").status();
}

FrameRenderer::FrameRenderer(std::unique_ptr<OffscreenContext> opengl, ModelPtr model,
                             const View& view)
    : opengl_(std::move(opengl)), model_(std::move(model)), view_(view) {
  mjv_defaultOption(&option_);
  mjv_defaultScene(&scene_);
  mjr_defaultContext(&context_);
}

FrameRenderer::~FrameRenderer() {
  mjr_freeContext(&context_);
  mjv_freeScene(&scene_);
}

absl::StatusOr<std::unique_ptr<FrameRenderer>> FrameRenderer::Create(const mjModel& model,
                                                                     const View& view) {
  SR2L_RETURN_IF_ERROR(CheckView(model, view));
  SR2L_ASSIGN_OR_RETURN(auto opengl, OffscreenContext::Create());
  mjModel* copy = nullptr;
  SR2L_RETURN_IF_ERROR(CallMujoco([&] { copy = mj_copyModel(nullptr, &model); }));
  if (copy == nullptr) return absl::ResourceExhaustedError("no memory for a copy of the model");
  SetVisuals(view, copy->vis);
  std::unique_ptr<FrameRenderer> renderer(
      new FrameRenderer(std::move(opengl), ModelPtr(copy), view));
  SR2L_RETURN_IF_ERROR(renderer->Prepare());
  return renderer;
}

absl::Status FrameRenderer::Prepare() {
  mjData* pose = nullptr;
  SR2L_RETURN_IF_ERROR(CallMujoco([&] { pose = mj_makeData(model_.get()); }));
  if (pose == nullptr) return absl::ResourceExhaustedError("no memory for a picture's state");
  pose_.reset(pose);
  SR2L_RETURN_IF_ERROR(CallMujoco([this] {
    mjv_makeScene(model_.get(), &scene_, kMaxGeoms);
    mjr_makeContext(model_.get(), &context_, mjFONTSCALE_100);
    mjr_setBuffer(mjFB_OFFSCREEN, &context_);
  }));
  if (context_.currentBuffer == mjFB_OFFSCREEN) return absl::OkStatus();
  return absl::FailedPreconditionError("this machine's OpenGL gives no buffer to draw into");
}

void FrameRenderer::CopyState(const mjData& simulation) {
  pose_->time = simulation.time;
  mju_copy(pose_->qpos, simulation.qpos, static_cast<int>(model_->nq));
  mju_copy(pose_->act, simulation.act, static_cast<int>(model_->na));
  mju_copy(pose_->ctrl, simulation.ctrl, static_cast<int>(model_->nu));
  mju_copy(pose_->mocap_pos, simulation.mocap_pos, 3 * static_cast<int>(model_->nmocap));
  mju_copy(pose_->mocap_quat, simulation.mocap_quat, 4 * static_cast<int>(model_->nmocap));
  // The simulation's own positions are those of before its last physics step.
  mj_fwdPosition(model_.get(), pose_.get());
}

mjvCamera FrameRenderer::ChooseCamera() {
  if (view_.camera.empty()) {
    if (!follower_.has_value()) follower_.emplace(*model_, *pose_);
    follower_->Follow(*pose_);
    return follower_->view();
  }
  mjvCamera camera;
  mjv_defaultCamera(&camera);
  camera.type = mjCAMERA_FIXED;
  camera.fixedcamid = mj_name2id(model_.get(), mjOBJ_CAMERA, view_.camera.c_str());
  return camera;
}

absl::StatusOr<Frame> FrameRenderer::Render(const mjData& simulation) {
  Frame frame = {.width = view_.width, .height = view_.height, .rgb = {}};
  const size_t num_pixels = static_cast<size_t>(view_.width) * static_cast<size_t>(view_.height);
  frame.rgb.resize(3 * num_pixels);
  std::vector<float> depth(num_pixels);
  const mjrRect all = {0, 0, view_.width, view_.height};
  SR2L_RETURN_IF_ERROR(CallMujoco([&] {
    CopyState(simulation);
    mjvCamera camera = ChooseCamera();
    mjv_updateScene(model_.get(), pose_.get(), &option_, /*pert=*/nullptr, &camera, mjCAT_ALL,
                    &scene_);
    mjr_render(all, &scene_, &context_);
    mjr_readPixels(frame.rgb.data(), depth.data(), all, &context_);
  }));
  if (!HasSky(*model_)) PaintSky(depth, frame);
  FlipRows(frame);
  return frame;
}

}  // namespace sr2l
