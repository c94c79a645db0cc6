#ifndef SR2L_ACTOR_EVALUATION_ACTION_SMOOTHNESS_H_
#define SR2L_ACTOR_EVALUATION_ACTION_SMOOTHNESS_H_

#include <vector>

namespace sr2l {

// Above this share of half the control rate frequencies count as high.
inline constexpr double kHighFrequencyCutoff = 0.5;

// How smooth the actions a_0 ... a_{T-1} of one episode are, [T, A]; lower is smoother. A
// number that so short an episode does not define is NaN. A plain value.
struct ActionSmoothness {
  // Sm (Mysore et al., 2021): with amplitudes M_i = (2 / T) |FFT(a)_i| and frequencies
  // f_i = 2 i / T in units of half the control rate, the mean of M_i f_i over
  // i = 0 ... floor(T / 2) - 1, then over dimensions. Needs T >= 2.
  double spectral = 0;
  // (1 / T) sum_t |a_t - a_{t-1}|, Euclidean norm. Needs T >= 1.
  double fluctuation = 0;
  // Mean over t and dimensions of |a_t - a_{t-1}|. Needs T >= 2.
  double variation = 0;
  // Mean over t of |a_{t+1} - 2 a_t + a_{t-1}|, Euclidean norm. Needs T >= 3.
  double second_difference = 0;
  // Of the energy that is not constant in time, over all dimensions, the share at frequencies
  // above kHighFrequencyCutoff. 0 where there is none. Needs T >= 2.
  double high_frequency_share = 0;
};

// `actions` [T, A], row-major; `action_dim` A >= 1.
ActionSmoothness MeasureActions(const std::vector<float>& actions, int action_dim);

}  // namespace sr2l

#endif  // SR2L_ACTOR_EVALUATION_ACTION_SMOOTHNESS_H_
