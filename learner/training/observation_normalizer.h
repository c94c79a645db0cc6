#ifndef SR2L_LEARNER_TRAINING_OBSERVATION_NORMALIZER_H_
#define SR2L_LEARNER_TRAINING_OBSERVATION_NORMALIZER_H_

#include <torch/types.h>

#include "common/statistics/running_statistics.h"
#include "sr2l/v1/policy.pb.h"

namespace sr2l {

// Replaces observations [..., O] (float32 on the CPU, contiguous) by what the networks see,
// to the bits that actors compute.
void NormalizeObservations(const v1::ObservationNormalization& normalization,
                           torch::Tensor observations);

// Adds the rows of observations [..., O] (likewise) in order.
void AddObservations(const torch::Tensor& observations, RunningStatistics& statistics);

}  // namespace sr2l

#endif  // SR2L_LEARNER_TRAINING_OBSERVATION_NORMALIZER_H_
