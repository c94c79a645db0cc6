#include "deploy/report/summary.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace sr2l {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// One stretch of steps: the returns of a seed's rounds there.
struct Stretch {
  std::vector<double> steps;
  std::vector<double> returns;
};

// The curve of a member up to `end` in `count` stretches of equal length; a round belongs to
// the one that its last step lies in.
std::vector<Stretch> Cut(const MemberData& member, uint64_t end, size_t count) {
  std::vector<Stretch> stretches(count);
  for (const CurvePoint& point : member.curve) {
    const uint64_t steps = static_cast<uint64_t>(point.env_steps);
    if (steps == 0 || steps > end) continue;
    Stretch& stretch = stretches[(steps * count + end - 1) / end - 1];
    stretch.steps.push_back(point.env_steps);
    stretch.returns.push_back(point.return_mean);
  }
  return stretches;
}

// Over the seeds that have a number: NaN ones are those that evaluation leaves empty.
double MeanOfDefined(const std::vector<double>& values) {
  std::vector<double> defined;
  std::copy_if(values.begin(), values.end(), std::back_inserter(defined),
               [](double value) { return std::isfinite(value); });
  return Mean(defined);
}

int RankOf(const std::string& disturbance) {
  if (disturbance == "none") return 0;
  return disturbance == "random" ? 1 : 2;
}

struct Gathered {
  std::string disturbance;
  double episodes = 0;
  std::vector<double> returns, sm, fluctuation, local_lipschitz, jacobian;
};

void Gather(const EvaluationPoint& point, Gathered& gathered) {
  gathered.disturbance = point.disturbance;
  gathered.episodes += point.episodes;
  gathered.returns.push_back(point.return_mean);
  gathered.sm.push_back(point.sm);
  gathered.fluctuation.push_back(point.fluctuation);
  gathered.local_lipschitz.push_back(point.local_lipschitz);
  gathered.jacobian.push_back(point.jacobian_spectral);
}

}  // namespace

double FinalReturn(const MemberData& member, size_t last) {
  std::vector<double> returns;
  const size_t used = std::min(last, member.curve.size());
  for (size_t i = member.curve.size() - used; i < member.curve.size(); ++i) {
    returns.push_back(member.curve[i].return_mean);
  }
  return Mean(returns);
}

size_t RoundsAveraged(const Setting& setting, size_t last) {
  size_t rounds = last;
  for (const SeedRun& seed : setting.seeds) rounds = std::min(rounds, seed.member->curve.size());
  return rounds;
}

double MeanReturn(const MemberData& member) { return FinalReturn(member, member.curve.size()); }

std::vector<double> FinalReturns(const Setting& setting, size_t last) {
  std::vector<double> returns;
  for (const SeedRun& seed : setting.seeds) returns.push_back(FinalReturn(*seed.member, last));
  return returns;
}

std::vector<double> MeanReturns(const Setting& setting) {
  std::vector<double> returns;
  for (const SeedRun& seed : setting.seeds) returns.push_back(MeanReturn(*seed.member));
  return returns;
}

std::vector<MeanPoint> MeanCurve(const Setting& setting) {
  uint64_t end = std::numeric_limits<uint64_t>::max();
  uint64_t rounds = kMaxCurvePoints;
  for (const SeedRun& seed : setting.seeds) {
    end = std::min(end, static_cast<uint64_t>(seed.member->env_steps));
    // A round may have no episode's end, but an evaluation has its returns.
    rounds =
        std::min(rounds, seed.run->curve_kind == CurveKind::kEvaluation ? seed.member->curve.size()
                                                                        : seed.member->rounds);
  }
  std::vector<std::vector<Stretch>> seeds;
  for (const SeedRun& seed : setting.seeds) seeds.push_back(Cut(*seed.member, end, rounds));
  std::vector<double> newest(seeds.size(), kNaN);
  std::vector<MeanPoint> points;
  for (size_t i = 0; i < rounds; ++i) {
    std::vector<double> steps;
    for (size_t seed = 0; seed < seeds.size(); ++seed) {
      const Stretch& stretch = seeds[seed][i];
      if (!stretch.returns.empty()) newest[seed] = Mean(stretch.returns);
      steps.insert(steps.end(), stretch.steps.begin(), stretch.steps.end());
    }
    if (steps.empty() || !std::isfinite(Mean(newest))) continue;
    points.push_back(
        {.env_steps = Mean(steps), .mean = Mean(newest), .deviation = StandardDeviation(newest)});
  }
  return points;
}

std::vector<DisturbedReturn> DisturbedReturns(const Setting& setting) {
  std::map<std::pair<int, double>, Gathered> gathered;
  for (const SeedRun& seed : setting.seeds) {
    for (const EvaluationPoint& point : seed.member->evaluation) {
      Gather(point, gathered[{RankOf(point.disturbance), point.radius}]);
    }
  }
  std::vector<DisturbedReturn> rows;
  for (const auto& [key, values] : gathered) {
    rows.push_back({.disturbance = values.disturbance,
                    .radius = key.second,
                    .episodes = values.episodes,
                    .returns = EstimateMean(values.returns),
                    .sm = MeanOfDefined(values.sm),
                    .fluctuation = MeanOfDefined(values.fluctuation),
                    .local_lipschitz = MeanOfDefined(values.local_lipschitz),
                    .jacobian_spectral = MeanOfDefined(values.jacobian)});
  }
  return rows;
}

}  // namespace sr2l
