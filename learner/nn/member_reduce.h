#ifndef SR2L_LEARNER_NN_MEMBER_REDUCE_H_
#define SR2L_LEARNER_NN_MEMBER_REDUCE_H_

#include <torch/types.h>

namespace sr2l {

// Reductions of a tensor [M, ...] (float32 or float64) to one number per member, [M] on the
// same device, summed in float64. On the CPU in a fixed order that depends on a member's
// own size alone: not on the other members, threads or the processor.

torch::Tensor MemberSum(const torch::Tensor& values);
torch::Tensor MemberMean(const torch::Tensor& values);

// Sum of the products of equally shaped tensors, rounded to float64 only.
torch::Tensor MemberDot(const torch::Tensor& a, const torch::Tensor& b);

// Whether no element is NaN or infinite; bool.
torch::Tensor MemberIsFinite(const torch::Tensor& values);

// [M] numbers to `like`'s dtype and number of dimensions, so that they scale its members.
torch::Tensor PerMember(const torch::Tensor& numbers, const torch::Tensor& like);

}  // namespace sr2l

#endif  // SR2L_LEARNER_NN_MEMBER_REDUCE_H_
