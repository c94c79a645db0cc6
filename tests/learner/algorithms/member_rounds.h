#ifndef SR2L_TESTS_LEARNER_ALGORITHMS_MEMBER_ROUNDS_H_
#define SR2L_TESTS_LEARNER_ALGORITHMS_MEMBER_ROUNDS_H_

#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>
#include <vector>

#include "learner/algorithms/round_batch.h"

namespace sr2l {

struct RoundSize {
  int64_t streams, steps, observations, actions;
};

// Experience of one member, a pure function of (member, round): episodes of uneven length,
// some terminated, some truncated, and a reward that depends on the action.
inline RoundBatch MemberRound(const RoundSize& size, uint64_t member, uint64_t round) {
  torch::manual_seed(100 * member + round);
  RoundBatch batch;
  const auto shape = std::vector<int64_t>{1, size.streams, size.steps};
  batch.observations = torch::randn({1, size.streams, size.steps, size.observations});
  batch.next_observations = torch::randn_like(batch.observations);
  batch.actions = torch::randn({1, size.streams, size.steps, size.actions});
  batch.rewards = batch.actions.select(3, 0) * batch.observations.select(3, 0) +
                  0.1 * torch::randn(shape);
  batch.terminated = (torch::rand(shape) < 0.03).to(torch::kFloat32);
  batch.truncated = (torch::rand(shape) < 0.02).to(torch::kFloat32) * (1 - batch.terminated);
  batch.episode_step = torch::randint(0, 200, shape).to(torch::kFloat32);
  return batch;
}

// The members' experience of one round, stacked.
inline RoundBatch Round(const RoundSize& size, const std::vector<uint64_t>& members, uint64_t round) {
  std::vector<RoundBatch> parts;
  for (const uint64_t member : members) parts.push_back(MemberRound(size, member, round));
  const auto join = [&](torch::Tensor RoundBatch::* field) {
    std::vector<torch::Tensor> tensors;
    for (const RoundBatch& part : parts) tensors.push_back(part.*field);
    return torch::cat(tensors);
  };
  return {.observations = join(&RoundBatch::observations),
          .next_observations = join(&RoundBatch::next_observations),
          .actions = join(&RoundBatch::actions),
          .rewards = join(&RoundBatch::rewards),
          .terminated = join(&RoundBatch::terminated),
          .truncated = join(&RoundBatch::truncated),
          .episode_step = join(&RoundBatch::episode_step)};
}

}  // namespace sr2l

#endif  // SR2L_TESTS_LEARNER_ALGORITHMS_MEMBER_ROUNDS_H_
