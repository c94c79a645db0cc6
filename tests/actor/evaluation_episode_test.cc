// Episodes of an evaluation, against plain loops over an environment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "actor/environment/environment.h"
#include "actor/evaluation/episode_runner.h"
#include "actor/evaluation/evaluation.h"
#include "common/statistics/normalize_row.h"
#include "common/task/builtin_tasks.h"
#include "tests/actor/evaluation_policies.h"

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = Disturbance::Kind;

constexpr uint64_t kSeed = 21;
// Under which an evaluation with kSeed draws.
const uint64_t kDrawSeed = Philox(kSeed, Purpose::kEvaluation).Bits(0);

std::shared_ptr<const CompiledTask> Task(const std::string& name, uint32_t step_limit = 60) {
  v1::TaskConfig task = *BuiltinTask(name);
  task.set_step_limit(step_limit);
  return *CompiledTask::Create(task);
}

v1::PolicySnapshot HopperPolicy() { return RandomPolicy(11, 3, 1, {-1, -0.5F, -2}); }

v1::PolicySnapshot NormalizedHopperPolicy() {
  v1::PolicySnapshot snapshot = HopperPolicy();
  v1::ObservationNormalization& normalization = *snapshot.mutable_normalization();
  for (int i = 0; i < 11; ++i) {
    normalization.add_mean(i == 0 ? 1.25F : 0.1F * static_cast<float>(i));
    normalization.add_scale(i < 5 ? 20.0F : 0.5F);
  }
  normalization.set_clip(3);
  return snapshot;
}

EpisodeResult RunEpisode(const std::string& task, const v1::PolicySnapshot& snapshot,
                         const EpisodeOptions& options, uint32_t episode) {
  const auto environment = *Environment::Create(Task(task));
  const auto policy = MakePolicy(snapshot);
  auto result = EpisodeRunner(*environment, *policy, options).Run(episode);
  EXPECT_TRUE(result.ok()) << result.status();
  return *result;
}

// What an episode must be, by a loop of its own.
struct Expected {
  double return_ = 0;
  uint32_t length = 0;
  std::vector<float> actions;  // clipped
  std::vector<double> ratios;  // of neighbouring actions and of what the network saw
};

double Length(const float* a, const float* b, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += std::pow(double{a[i]} - double{b[i]}, 2);
  return std::sqrt(sum);
}

Expected PlainLoop(const std::string& task, const v1::PolicySnapshot& snapshot,
                   const EpisodeOptions& options, uint32_t episode) {
  const auto environment = *Environment::Create(Task(task));
  const auto policy = MakePolicy(snapshot);
  const size_t observations = static_cast<size_t>(environment->observation_dim());
  const size_t actions = static_cast<size_t>(environment->action_dim());
  const double radius = options.disturbance.radius;
  Expected expected;
  std::vector<float> last_seen;
  EXPECT_TRUE(environment->Reset(kDrawSeed, 0, episode).ok());
  for (StepResult step; !step.terminated && !step.truncated; ++expected.length) {
    std::vector<float> seen = environment->observation();
    if (snapshot.has_normalization()) {
      const auto& its = snapshot.normalization();
      NormalizeRow(seen.data(), its.mean().data(), its.scale().data(), its.clip(),
                   static_cast<int>(observations), seen.data());
    }
    const Philox noise(kDrawSeed, Purpose::kPerturbation, episode);
    for (size_t i = 0; options.disturbance.kind == Kind::kRandom && i < observations; ++i) {
      const double unit = noise.Uniform(expected.length, static_cast<uint32_t>(i));
      seen[i] += static_cast<float>(radius * (2 * unit - 1));
    }
    std::vector<float> action(actions);
    policy->network().Forward(seen.data(), 1, action.data());
    if (options.sample_actions) {
      policy->Sample(action.data(), kDrawSeed, episode, expected.length, action.data());
    }
    for (const float a : action) {
      expected.actions.push_back(std::min(1.0F, std::max(-1.0F, a)));
    }
    if (expected.length > 0) {
      const float* newest = &expected.actions[expected.actions.size() - actions];
      expected.ratios.push_back(Length(newest, newest - actions, actions) /
                                Length(seen.data(), last_seen.data(), observations));
    }
    last_seen = seen;
    step = *environment->Step(action.data());
    expected.return_ += step.reward;
  }
  return expected;
}

void ExpectEqual(const EpisodeResult& result, const Expected& expected, bool sampled) {
  EXPECT_EQ(result.return_, expected.return_);
  EXPECT_EQ(result.length, expected.length);
  const ActionTrace& trace = sampled ? *result.samples : result.means;
  EXPECT_EQ(trace.smoothness.variation, MeasureActions(expected.actions, 3).variation);
  EXPECT_EQ(trace.smoothness.spectral, MeasureActions(expected.actions, 3).spectral);
  double sum = 0;
  for (const double ratio : expected.ratios) sum += ratio;
  EXPECT_NEAR(trace.lipschitz_ratio, sum / static_cast<double>(expected.ratios.size()),
              1e-9 * trace.lipschitz_ratio);
}

EpisodeOptions Options(Kind kind, double radius, bool sampled) {
  return {.disturbance = {kind, radius},
          .sample_actions = sampled,
          .probe_radius = 0.05,
          .seed = kSeed};
}

TEST(EvaluationEpisodeTest, CleanEpisodesAreThoseOfAPlainLoop) {
  for (const auto& snapshot : {HopperPolicy(), NormalizedHopperPolicy()}) {
    for (const bool sampled : {false, true}) {
      const EpisodeOptions options = Options(Kind::kNone, 0, sampled);
      for (uint32_t episode = 0; episode < 3; ++episode) {
        const EpisodeResult result = RunEpisode("hopper", snapshot, options, episode);
        ExpectEqual(result, PlainLoop("hopper", snapshot, options, episode), sampled);
        EXPECT_EQ(result.samples.has_value(), sampled);
      }
    }
  }
}

// The disturbance is in what the network sees: after normalization and its clipping.
TEST(EvaluationEpisodeTest, RandomDisturbanceIsAddedToWhatTheNetworkSees) {
  for (const auto& snapshot : {HopperPolicy(), NormalizedHopperPolicy()}) {
    const EpisodeOptions options = Options(Kind::kRandom, 0.25, true);
    const EpisodeResult result = RunEpisode("hopper", snapshot, options, 1);
    ExpectEqual(result, PlainLoop("hopper", snapshot, options, 1), true);
    EXPECT_NE(result.return_,
              RunEpisode("hopper", snapshot, Options(Kind::kNone, 0, true), 1).return_);
  }
}

TEST(EvaluationEpisodeTest, ASpectatorSeesEveryStateAndChangesNothing) {
  const EpisodeOptions options = Options(Kind::kRandom, 0.25, true);
  const auto policy = MakePolicy(HopperPolicy());
  const auto environment = *Environment::Create(Task("hopper"));
  EpisodeRunner runner(*environment, *policy, options);
  const EpisodeResult alone = *runner.Run(1);
  std::vector<uint32_t> seen;
  const auto watch = [&seen](uint32_t last) {
    return [&seen, last](const Environment& now) {
      seen.push_back(now.episode_step());
      return now.episode_step() < last;
    };
  };
  const EpisodeResult watched = *runner.Run(1, watch(100000));
  EXPECT_EQ(watched.return_, alone.return_);
  EXPECT_EQ(watched.length, alone.length);
  ASSERT_EQ(seen.size(), alone.length + 1);
  for (uint32_t step = 0; step < seen.size(); ++step) EXPECT_EQ(seen[step], step);

  seen.clear();
  const EpisodeResult begun = *runner.Run(1, watch(3));
  EXPECT_THAT(seen, ElementsAre(0u, 1u, 2u, 3u));
  EXPECT_EQ(begun.length, 3u);
  EXPECT_FALSE(begun.terminated);
}

TEST(EvaluationEpisodeTest, DeterministicPolicyActsByItsMean) {
  const auto snapshot = RandomPolicy(11, 3, 2, {});
  const EpisodeOptions options = Options(Kind::kNone, 0, false);
  ExpectEqual(RunEpisode("hopper", snapshot, options, 0), PlainLoop("hopper", snapshot, options, 0),
              false);
}

// Every number of both, as text that tells all bits apart.
std::string AllBits(const EpisodeResult& result) {
  std::string text = std::to_string(result.length) + (result.terminated ? "t" : "-");
  const auto add = [&text](double number) {
    text.append(reinterpret_cast<const char*>(&number), sizeof(number));
  };
  add(result.return_);
  add(result.probe_radius);
  for (const ActionTrace* trace : {&result.means, result.samples ? &*result.samples : nullptr}) {
    if (trace == nullptr) continue;
    for (const double number : {trace->smoothness.spectral, trace->smoothness.fluctuation,
                                trace->smoothness.variation, trace->smoothness.second_difference,
                                trace->smoothness.high_frequency_share, trace->lipschitz_ratio}) {
      add(number);
    }
  }
  for (const StateProbe& probe : result.probes) {
    for (const double number :
         {probe.local_lipschitz, probe.jacobian_spectral, probe.jacobian_frobenius,
          probe.divergence, probe.start_divergence, probe.boundary_share}) {
      add(number);
    }
  }
  return text;
}

TEST(EvaluationEpisodeTest, ARadiusOfZeroIsCleanToTheLastBit) {
  for (const auto& snapshot : {HopperPolicy(), NormalizedHopperPolicy()}) {
    const std::string clean =
        AllBits(RunEpisode("hopper", snapshot, Options(Kind::kNone, 0, true), 2));
    for (const Kind kind : {Kind::kRandom, Kind::kAdversarial}) {
      EXPECT_EQ(AllBits(RunEpisode("hopper", snapshot, Options(kind, 0, true), 2)), clean);
      EXPECT_NE(AllBits(RunEpisode("hopper", snapshot, Options(kind, 0.05, true), 2)), clean);
    }
  }
}

// Each step's offset is the adversary's answer to the state it is in, from the random start.
TEST(EvaluationEpisodeTest, AdversarialDisturbanceIsTheAscentsEndAtEveryStep) {
  const auto snapshot = HopperPolicy();
  const auto policy = MakePolicy(snapshot);
  const auto environment = *Environment::Create(Task("hopper"));
  const EpisodeOptions options = Options(Kind::kAdversarial, 0.1, false);
  Adversary adversary(*policy, Adversary::Objective::kDivergence);
  ASSERT_TRUE(environment->Reset(kDrawSeed, 0, 0).ok());
  double return_ = 0;
  uint32_t length = 0;
  for (StepResult step; !step.terminated && !step.truncated; ++length) {
    std::vector<double> unit(11);
    Philox(kDrawSeed, Purpose::kPerturbation, 0).FillUniform(length, 11, unit.data());
    std::vector<float> offset(11);
    PointInBall(unit, 0.1, offset.data());
    std::vector<float> seen = environment->observation();
    adversary.Maximize(seen.data(), 0.1, offset.data());
    for (size_t i = 0; i < seen.size(); ++i) seen[i] += offset[i];
    std::vector<float> action(3);
    policy->network().Forward(seen.data(), 1, action.data());
    step = *environment->Step(action.data());
    return_ += step.reward;
  }
  const EpisodeResult result = RunEpisode("hopper", snapshot, options, 0);
  EXPECT_EQ(result.return_, return_);
  EXPECT_EQ(result.length, length);
}

TEST(EvaluationEpisodeTest, EveryTenthStateIsProbedInTheDisturbancesBall) {
  for (const auto& [kind, radius] : {std::pair(Kind::kNone, 0.05), std::pair(Kind::kRandom, 0.2),
                                     std::pair(Kind::kAdversarial, 0.2)}) {
    const EpisodeResult result =
        RunEpisode("swimmer", RandomPolicy(8, 2, 1, {-1}),
                   Options(kind, kind == Kind::kNone ? 0 : radius, false), 0);
    EXPECT_EQ(result.length, 60u);
    EXPECT_EQ(result.probes.size(), 6u);
    EXPECT_EQ(result.probe_radius, radius);
    for (const StateProbe& probe : result.probes) EXPECT_GT(probe.divergence, 0);
  }
}

// ---- Many episodes --------------------------------------------------------------------

std::vector<EvaluationCase> Cases() {
  std::vector<EvaluationCase> cases;
  for (const auto& snapshot : {HopperPolicy(), NormalizedHopperPolicy()}) {
    const auto policy = MakePolicy(snapshot);
    for (const Kind kind : {Kind::kNone, Kind::kRandom, Kind::kAdversarial}) {
      cases.push_back({policy, Options(kind, kind == Kind::kNone ? 0 : 0.1, true)});
    }
  }
  return cases;
}

TEST(EvaluationEpisodeTest, WithoutProbesTheEpisodeIsTheSame) {
  for (const Kind kind : {Kind::kNone, Kind::kAdversarial}) {
    EpisodeOptions options{.disturbance = {kind, 0.1}, .seed = kSeed};
    const EpisodeResult probed = RunEpisode("hopper", HopperPolicy(), options, 1);
    options.probe_states = false;
    const EpisodeResult bare = RunEpisode("hopper", HopperPolicy(), options, 1);
    EXPECT_FALSE(probed.probes.empty());
    EXPECT_TRUE(bare.probes.empty());
    EXPECT_EQ(bare.return_, probed.return_);
    EXPECT_EQ(bare.length, probed.length);
  }
}

TEST(EvaluationTest, ReturnsAreThoseOfTheEpisodesWhateverTheNumberOfThreads) {
  for (const int threads : {1, 2, 7}) {
    size_t most_finished = 0;
    const auto summaries = *Evaluate(Task("hopper"), Cases(), {.episodes = 4, .threads = threads},
                                     [&](size_t finished) { most_finished = finished; });
    EXPECT_EQ(most_finished, 24u);
    ASSERT_EQ(summaries.size(), Cases().size());
    for (size_t i = 0; i < summaries.size(); ++i) {
      std::vector<EpisodeResult> episodes;
      for (uint32_t episode = 0; episode < 4; ++episode) {
        episodes.push_back(RunEpisode("hopper", i < 3 ? HopperPolicy() : NormalizedHopperPolicy(),
                                      Cases()[i].options, episode));
      }
      const EvaluationSummary expected = Summarize(episodes);
      EXPECT_EQ(summaries[i].return_.mean, expected.return_.mean);
      EXPECT_EQ(summaries[i].return_.deviation, expected.return_.deviation);
      EXPECT_EQ(summaries[i].samples->smoothness.spectral, expected.samples->smoothness.spectral);
      EXPECT_EQ(summaries[i].local_lipschitz.maximum, expected.local_lipschitz.maximum);
      EXPECT_EQ(summaries[i].divergence, expected.divergence);
      EXPECT_EQ(summaries[i].probed_states, expected.probed_states);
    }
  }
}

TEST(EvaluationTest, AnotherSeedMeetsOtherStarts) {
  EpisodeOptions options = Options(Kind::kNone, 0, false);
  const double return_ = RunEpisode("hopper", HopperPolicy(), options, 0).return_;
  options.seed = kSeed + 1;
  EXPECT_NE(RunEpisode("hopper", HopperPolicy(), options, 0).return_, return_);
}

TEST(EvaluationTest, APolicyOfOtherDimensionsDoesNotFit) {
  const auto status = CheckFits(*MakePolicy(HopperPolicy()), *Task("swimmer"));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(
      std::string(status.message()),
      HasSubstr("must have 8 observations and 2 actions, as the task has; it has 11 and 3"));
}

// 0.5 of the episodes last 1 step, the others 3: sums can be done by hand.
TEST(EvaluationSummaryTest, AveragesEpisodesForReturnsAndStatesForProbes) {
  EpisodeResult brief;
  brief.return_ = 1;
  brief.length = 1;
  brief.terminated = true;
  brief.means = {.smoothness = {.spectral = std::nan(""), .fluctuation = 0},
                 .lipschitz_ratio = std::nan("")};
  brief.probes = {{.local_lipschitz = 4, .divergence = 6, .start_divergence = 1}};
  EpisodeResult longer;
  longer.return_ = 4;
  longer.length = 3;
  longer.means = {.smoothness = {.spectral = 0.5, .fluctuation = 0.25}, .lipschitz_ratio = 2};
  longer.probes = {{.local_lipschitz = 1, .divergence = 0, .start_divergence = 2},
                   {.local_lipschitz = 1, .divergence = 3, .start_divergence = 3}};
  const EvaluationSummary summary = Summarize({brief, longer});
  EXPECT_EQ(summary.return_.mean, 2.5);
  EXPECT_EQ(summary.length_mean, 2);
  EXPECT_EQ(summary.terminated, 1);
  EXPECT_EQ(summary.means.smoothness.spectral, 0.5);
  EXPECT_EQ(summary.means.smoothness.fluctuation, 0.125);
  EXPECT_EQ(summary.means.lipschitz_ratio, 2);
  EXPECT_FALSE(summary.samples.has_value());
  EXPECT_EQ(summary.probed_states, 3);
  EXPECT_EQ(summary.local_lipschitz.mean, 2);
  EXPECT_EQ(summary.divergence_gain, 1.5);
}

}  // namespace
}  // namespace sr2l
