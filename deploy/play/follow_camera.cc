#include "deploy/play/follow_camera.h"

#include <algorithm>

namespace sr2l {
namespace {

constexpr double kAzimuth = 105;      // degrees; +x goes to the right, slightly into the picture
constexpr double kElevation = -20;    // degrees
constexpr double kDistance = 3.2;     // radii of the robot; with MuJoCo's 45 degrees of view
constexpr double kHeightPull = 0.05;  // share of a change of height that a frame follows

int MovingRoot(const mjModel& model) {
  return model.njnt > 0 ? model.body_rootid[model.jnt_bodyid[0]] : 0;
}

// Of the sphere around the tree's center of mass that holds its geoms, m.
double RadiusOf(const mjModel& model, const mjData& now, int root) {
  double radius = 0.05;  // of a robot without geoms
  for (int geom = 0; geom < model.ngeom; ++geom) {
    if (model.body_rootid[model.geom_bodyid[geom]] != root) continue;
    if (model.geom_type[geom] == mjGEOM_PLANE) continue;
    const double away = mju_dist3(now.geom_xpos + 3 * geom, now.subtree_com + 3 * root);
    radius = std::max(radius, away + model.geom_rbound[geom]);
  }
  return radius;
}

}  // namespace

FollowCamera::FollowCamera(const mjModel& model, const mjData& start) : root_(MovingRoot(model)) {
  mjv_defaultCamera(&view_);
  view_.type = mjCAMERA_FREE;
  view_.azimuth = kAzimuth;
  view_.elevation = kElevation;
  view_.distance = kDistance * RadiusOf(model, start, root_);
  mju_copy3(view_.lookat, start.subtree_com + 3 * root_);
}

void FollowCamera::Follow(const mjData& now) {
  const mjtNum* const center = now.subtree_com + 3 * root_;
  view_.lookat[0] = center[0];
  view_.lookat[1] = center[1];
  view_.lookat[2] += kHeightPull * (center[2] - view_.lookat[2]);
}

}  // namespace sr2l
