#include "actor/driver/policy_batch.h"

namespace sr2l {

void PolicyBatch::Act(const GaussianActor& policy) {
  action_dim_ = static_cast<size_t>(policy.action_dim());
  observations_.clear();
  for (const ActorStream* stream : streams_) {
    observations_.insert(observations_.end(), stream->observation().begin(),
                         stream->observation().end());
  }
  actions_.resize(streams_.size() * action_dim_);
  policy.network().Forward(observations_.data(), static_cast<int>(streams_.size()),
                           actions_.data());
  for (size_t i = 0; i < streams_.size(); ++i) {
    const StreamIdentity& identity = streams_[i]->identity();
    float* const action = actions_.data() + i * action_dim_;
    policy.Sample(/*mean=*/action, identity.seed, identity.key.stream(), streams_[i]->next_step(),
                  action);
  }
}

}  // namespace sr2l
