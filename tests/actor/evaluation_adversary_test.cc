// The adversary and what is measured around a state, against networks computed in double by
// their definition, random search, and linear policies, where all is known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "actor/evaluation/adversary.h"
#include "actor/evaluation/network_displacement.h"
#include "actor/evaluation/state_probe.h"
#include "tests/actor/evaluation_policies.h"

namespace sr2l {
namespace {

using ::testing::Each;
using ::testing::Eq;

std::vector<float> StartIn(double radius, size_t count, uint64_t index) {
  std::vector<double> unit(count);
  Philox(5, Purpose::kPerturbation).FillUniform(index, static_cast<uint32_t>(count), unit.data());
  std::vector<float> start(count);
  PointInBall(unit, radius, start.data());
  return start;
}

struct Kind {
  const char* name;
  v1::PolicySnapshot policy;
};

std::vector<Kind> Kinds() {
  return {
      {"gaussian", RandomPolicy(17, 6, 1, {-1, -0.5, 0, 0.5, -2, 0.2F})},
      {"gaussian, learned for long", RandomPolicy(11, 3, 3, {-1.5F})},
      {"deterministic", RandomPolicy(8, 2, 2, {})},
      {"deterministic rectified", RandomPolicy(17, 6, 1.5, {}, v1::RELU)},
      {"many inputs", RandomPolicy(111, 8, 1, {0.0F})},
  };
}

// And one whose actions saturate over most of a ball: flat, but for where they change sign.
std::vector<Kind> KindsAndSaturated() {
  std::vector<Kind> kinds = Kinds();
  kinds.push_back({"saturated", RandomPolicy(8, 2, 5, {}, v1::RELU)});
  return kinds;
}

// ---- The displacement -----------------------------------------------------------------

TEST(NetworkDisplacementTest, DifferenceAgreesWithTheDefinitionInDoubleHoweverSmall) {
  for (const Kind& kind : Kinds()) {
    const auto policy = MakePolicy(kind.policy);
    const size_t inputs = static_cast<size_t>(policy->observation_dim());
    NetworkDisplacement displacement(policy->network());
    for (const double radius : {1e-6, 1e-3, 0.1, 3.0}) {
      const std::vector<float> state = UniformFloats(inputs, 3, 1.5);
      const std::vector<float> delta = StartIn(radius, inputs, 1);
      displacement.SetOrigin(state.data());
      displacement.MoveTo(delta.data());
      std::vector<double> moved;
      for (size_t i = 0; i < inputs; ++i) moved.push_back(double{state[i]} + double{delta[i]});
      const auto here = SlowMean(kind.policy, {state.begin(), state.end()});
      const auto there = SlowMean(kind.policy, moved);
      double largest = 0;
      for (size_t i = 0; i < here.size(); ++i) {
        largest = std::max(largest, std::fabs(there[i] - here[i]));
      }
      for (size_t i = 0; i < here.size(); ++i) {
        // float32 sums of some hundred terms, relative to the largest difference.
        EXPECT_NEAR(displacement.difference()[static_cast<Eigen::Index>(i)], there[i] - here[i],
                    2e-5 * largest)
            << kind.name << " " << radius;
      }
    }
  }
}

// To the rounding of sums in another order.
TEST(NetworkDisplacementTest, DifferencesOfManyAreThoseOfEach) {
  for (const Kind& kind : Kinds()) {
    const auto policy = MakePolicy(kind.policy);
    const size_t inputs = static_cast<size_t>(policy->observation_dim());
    NetworkDisplacement displacement(policy->network());
    displacement.SetOrigin(UniformFloats(inputs, 3, 1.5).data());
    for (const double radius : {1e-6, 0.1, 3.0}) {
      Eigen::MatrixXf deltas(static_cast<Eigen::Index>(inputs), 7);
      for (Eigen::Index i = 0; i < deltas.cols(); ++i) {
        const std::vector<float> delta = StartIn(radius, inputs, static_cast<uint64_t>(i));
        std::copy(delta.begin(), delta.end(), deltas.col(i).data());
      }
      const Eigen::MatrixXf& differences = displacement.Differences(deltas);
      ASSERT_EQ(differences.rows(), policy->action_dim());
      ASSERT_EQ(differences.cols(), deltas.cols());
      for (Eigen::Index i = 0; i < deltas.cols(); ++i) {
        displacement.MoveTo(deltas.col(i).data());
        EXPECT_LE((differences.col(i) - displacement.difference()).norm(),
                  2e-5 * displacement.difference().norm())
            << kind.name << " " << radius;
      }
    }
  }
}

TEST(NetworkDisplacementTest, GradientIsThatOfFiniteDifferencesInDouble) {
  for (const Kind& kind : Kinds()) {
    const auto policy = MakePolicy(kind.policy);
    const size_t inputs = static_cast<size_t>(policy->observation_dim());
    const std::vector<float> state = UniformFloats(inputs, 4, 1.0);
    const std::vector<float> delta = StartIn(0.1, inputs, 2);
    const std::vector<float> weights = UniformFloats(policy->action_dim(), 6, 1.0);
    NetworkDisplacement displacement(policy->network());
    displacement.SetOrigin(state.data());
    displacement.MoveTo(delta.data());
    std::vector<float> gradient(inputs);
    displacement.Gradient(Eigen::Map<const Eigen::VectorXf>(weights.data(), weights.size()),
                          gradient.data());
    const auto weighted = [&](size_t input, double step) {
      std::vector<double> moved;
      for (size_t i = 0; i < inputs; ++i) moved.push_back(double{state[i]} + double{delta[i]});
      moved[input] += step;
      double sum = 0;
      const auto mean = SlowMean(kind.policy, moved);
      for (size_t i = 0; i < mean.size(); ++i) sum += weights[i] * mean[i];
      return sum;
    };
    for (size_t input = 0; input < inputs; ++input) {
      const double slope = (weighted(input, 1e-6) - weighted(input, -1e-6)) / 2e-6;
      EXPECT_NEAR(gradient[input], slope, 1e-5 * (1 + std::fabs(slope))) << kind.name;
    }
  }
}

TEST(NetworkDisplacementTest, NoDisplacementIsExactlyNone) {
  for (const Kind& kind : Kinds()) {
    const auto policy = MakePolicy(kind.policy);
    const size_t inputs = static_cast<size_t>(policy->observation_dim());
    NetworkDisplacement displacement(policy->network());
    displacement.SetOrigin(UniformFloats(inputs, 3, 1.5).data());
    displacement.MoveTo(std::vector<float>(inputs).data());
    EXPECT_THAT(
        std::vector<float>(displacement.difference().begin(), displacement.difference().end()),
        Each(Eq(0.0F)));
  }
}

// ---- The adversary --------------------------------------------------------------------

// Radii that float32 does not hold are no excuse.
TEST(AdversaryTest, NeverLeavesTheBall) {
  for (const Kind& kind : KindsAndSaturated()) {
    const auto policy = MakePolicy(kind.policy);
    const size_t inputs = static_cast<size_t>(policy->observation_dim());
    Adversary adversary(*policy, Adversary::Objective::kDivergence);
    for (const double radius : {1e-12, 1e-3, 0.01, 0.1, 1.0 / 3, 7.3}) {
      for (uint64_t index = 0; index < 50; ++index) {
        std::vector<float> delta = StartIn(radius, inputs, index);
        adversary.Maximize(UniformFloats(inputs, index, 2).data(), radius, delta.data());
        for (const float coordinate : delta) {
          ASSERT_LE(std::fabs(double{coordinate}), radius) << kind.name;
        }
      }
    }
  }
}

TEST(AdversaryTest, ItsValuesAreTheDivergencesOfItsStartAndEnd) {
  for (const Kind& kind : Kinds()) {
    const auto policy = MakePolicy(kind.policy);
    const size_t inputs = static_cast<size_t>(policy->observation_dim());
    Adversary adversary(*policy, Adversary::Objective::kDivergence);
    for (const double radius : {1e-5, 0.01, 0.3}) {
      const std::vector<float> state = UniformFloats(inputs, 9, 1);
      const std::vector<float> start = StartIn(radius, inputs, 9);
      std::vector<float> delta = start;
      const Adversary::Ascent ascent = adversary.Maximize(state.data(), radius, delta.data());
      const double start_value = SlowDivergence(kind.policy, state, start);
      const double value = SlowDivergence(kind.policy, state, delta);
      EXPECT_NEAR(ascent.start_value, start_value, 1e-4 * start_value) << kind.name;
      EXPECT_NEAR(ascent.value, value, 1e-4 * value) << kind.name;
    }
  }
}

// Mean over states of D: where the ascent ends, against the best of 1000 uniform draws.
TEST(AdversaryTest, IsAtLeastAsHarmfulAsTheBestOfAThousandRandomDraws) {
  constexpr int kStates = 20;
  for (const Kind& kind : KindsAndSaturated()) {
    const auto policy = MakePolicy(kind.policy);
    const size_t inputs = static_cast<size_t>(policy->observation_dim());
    Adversary adversary(*policy, Adversary::Objective::kDivergence);
    for (const double radius : {0.001, 0.1, 0.3, 0.5, 1.0}) {
      double found = 0;
      double drawn = 0;
      for (uint64_t index = 0; index < kStates; ++index) {
        const std::vector<float> state = UniformFloats(inputs, 100 + index, 1.7);
        std::vector<float> delta = StartIn(radius, inputs, index);
        adversary.Maximize(state.data(), radius, delta.data());
        found += SlowDivergence(kind.policy, state, delta);
        double best = 0;
        for (uint64_t draw = 0; draw < 1000; ++draw) {
          best =
              std::max(best, SlowDivergence(kind.policy, state,
                                            StartIn(radius, inputs, 1000 + 1000 * index + draw)));
        }
        drawn += best;
      }
      EXPECT_GE(found, drawn) << kind.name << " " << radius;
    }
  }
}

// Whatever it passes counts, so it is never less harmful than where it was told to start: not
// even at a corner that is the worst point of the ball already.
TEST(AdversaryTest, IsNeverLessHarmfulThanItsStart) {
  for (const Kind& kind : KindsAndSaturated()) {
    const auto policy = MakePolicy(kind.policy);
    const size_t inputs = static_cast<size_t>(policy->observation_dim());
    Adversary adversary(*policy, Adversary::Objective::kDivergence);
    for (uint64_t index = 0; index < 20; ++index) {
      const std::vector<float> state = UniformFloats(inputs, index, 1.7);
      std::vector<float> delta = StartIn(0.5, inputs, index);
      const auto first = adversary.Maximize(state.data(), 0.5, delta.data());
      const auto again = adversary.Maximize(state.data(), 0.5, delta.data());
      EXPECT_GE(first.value, first.start_value) << kind.name;
      EXPECT_EQ(again.start_value, first.value) << kind.name;
      EXPECT_GE(again.value, first.value) << kind.name;
    }
  }
}

// What is found is a function of the arguments: not of what was asked before, nor of whom.
TEST(AdversaryTest, FindsTheSameWhateverItWasAskedBefore) {
  for (const Kind& kind : KindsAndSaturated()) {
    const auto policy = MakePolicy(kind.policy);
    const size_t inputs = static_cast<size_t>(policy->observation_dim());
    Adversary busy(*policy, Adversary::Objective::kDivergence);
    for (uint64_t index = 0; index < 10; ++index) {
      const std::vector<float> state = UniformFloats(inputs, index, 1.7);
      std::vector<float> from_busy = StartIn(0.3, inputs, index);
      std::vector<float> from_new = from_busy;
      busy.Maximize(state.data(), 0.3, from_busy.data());
      Adversary(*policy, Adversary::Objective::kDivergence)
          .Maximize(state.data(), 0.3, from_new.data());
      EXPECT_EQ(from_busy, from_new) << kind.name;
    }
  }
}

// |w s| over a ball of radius r is largest at a corner, where it is r sum |w|.
TEST(AdversaryTest, FindsTheWorstCornerOfALinearPolicy) {
  const auto snapshot = LinearPolicy({{0.5F, -2, 0.25F, 1}}, {});
  const auto policy = MakePolicy(snapshot);
  Adversary adversary(*policy, Adversary::Objective::kDivergence);
  for (uint64_t index = 0; index < 20; ++index) {
    std::vector<float> delta = StartIn(0.25, 4, index);
    const auto ascent = adversary.Maximize(UniformFloats(4, index, 3).data(), 0.25, delta.data());
    EXPECT_NEAR(ascent.value, std::pow(0.25 * 3.75, 2), 1e-6);
    EXPECT_EQ(ascent.boundary_inputs, 4u);
  }
}

// The divergence weighs an action by its precision, the distance does not.
TEST(AdversaryTest, SharedSigmaIsOneFactorAndSeparateOnesAreNot) {
  const std::vector<std::vector<float>> matrix = {{1, 0}, {0, 1}};
  EXPECT_TRUE(Adversary::ObjectivesAgree(*MakePolicy(LinearPolicy(matrix, {}))));
  EXPECT_TRUE(Adversary::ObjectivesAgree(*MakePolicy(LinearPolicy(matrix, {-1}))));
  const auto policy = MakePolicy(LinearPolicy(matrix, {-1, 0}));
  EXPECT_FALSE(Adversary::ObjectivesAgree(*policy));
  const std::vector<float> state = {0.3F, 0.1F};
  const auto value = [&](Adversary::Objective objective) {
    std::vector<float> delta = StartIn(0.5, 2, 0);
    return Adversary(*policy, objective).Maximize(state.data(), 0.5, delta.data()).value;
  };
  EXPECT_NEAR(value(Adversary::Objective::kDistance), 0.5, 1e-6);
  EXPECT_NEAR(value(Adversary::Objective::kDivergence), 0.125 * (std::exp(2.0) + 1), 1e-6);
}

TEST(AdversaryTest, InnerRadiusIsTheLargestFloatThatIsNotAbove) {
  for (const double radius : {0.0, 0.1, 0.01, 0.25, 1.0 / 3, 1e-12, 1000.0}) {
    const float inner = InnerRadius(radius);
    EXPECT_LE(double{inner}, radius);
    EXPECT_GT(double{std::nextafter(inner, 1e30F)}, radius);
  }
}

// ---- What is measured around a state -------------------------------------------------

// A multiple of a rotation stretches every vector alike.
TEST(StateProbeTest, ARotationStretchesByItsFactorEverywhere) {
  const float c = 3 * 0.6F;
  const float s = 3 * 0.8F;
  const auto policy = MakePolicy(LinearPolicy({{c, -s}, {s, c}}, {-1, 0.5F}));
  StateProber prober(*policy);
  for (uint64_t index = 0; index < 10; ++index) {
    const auto probe = prober.Probe(UniformFloats(2, index, 5).data(), 0.1, StartIn(0.1, 2, index));
    EXPECT_NEAR(probe.local_lipschitz, 3, 1e-5);
    EXPECT_NEAR(probe.jacobian_spectral, 3, 1e-5);
    EXPECT_NEAR(probe.jacobian_frobenius, std::sqrt(18.0), 1e-5);
    EXPECT_GE(probe.divergence, probe.start_divergence);
    EXPECT_EQ(probe.boundary_share, 1);
  }
}

// Singular values 5 and 2, of diag(5, 2) between two rotations, in a wide and a tall matrix.
TEST(StateProbeTest, NormsOfTheJacobianAreThoseOfItsSingularValues) {
  const std::vector<std::vector<float>> wide = {{5 * 0.6F, 5 * 0.8F, 0}, {0, 0, -2}};
  const std::vector<std::vector<float>> tall = {{3, 0}, {4, 0}, {0, 2}};
  for (const auto& matrix : {wide, tall}) {
    const auto policy = MakePolicy(LinearPolicy(matrix, {}));
    const size_t inputs = matrix.front().size();
    StateProber prober(*policy);
    const auto probe =
        prober.Probe(UniformFloats(inputs, 1, 1).data(), 0.01, StartIn(0.01, inputs, 1));
    EXPECT_NEAR(probe.jacobian_spectral, 5, 1e-5);
    EXPECT_NEAR(probe.jacobian_frobenius, std::sqrt(29.0), 1e-5);
    EXPECT_LE(probe.local_lipschitz, 5 + 1e-5);
    EXPECT_GE(probe.local_lipschitz, 2);
  }
}

// tanh(w s) has the slope w at 0 and falls off from there: between them lies the mean slope
// over the ball, tanh(w r) / r.
TEST(StateProbeTest, LipschitzEstimateOfACurvedPolicyIsItsMeanSlopeOverTheBall) {
  v1::PolicySnapshot snapshot = LinearPolicy({{2}}, {});
  snapshot.mutable_network()->set_output_activation(v1::TANH);
  const auto policy = MakePolicy(snapshot);
  StateProber prober(*policy);
  const float zero = 0;
  for (const double radius : {0.01, 0.5, 2.0}) {
    const auto probe = prober.Probe(&zero, radius, StartIn(radius, 1, 3));
    EXPECT_NEAR(probe.local_lipschitz, std::tanh(2 * radius) / radius, 1e-5);
    EXPECT_NEAR(probe.jacobian_spectral, 2, 1e-6);
  }
}

}  // namespace
}  // namespace sr2l
