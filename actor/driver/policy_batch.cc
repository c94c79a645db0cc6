#include "actor/driver/policy_batch.h"

namespace sr2l {

void PolicyBatch::Clear() {
  streams_.clear();
  policies_.clear();
}

void PolicyBatch::Add(ActorStream* stream, const Policy* policy) {
  streams_.push_back(stream);
  policies_.push_back(policy);
}

void PolicyBatch::Act() {
  if (streams_.empty()) return;
  action_dim_ = static_cast<size_t>(policies_.front()->action_dim());
  observations_.resize(streams_.size() * static_cast<size_t>(policies_.front()->observation_dim()));
  actions_.resize(streams_.size() * action_dim_);
  size_t first = 0;
  for (size_t end = 1; end <= streams_.size(); ++end) {
    if (end < streams_.size() && policies_[end] == policies_[first]) continue;
    ActRun(first, end);
    first = end;
  }
}

void PolicyBatch::ActRun(size_t first, size_t end) {
  const Policy& policy = *policies_[first];
  const size_t observation_dim = static_cast<size_t>(policy.observation_dim());
  for (size_t i = first; i < end; ++i) {
    policy.Normalize(streams_[i]->observation().data(), observations_.data() + i * observation_dim);
  }
  policy.network().Forward(observations_.data() + first * observation_dim,
                           static_cast<int>(end - first), actions_.data() + first * action_dim_);
  for (size_t i = first; i < end; ++i) {
    const StreamIdentity& identity = streams_[i]->identity();
    float* const action = actions_.data() + i * action_dim_;
    if (policy.is_gaussian()) {
      policy.Sample(/*mean=*/action, identity.seed, identity.key.stream(), streams_[i]->next_step(),
                    action);
    } else {
      streams_[i]->Explore(action);
    }
  }
}

}  // namespace sr2l
