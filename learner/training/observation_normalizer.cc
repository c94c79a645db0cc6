#include "learner/training/observation_normalizer.h"

#include "common/statistics/normalize_row.h"

namespace sr2l {

void NormalizeObservations(const v1::ObservationNormalization& normalization,
                           torch::Tensor observations) {
  const int64_t dim = observations.size(-1);
  float* row = observations.data_ptr<float>();
  for (int64_t i = 0; i < observations.numel() / dim; ++i, row += dim) {
    NormalizeRow(row, normalization.mean().data(), normalization.scale().data(),
                 normalization.clip(), static_cast<int>(dim), row);
  }
}

void AddObservations(const torch::Tensor& observations, RunningStatistics& statistics) {
  const int64_t dim = observations.size(-1);
  const float* row = observations.data_ptr<float>();
  for (int64_t i = 0; i < observations.numel() / dim; ++i, row += dim) statistics.Add(row);
}

}  // namespace sr2l
