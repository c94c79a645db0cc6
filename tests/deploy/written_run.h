#ifndef SR2L_TESTS_DEPLOY_WRITTEN_RUN_H_
#define SR2L_TESTS_DEPLOY_WRITTEN_RUN_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/config/load.h"
#include "common/config/validate.h"
#include "tests/deploy/temporary_folder.h"

// Runs' folders as training leaves them, with numbers that a test knows.
namespace sr2l {

inline constexpr char kCurveHeader[] =
    "member,seed,radius,coefficient,round,env_steps,updates,episodes,return_mean\n";
inline constexpr char kEvaluationHeader[] =
    "member,seed,policy_version,env_steps,actions,disturbance,radius,evaluation_seed,episodes,"
    "return_mean,sm,fluctuation,probe_radius,local_lipschitz_mean,jacobian_spectral\n";

// The return of a member with `seed` in `round`, from 1.
using ReturnOf = std::function<double(uint64_t seed, int round)>;

// An experiment's folder with a curve of all of its rounds; one episode ends in each.
inline void WriteRun(const std::string& folder, const std::string& experiment,
                     const ReturnOf& return_of) {
  std::filesystem::create_directories(folder);
  const auto config = ResolveExperiment(*ParseExperiment(experiment, "test"));
  ASSERT_TRUE(config.ok()) << config.status();
  WriteFile(folder + "/experiment.textproto", FormatExperiment(*config));
  std::string curve = kCurveHeader;
  for (int round = 1; round <= config->rounds(); ++round) {
    for (int k = 0; k < config->members().member_size(); ++k) {
      const v1::MemberConfig& member = config->members().member(k);
      absl::StrAppend(&curve, k, ",", member.seed(), ",", member.radius(), ",",
                      member.coefficient(), ",", round, ",", round * config->steps_per_round(), ",",
                      round, ",1,", return_of(member.seed(), round), "\n");
    }
  }
  WriteFile(folder + "/curve.csv", curve);
}

// Evaluations during training, after every `every` rounds.
inline void WriteEvaluations(const std::string& folder, const std::string& experiment, int every,
                             const ReturnOf& return_of) {
  const auto config = ResolveExperiment(*ParseExperiment(experiment, "test"));
  ASSERT_TRUE(config.ok()) << config.status();
  std::string text = "member,seed,round,env_steps,episodes,return_mean\n";
  for (int round = every; round <= config->rounds(); round += every) {
    for (int k = 0; k < config->members().member_size(); ++k) {
      const uint64_t seed = config->members().member(k).seed();
      absl::StrAppend(&text, k, ",", seed, ",", round, ",", round * config->steps_per_round(),
                      ",10,", return_of(seed, round), "\n");
    }
  }
  WriteFile(folder + "/evaluations.csv", text);
}

// How the members of a run were evaluated.
struct WrittenEvaluation {
  int members = 1;  // the first ones, with seeds 0, 1, ...
  int env_steps = 0;
  std::string actions = "sampled";
  int seed = 0;
  int episodes = 10;
};

// Clean, and under both disturbances at 0.1 and 0.2: the return falls with seed and radius.
inline void WriteEvaluation(const std::string& folder, const WrittenEvaluation& evaluation) {
  std::string text = kEvaluationHeader;
  for (int k = 0; k < evaluation.members; ++k) {
    const auto add = [&](const char* disturbance, double radius) {
      absl::StrAppend(&text, k, ",", k, ",", evaluation.env_steps / 1000, ",", evaluation.env_steps,
                      ",", evaluation.actions, ",", disturbance, ",", radius, ",", evaluation.seed,
                      ",", evaluation.episodes, ",", 100 - k - 100 * radius, ",0.5,0.25,",
                      radius > 0 ? radius : 0.01, ",3,2\n");
    };
    add("none", 0);
    for (const char* const disturbance : {"random", "adversarial"}) {
      add(disturbance, 0.1);
      add(disturbance, 0.2);
    }
  }
  WriteFile(folder + "/evaluation.csv", text);
}

inline void WriteEvaluation(const std::string& folder, int members, int env_steps) {
  WriteEvaluation(folder, WrittenEvaluation{.members = members, .env_steps = env_steps});
}

}  // namespace sr2l

#endif  // SR2L_TESTS_DEPLOY_WRITTEN_RUN_H_
