#include "learner/algorithms/surrogate.h"

#include <limits>

#include "learner/nn/member_reduce.h"

namespace sr2l {
namespace {

torch::Tensor Ratio(const PolicyOutputs& outputs, const SurrogateTerms& terms) {
  const GaussianPolicies& policy = outputs.policy;
  return (LogProb(terms.actions, policy.mean, policy.log_std) - terms.old_log_prob).exp();
}

torch::Tensor RegularizerInverseVariance(const PolicyOutputs& outputs,
                                         const SurrogateTerms& terms) {
  return InverseVariance(terms.detach_sigma ? terms.old_policy.log_std
                                            : outputs.policy.log_std);
}

}  // namespace

TrustRegionLoss SmoothSurrogate(const PolicyOutputs& outputs, const SurrogateTerms& terms) {
  TrustRegionLoss result;
  result.surrogate = MemberMean(Ratio(outputs, terms) * terms.advantages);
  result.loss = -result.surrogate;
  result.kl = MeanKlOldNew(terms.old_policy, outputs.policy);
  if (!outputs.difference.defined()) {
    result.nonsmoothness =
        torch::full_like(result.loss, std::numeric_limits<double>::quiet_NaN());
    return result;
  }
  const torch::Tensor jeffreys =
      (outputs.difference.square() * RegularizerInverseVariance(outputs, terms)).sum(2) * 0.5;
  result.nonsmoothness = MemberMean(jeffreys);
  if (terms.coefficient.defined()) {
    const torch::Tensor regularizer =
        terms.weight.defined() ? MemberMean(jeffreys * terms.weight) : result.nonsmoothness;
    const torch::Tensor penalty = terms.coefficient * regularizer;
    result.loss =
        result.loss + torch::where(terms.coefficient > 0, penalty, torch::zeros_like(penalty));
  }
  return result;
}

SurrogateCotangents SurrogateGradient(const PolicyOutputs& outputs,
                                      const SurrogateTerms& terms) {
  const GaussianPolicies& policy = outputs.policy;
  const double states = static_cast<double>(policy.mean.size(1));
  const torch::Tensor inverse_variance = InverseVariance(policy.log_std);
  const torch::Tensor share = (Ratio(outputs, terms) * terms.advantages / -states).unsqueeze(2);
  const torch::Tensor deviation = terms.actions - policy.mean;

  SurrogateCotangents result;
  result.mean = share * deviation * inverse_variance;
  result.log_std = (share * (deviation.square() * inverse_variance - 1)).sum(1);
  if (!terms.coefficient.defined()) return result;

  const torch::Tensor coefficient = PerMember(terms.coefficient, deviation);  // [M, 1, 1]
  torch::Tensor pull = coefficient / states * RegularizerInverseVariance(outputs, terms) *
                       outputs.difference;
  if (terms.weight.defined()) pull = pull * terms.weight.unsqueeze(2);
  // Where the coefficient is 0 nothing is added, not even an infinite difference.
  result.moved_mean = torch::where(coefficient > 0, pull, torch::zeros_like(pull));
  result.mean = result.mean - result.moved_mean;
  if (!terms.detach_sigma) {
    result.log_std = result.log_std - (result.moved_mean * outputs.difference).sum(1);
  }
  return result;
}

}  // namespace sr2l
