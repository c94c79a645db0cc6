#ifndef SR2L_DEPLOY_REPORT_SUMMARY_H_
#define SR2L_DEPLOY_REPORT_SUMMARY_H_

#include <optional>
#include <string>
#include <vector>

#include "deploy/report/statistics.h"
#include "deploy/report/study.h"

namespace sr2l {

// Mean of the returns of the last `last` rounds in which episodes ended, or of all if there
// are fewer. Never the best ones: those would be luck.
double FinalReturn(const MemberData& member, size_t last);

// How many rounds that are: of the seed with the fewest.
size_t RoundsAveraged(const Setting& setting, size_t last);

// Mean return of all rounds in which episodes ended: the area under the curve by its length.
double MeanReturn(const MemberData& member);

// By seed.
std::vector<double> FinalReturns(const Setting& setting, size_t last);
std::vector<double> MeanReturns(const Setting& setting);

// A point of the curve of a setting: over its seeds.
struct MeanPoint {
  double env_steps = 0;
  double mean = 0;
  double deviation = 0;  // NaN of one seed
};

inline constexpr size_t kMaxCurvePoints = 200;

// The learning curve over seeds, up to the steps that all have reached. More rounds (or
// evaluations, where the curves are of them) than kMaxCurvePoints are averaged in equal stretches
// of steps. A stretch in which no episode of a seed ended has the return before it; before all have
// one there is no point.
std::vector<MeanPoint> MeanCurve(const Setting& setting);

// A disturbance under which a setting was evaluated, over its seeds.
struct DisturbedReturn {
  std::string disturbance;  // "none", "random", "adversarial"
  double radius = 0;
  double episodes = 0;  // of all seeds
  Estimate returns;     // over seeds, of each one's mean
  double sm = 0;        // means over seeds
  double fluctuation = 0;
  double local_lipschitz = 0;
  double jacobian_spectral = 0;
};

// None first, then random, then adversarial, by radius.
std::vector<DisturbedReturn> DisturbedReturns(const Setting& setting);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_REPORT_SUMMARY_H_
