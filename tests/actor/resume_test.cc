// A simulation that is saved, carried as bytes and restored elsewhere goes on to the same
// bits as the one that was not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "actor/environment/environment.h"
#include "common/random/philox.h"
#include "common/task/builtin_tasks.h"

namespace sr2l {
namespace {

std::string Bits(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

class ResumeTest : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Environment> Make() const {
    auto environment = Environment::Create(*BuiltinTask(GetParam()));
    EXPECT_TRUE(environment.ok()) << environment.status();
    return *std::move(environment);
  }

  // Steps `steps` times from step number `first`, starting episodes as they end. Returns
  // the bits of all that was seen.
  std::string Drive(Environment& environment, int first, int steps) {
    const Philox random(/*seed=*/23, Purpose::kExploration);
    std::vector<float> action(environment.action_dim());
    std::string seen;
    for (int step = first; step < first + steps; ++step) {
      for (uint32_t i = 0; i < action.size(); ++i) {
        action[i] = static_cast<float>(0.5 * random.Normal(step, i));
      }
      const auto result = environment.Step(action.data());
      EXPECT_TRUE(result.ok()) << result.status();
      seen.append(reinterpret_cast<const char*>(&result->reward), sizeof(double));
      seen.push_back(static_cast<char>(result->terminated + 2 * result->truncated));
      if (result->terminated || result->truncated) {
        EXPECT_TRUE(environment.Reset(/*seed=*/23, /*stream=*/4, /*episode=*/step).ok());
      }
      seen += Bits(environment.observation());
    }
    return seen;
  }
};

TEST_P(ResumeTest, EqualEnvironmentsStepToEqualBits) {
  const auto a = Make();
  const auto b = Make();
  ASSERT_TRUE(a->Reset(23, 4, 0).ok());
  ASSERT_TRUE(b->Reset(23, 4, 0).ok());
  EXPECT_EQ(Drive(*a, 0, 300), Drive(*b, 0, 300));
}

TEST_P(ResumeTest, RestoredSimulationGoesOnToTheSameBits) {
  const auto original = Make();
  ASSERT_TRUE(original->Reset(23, 4, 0).ok());
  int step = 0;
  // Different distances into an episode, in the air and in contact.
  for (const int distance : {1, 7, 30, 200}) {
    Drive(*original, step, distance);
    step += distance;
    v1::ResumeToken token;
    original->Save(token);
    v1::ResumeToken arrived;
    ASSERT_TRUE(arrived.ParseFromString(token.SerializeAsString()));

    const auto restored = Make();
    // What it did before must not matter.
    ASSERT_TRUE(restored->Reset(1, 1, 1).ok());
    Drive(*restored, 0, 3);
    ASSERT_TRUE(restored->Restore(arrived).ok());
    EXPECT_EQ(Bits(restored->observation()), Bits(original->observation()));
    EXPECT_EQ(restored->episode_step(), original->episode_step());
    ASSERT_EQ(Drive(*original, step, 350), Drive(*restored, step, 350));
    step += 350;
  }
}

TEST_P(ResumeTest, TokenOfAnotherTaskIsRefused) {
  const auto environment = Make();
  ASSERT_TRUE(environment->Reset(1, 0, 0).ok());
  const std::vector<float> before = environment->observation();
  v1::ResumeToken token;
  environment->Save(token);
  token.add_qvel(0);
  const absl::Status status = environment->Restore(token);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("qvel must have"));
  EXPECT_EQ(environment->observation(), before);
}

INSTANTIATE_TEST_SUITE_P(Tasks, ResumeTest, testing::ValuesIn(BuiltinTaskNames()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace sr2l
