#include "deploy/export/choose_vectors.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/random/philox.h"
#include "common/status/status_macros.h"
#include "deploy/export/onnx_model.h"
#include "deploy/export/run_onnx.h"

namespace sr2l {
namespace {

constexpr uint64_t kKey = 0x7665635F32723473;  // any: the observations are always the same
constexpr int kCandidates = 4;                 // for each vector

// Vectors whose coordinates are uniform on +-`reach` standard deviations around the mean.
struct Kind {
  uint32_t number;
  int count;
  double reach;
};

std::vector<float> Candidates(const ExportedPolicy& policy, const Kind& kind) {
  std::vector<float> observations;
  for (int row = 0; row < kCandidates * kind.count; ++row) {
    for (int i = 0; i < policy.observation_dim(); ++i) {
      const auto words =
          Philox4x32({static_cast<uint32_t>(row), static_cast<uint32_t>(i), kind.number}, kKey);
      const double uniform = static_cast<double>(words[0]) / 2147483648.0 - 1;
      const double mean = policy.is_normalized() ? policy.mean[i] : 0;
      const double deviation = policy.is_normalized() ? 1 / policy.scale[i] : 1;
      observations.push_back(static_cast<float>(mean + deviation * kind.reach * uniform));
    }
  }
  return observations;
}

// How far controls are from the exact ones, by row, as a share of half their range.
std::vector<double> Rounding(const ExportedPolicy& policy, const std::vector<float>& observations,
                             const std::vector<float>& controls) {
  const size_t rows = observations.size() / policy.observation_dim();
  std::vector<double> rounding(rows);
  for (size_t row = 0; row < rows; ++row) {
    const std::vector<double> exact =
        ExactControls(policy, observations.data() + row * policy.observation_dim());
    for (size_t i = 0; i < exact.size(); ++i) {
      const double difference = std::abs(controls[row * exact.size() + i] - exact[i]);
      rounding[row] = std::max(rounding[row], difference / policy.half_width[i]);
    }
  }
  return rounding;
}

// The `count` rows with the least rounding, in their order.
std::vector<size_t> BestRows(const std::vector<double>& rounding, int count) {
  std::vector<size_t> rows(rounding.size());
  std::iota(rows.begin(), rows.end(), 0);
  std::stable_sort(rows.begin(), rows.end(),
                   [&](size_t a, size_t b) { return rounding[a] < rounding[b]; });
  rows.resize(count);
  std::sort(rows.begin(), rows.end());
  return rows;
}

void AppendRow(const std::vector<float>& from, size_t row, int columns, std::vector<float>& to) {
  const auto first = from.begin() + static_cast<std::ptrdiff_t>(row * columns);
  to.insert(to.end(), first, first + columns);
}

}  // namespace

absl::StatusOr<ChosenVectors> ChooseVectors(const ExportedPolicy& policy, Inference service) {
  const std::string onnx = FormatOnnx(policy);
  ChosenVectors chosen;
  Vectors& vectors = chosen.vectors;
  vectors.observation_dim = policy.observation_dim();
  vectors.action_dim = policy.action_dim();
  // At the second kind's reach half of the coordinates are clipped.
  const double edge = policy.is_normalized() ? 2 * policy.clip : 6;
  for (const Kind& kind : {Kind{0, 64, 3}, Kind{1, 32, edge}, Kind{2, 32, 1e6}}) {
    const std::vector<float> observations = Candidates(policy, kind);
    const std::vector<float> controls = service(observations);
    // The service and a plain sum in another order.
    std::vector<double> rounding = Rounding(policy, observations, controls);
    SR2L_ASSIGN_OR_RETURN(const std::vector<float> plain, RunOnnx(onnx, observations));
    const std::vector<double> plain_rounding = Rounding(policy, observations, plain);
    for (size_t row = 0; row < rounding.size(); ++row) {
      rounding[row] = std::max(rounding[row], plain_rounding[row]);
    }
    for (const size_t row : BestRows(rounding, kind.count)) {
      AppendRow(observations, row, vectors.observation_dim, vectors.observations);
      AppendRow(controls, row, vectors.action_dim, vectors.controls);
      chosen.rounding = std::max(chosen.rounding, rounding[row]);
    }
  }
  return chosen;
}

}  // namespace sr2l
