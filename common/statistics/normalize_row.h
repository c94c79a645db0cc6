#ifndef SR2L_COMMON_STATISTICS_NORMALIZE_ROW_H_
#define SR2L_COMMON_STATISTICS_NORMALIZE_ROW_H_

#include <algorithm>

namespace sr2l {

// What a network sees of an observation: by coordinate, in float32 and in this order,
//   difference = observation - mean,  product = difference * scale,
//   normalized = product clamped to [-clip, clip].
// Actors and the learner share this function, so that both see the same bits. All arrays
// have `count` elements; `normalized` may be `observation`.
inline void NormalizeRow(const float* observation, const float* mean, const float* scale,
                         float clip, int count, float* normalized) {
  for (int i = 0; i < count; ++i) {
    const float product = (observation[i] - mean[i]) * scale[i];
    normalized[i] = std::max(-clip, std::min(clip, product));
  }
}

}  // namespace sr2l

#endif  // SR2L_COMMON_STATISTICS_NORMALIZE_ROW_H_
