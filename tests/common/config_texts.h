#ifndef SR2L_TESTS_COMMON_CONFIG_TEXTS_H_
#define SR2L_TESTS_COMMON_CONFIG_TEXTS_H_

#include <string>
#include <vector>

namespace sr2l {

// A valid experiment with a task of its own: the smallest that needs no built-in task.
inline const char kBoxExperiment[] = R"(
task {
  name: "box"
  model: "box.xml"
  files { name: "box.xml" content: "<mujoco/>" }
  files { name: "meshes/box.stl" content: "solid" }
  observation_dim: 2
  action_dim: 1
  observation { quantity: QPOS first: 1 count: 1 clip: 5 }
  observation { quantity: QVEL }
  reward { forward_velocity { qpos_index: 0 weight: 2 } }
  reward { control_cost {} }
  reward { alive_bonus {} }
  reward { contact_cost {} }
  health { quantity: QPOS low: -1 high: 1 }
  friction { geom: "foot" sliding: 0.5 }
  action_range { low: -1 high: 1 }
}
trpo {}
smoothness { radius: 0.05 coefficient: 0.5 }
members { seeds: [0..2] }
)";

// Valid experiments that together use every field.
inline std::vector<std::string> ValidExperiments() {
  return {
      kBoxExperiment,
      "task { builtin: 'swimmer' } trpo {}",
      "task { builtin: 'half_cheetah' } trpo { hidden: [32] activation: RELU sigma: SHARED\n"
      "  value_network { hidden: [8, 8, 8] epochs: 3 } }\n"
      "smoothness {}\n",
      "name: 'ant.1' task { builtin: 'ant' contact_forces: ZERO step_limit: 100 }\n"
      "trpo { linear_baseline { ridge: 0.1 } discount: 1 gae_lambda: 0 damping: 0 }\n"
      "smoothness { on: POLICY gradient: RAW norm: EUCLIDEAN steps: 0 detach_sigma: false\n"
      "  discount_weighting: true step_size: 10 }\n"
      "members { seeds: [5..7, 18446744073709551615] radius: [0.1, 0.001] coefficient: [0, 1] }\n"
      "rounds: 3 steps_per_round: 40 streams_per_member: 4 keep_policy_every: 0\n"
      "collection: SYNCHRONOUS evaluation { every_rounds: 2 episodes: 3 }",
      "task { builtin: 'hopper' name: 'my_hopper' alive_on_termination: false\n"
      "  observation { quantity: SIN_QPOS } observation { quantity: SENSORDATA clip: 1e3 }\n"
      "  reward { forward_velocity { body: 'torso' axis: 2 weight: -1 } }\n"
      "  reward { forward_velocity { centre_of_mass: true } }\n"
      "  health { quantity: QVEL closed: true first: 1 }\n"
      "  reset { qpos { distribution: NORMAL scale: 0.1 } } }\n"
      "trpo {}\n"
      "smoothness { coefficient: 0 }\n"
      "members { member { seed: 3 } member { seed: 3 coefficient: 2 } member { radius: 1 } }",
      "task { builtin: 'hopper' } ddpg {}",
      "task { builtin: 'hopper' }\n"
      "ddpg { discount: 0.9 actor_learning_rate: 1e-3 critic_learning_rate: 1e-2\n"
      "  target_update_rate: 1 batch_size: 128 capacity: 5000 first_update: 500\n"
      "  steps_per_cycle: 20 updates_per_cycle: 10 hidden: [32] critic_hidden: [48, 16]\n"
      "  activation: TANH exploration { gaussian { sigma: 0.3 } } terminate_at_truncation: true }\n"
      "smoothness { on: CRITIC }\n"
      "observation_normalization { clip: 5 minimum_deviation: 1e-3 }\n"
      "streams_per_member: 2 collection: FREE_RUNNING\n"
      "limiter { samples_per_insert: 8 tolerance: 4000 max_staleness: 20 }",
      "task { builtin: 'ant' } ddpg { exploration {\n"
      "  ornstein_uhlenbeck { sigma: 0.1 theta: 0.3 dt: 0.02 } } }\n"
      "smoothness { on: POLICY } collection: FREE_RUNNING",
      "task { builtin: 'walker2d' } trpo { initial_sigma: 0.5 minimum_sigma: 0.5 }\n"
      "members { member { seed: 1 } member {} }",
  };
}

}  // namespace sr2l

#endif  // SR2L_TESTS_COMMON_CONFIG_TEXTS_H_
