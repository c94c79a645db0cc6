#include "learner/algorithms/ddpg_options.h"

#include <cmath>

#include "learner/algorithms/require.h"

namespace sr2l {

void CheckDdpgOptions(const DdpgOptions& options) {
  const auto require_rate = [](const char* name, double value) {
    Require(value > 0 && std::isfinite(value), name, "> 0", value);
  };
  Require(options.discount > 0 && options.discount <= 1, "discount", "in (0, 1]", options.discount);
  require_rate("actor_learning_rate", options.actor_learning_rate);
  require_rate("critic_learning_rate", options.critic_learning_rate);
  Require(options.target_update_rate > 0 && options.target_update_rate <= 1, "target_update_rate",
          "in (0, 1]", options.target_update_rate);
  Require(options.batch_size >= 1, "batch_size", ">= 1", options.batch_size);
  Layers(options.actor);  // its widths
  Layers(options.critic);
  Require(options.critic.inputs == options.actor.inputs + options.actor.outputs, "critic.inputs",
          "the actor's inputs and outputs together", options.critic.inputs);
  Require(options.critic.outputs == 1, "critic.outputs", "1", options.critic.outputs);
}

void CheckDdpgSmoothness(const DdpgSmoothness& smoothness,
                         const std::vector<MemberOptions>& members) {
  Require(!smoothness.options.discount_weighting, "discount_weighting", "false for ddpg",
          static_cast<int>(smoothness.options.discount_weighting));
  CheckPerturbation(smoothness.options, members);
}

}  // namespace sr2l
