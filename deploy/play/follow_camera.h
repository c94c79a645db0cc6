#ifndef SR2L_DEPLOY_PLAY_FOLLOW_CAMERA_H_
#define SR2L_DEPLOY_PLAY_FOLLOW_CAMERA_H_

#include <mujoco/mujoco.h>

namespace sr2l {

// A camera that keeps the whole robot in view: it looks at the center of mass of the first
// kinematic tree that can move, from a distance that fits the tree's size at the start. It
// follows heights slowly, so that a hop is seen as one. Deterministic.
class FollowCamera {
 public:
  // `start` holds the positions of bodies and geoms of the first picture.
  FollowCamera(const mjModel& model, const mjData& start);

  // Turns to where the robot is now.
  void Follow(const mjData& now);

  // For MuJoCo, which may not change it.
  mjvCamera view() const { return view_; }

 private:
  const int root_;  // body
  mjvCamera view_;
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_PLAY_FOLLOW_CAMERA_H_
