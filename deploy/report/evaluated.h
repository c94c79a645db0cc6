#ifndef SR2L_DEPLOY_REPORT_EVALUATED_H_
#define SR2L_DEPLOY_REPORT_EVALUATED_H_

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "deploy/report/study.h"

namespace sr2l {

// How policies were evaluated: what occurs in their rows. A plain value.
struct EvaluationManner {
  std::set<std::string> actions;  // "sampled", "mean"
  std::set<size_t> episodes;      // of a seed under one disturbance
  std::set<uint64_t> seeds;       // of the evaluations
  std::set<double> radii;         // of disturbances, > 0
  std::set<double> probe_radii;   // where there was no disturbance
  bool are_final = true;          // the policies are those at the end of their trainings

  void Add(const SeedRun& seed, const EvaluationPoint& point);
};

EvaluationManner MannerOf(const SeedRun& seed);
EvaluationManner MannerOf(const Panel& panel);
EvaluationManner MannerOf(const Study& study);

// "sampled actions, 10 episodes, evaluation seed 0, radii 0.1, 0.2, probe radius 0.01".
std::string Describe(const EvaluationManner& manner);

// "1 episode", "3 episodes", "1 to 3 episodes"; not of an empty set.
std::string Counted(const std::set<size_t>& counts, const std::string& noun);

// What of one run has no evaluation under a disturbance.
struct UnevaluatedMembers {
  std::string folder;
  std::string members;  // "runs/a", or "members 1, 2 of runs/a" where others are evaluated
};

// Of the panel's runs, by folder. `disturbance`: "random" or "adversarial".
std::vector<UnevaluatedMembers> FindUnevaluated(const Panel& panel, const std::string& disturbance);

// Evaluates the run in `folder` in the same manner as the others, as far as those agree.
std::string EvaluateCommand(const std::string& folder, const EvaluationManner& others);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_REPORT_EVALUATED_H_
