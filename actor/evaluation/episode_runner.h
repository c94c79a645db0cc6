#ifndef SR2L_ACTOR_EVALUATION_EPISODE_RUNNER_H_
#define SR2L_ACTOR_EVALUATION_EPISODE_RUNNER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "actor/environment/environment.h"
#include "actor/evaluation/action_smoothness.h"
#include "actor/evaluation/adversary.h"
#include "actor/evaluation/state_probe.h"
#include "common/policy/policy.h"

namespace sr2l {

// What is done to every observation before the policy sees it: an offset within a ball in
// the maximum norm, in the units of the policy's network (of standard deviations, where
// observations are normalized). A radius of 0 is no disturbance. A plain value.
struct Disturbance {
  enum class Kind {
    kNone,
    kRandom,       // uniform in the ball
    kAdversarial,  // where the adversary's ascent ends that starts at the random one
  };
  Kind kind = Kind::kNone;
  double radius = 0;  // >= 0, finite as float32
};

// How episodes are run and measured. A plain value.
struct EpisodeOptions {
  Disturbance disturbance;
  bool sample_actions = false;  // else the mean acts; a deterministic policy has no other
  // Of the balls in which undisturbed states are probed; disturbed ones take the
  // disturbance's. > 0, finite as float32.
  double probe_radius = 0.01;
  bool probe_states = true;  // else nothing is probed; the episode is the same
  // Of all random numbers; the same for every policy and disturbance, so that they meet the
  // same starts and the same noise.
  uint64_t seed = 0;
};

// How smooth the actions of an episode were. Actions count as the environment takes them,
// clipped to [-1, 1].
struct ActionTrace {
  ActionSmoothness smoothness;
  // Mean over t of |a_{t+1} - a_t| / |o_{t+1} - o_t|, with o what the network saw, Euclidean
  // norms, without steps where o stayed. NaN without any.
  double lipschitz_ratio = 0;
};

// What is kept of an episode.
struct EpisodeResult {
  double return_ = 0;   // undiscounted
  uint32_t length = 0;  // steps
  bool terminated = false;
  bool diverged = false;  // the simulation blew up; implies terminated
  ActionTrace means;
  std::optional<ActionTrace> samples;  // unset where the means acted
  double probe_radius = 0;
  std::vector<StateProbe> probes;  // of every tenth state, the first one included; or none
};

// Runs episodes of one policy, each a pure function of the options and its number. Not
// thread-safe. O observation_dim, A action_dim.
class EpisodeRunner {
 public:
  // Both are borrowed and have the same dimensions. sample_actions needs a Gaussian policy.
  EpisodeRunner(Environment& environment, const Policy& policy, const EpisodeOptions& options);

  // Is shown the environment at every state of an episode, the start and the end included,
  // but for what a divergence left; says whether the episode goes on.
  using Spectator = absl::FunctionRef<absl::StatusOr<bool>(const Environment&)>;

  // To its end. Fails if MuJoCo does.
  absl::StatusOr<EpisodeResult> Run(uint32_t episode);

  // The same episode, to its end or as far as the spectator wants to see it. Fails if MuJoCo
  // or the spectator does.
  absl::StatusOr<EpisodeResult> Run(uint32_t episode, Spectator spectator);

 private:
  // Actions of the running episode.
  struct Trace {
    std::vector<float> actions;  // [T, A]
    double ratio_sum = 0;
  };

  void Observe(uint32_t episode, EpisodeResult& result);
  void DrawOffset(uint32_t episode);
  void Act(uint32_t episode);
  void Record();
  void AddStep(const float* action, double moved, Trace& trace) const;
  ActionTrace Measure(const Trace& trace) const;

  Environment& environment_;
  const Policy& policy_;
  const EpisodeOptions options_;
  const uint64_t seed_;  // under which everything is drawn
  const bool disturbed_;
  const double probe_radius_;
  StateProber prober_;
  Adversary adversary_;
  std::vector<float> state_;      // [O], as the network would see it undisturbed
  std::vector<float> seen_;       // [O]
  std::vector<float> last_seen_;  // [O], one step before
  std::vector<double> unit_;      // [O], drawn for the step
  std::vector<float> offset_;     // [O]
  std::vector<float> mean_;       // [A]
  std::vector<float> action_;     // [A]
  Trace means_;
  Trace samples_;
  uint32_t num_ratios_ = 0;
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_EVALUATION_EPISODE_RUNNER_H_
