#include "deploy/report/evaluated.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sr2l {
namespace {

bool IsFinal(const SeedRun& seed, const EvaluationPoint& point) {
  return point.env_steps == seed.member->env_steps &&
         seed.member->rounds >= static_cast<uint64_t>(seed.run->config.rounds());
}

template <typename Number>
std::string Named(const char* one, const char* several, const std::set<Number>& numbers) {
  return absl::StrCat(numbers.size() == 1 ? one : several, " ", absl::StrJoin(numbers, ", "));
}

void AddSeeds(const Panel& panel, EvaluationManner& manner) {
  for (const Setting& setting : panel.settings) {
    for (const SeedRun& seed : setting.seeds) {
      for (const EvaluationPoint& point : seed.member->evaluation) manner.Add(seed, point);
    }
  }
}

}  // namespace

void EvaluationManner::Add(const SeedRun& seed, const EvaluationPoint& point) {
  actions.insert(point.actions);
  episodes.insert(static_cast<size_t>(point.episodes));
  seeds.insert(point.evaluation_seed);
  if (point.radius > 0) radii.insert(point.radius);
  // A disturbance is its own probe.
  if (point.disturbance == "none" && std::isfinite(point.probe_radius)) {
    probe_radii.insert(point.probe_radius);
  }
  are_final = are_final && IsFinal(seed, point);
}

EvaluationManner MannerOf(const SeedRun& seed) {
  EvaluationManner manner;
  for (const EvaluationPoint& point : seed.member->evaluation) manner.Add(seed, point);
  return manner;
}

EvaluationManner MannerOf(const Panel& panel) {
  EvaluationManner manner;
  AddSeeds(panel, manner);
  return manner;
}

EvaluationManner MannerOf(const Study& study) {
  EvaluationManner manner;
  for (const Panel& panel : study.panels) AddSeeds(panel, manner);
  return manner;
}

std::string Describe(const EvaluationManner& manner) {
  std::vector<std::string> parts = {absl::StrCat(absl::StrJoin(manner.actions, " or "), " actions"),
                                    Counted(manner.episodes, "episode"),
                                    Named("evaluation seed", "evaluation seeds", manner.seeds)};
  if (!manner.radii.empty()) parts.push_back(Named("radius", "radii", manner.radii));
  if (!manner.probe_radii.empty()) {
    parts.push_back(Named("probe radius", "probe radii", manner.probe_radii));
  }
  return absl::StrJoin(parts, ", ");
}

std::string Counted(const std::set<size_t>& counts, const std::string& noun) {
  const size_t least = *counts.begin(), most = *counts.rbegin();
  if (least != most) return absl::StrCat(least, " to ", most, " ", noun, "s");
  return absl::StrCat(least, " ", noun, least == 1 ? "" : "s");
}

std::vector<UnevaluatedMembers> FindUnevaluated(const Panel& panel,
                                                const std::string& disturbance) {
  const auto is_disturbed = [&disturbance](const EvaluationPoint& point) {
    return point.disturbance == disturbance && point.radius > 0;
  };
  std::map<std::string, std::pair<const RunData*, std::set<ptrdiff_t>>> found;
  for (const Setting& setting : panel.settings) {
    for (const SeedRun& seed : setting.seeds) {
      const std::vector<EvaluationPoint>& points = seed.member->evaluation;
      if (std::any_of(points.begin(), points.end(), is_disturbed)) continue;
      auto& [run, members] = found[seed.run->folder];
      run = seed.run;
      members.insert(seed.member - seed.run->members.data());
    }
  }
  std::vector<UnevaluatedMembers> unevaluated;
  for (const auto& [folder, missing] : found) {
    const auto& [run, members] = missing;
    const bool are_all = members.size() == run->members.size();
    unevaluated.push_back(
        {.folder = folder,
         .members =
             are_all ? folder : absl::StrCat(Named("member", "members", members), " of ", folder)});
  }
  return unevaluated;
}

std::string EvaluateCommand(const std::string& folder, const EvaluationManner& others) {
  std::string command =
      absl::StrCat("sr2l evaluate ", folder, " --radius ",
                   others.radii.empty() ? "0.01,0.03,0.1" : absl::StrJoin(others.radii, ","));
  if (others.actions.size() == 1) absl::StrAppend(&command, " --actions ", *others.actions.begin());
  if (others.episodes.size() == 1) {
    absl::StrAppend(&command, " --episodes ", *others.episodes.begin());
  }
  if (others.seeds.size() == 1) absl::StrAppend(&command, " --seed ", *others.seeds.begin());
  return command;
}

}  // namespace sr2l
