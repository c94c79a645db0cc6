// A replay that does not answer keeps no learner from ending.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "tests/deploy/temporary_folder.h"
#include "tests/learner/service/learner_server.h"
#include "tests/replay/eventually.h"
#include "tests/replay/silent_replay.h"

namespace sr2l {
namespace {

class StuckReplayTest : public ::testing::Test {
 protected:
  // A free-running experiment that waits for an answer of the replay.
  std::string SubmitRunning() {
    v1::SubmitRequest request;
    request.mutable_config()->mutable_task()->set_builtin("inverted_pendulum");
    request.mutable_config()->mutable_ddpg();
    request.mutable_config()->set_collection(v1::FREE_RUNNING);
    const std::string id = learner_.queue->Submit(request)->experiment_id();
    AwaitCalls(1);
    return id;
  }

  void AwaitCalls(int count) {
    Eventually([this, count] { return replay_.asked() >= count; });
  }

  // Less than one call's deadline.
  static constexpr absl::Duration kSoon = absl::Seconds(9);

  const TemporaryFolder folder_;
  const SilentReplay replay_;
  LearnerServer learner_{folder_.path(), replay_.address()};
};

TEST_F(StuckReplayTest, ALearnerThatStartsAnExperimentShutsDownAtOnce) {
  const std::string id = SubmitRunning();
  const absl::Time begin = absl::Now();
  learner_.queue->Shutdown();
  EXPECT_LT(absl::Now() - begin, kSoon);
  // The next learner goes on with it.
  EXPECT_EQ(learner_.store->Get(id, ExperimentStore::Detail::kWithoutConfig)->state(), v1::RUNNING);
}

TEST_F(StuckReplayTest, ALearnerThatDropsTablesShutsDownAtOnce) {
  v1::CancelRequest request;
  request.set_experiment_id(SubmitRunning());
  ASSERT_TRUE(learner_.queue->Cancel(request).ok());
  AwaitCalls(2);
  const absl::Time begin = absl::Now();
  learner_.queue->Shutdown();
  EXPECT_LT(absl::Now() - begin, kSoon);
}

TEST_F(StuckReplayTest, AShutdownEndsEveryChangeOfTheLimiter) {
  v1::SetLimiterRequest request;
  request.set_experiment_id(SubmitRunning());
  request.mutable_limiter()->set_samples_per_insert(16);
  const absl::Time begin = absl::Now();
  std::vector<std::jthread> operators;
  for (int i = 0; i < 3; ++i) {
    operators.emplace_back([&] {
      EXPECT_EQ(learner_.queue->SetLimiter(request).status(),
                absl::UnavailableError("the learner is shutting down"));
    });
  }
  AwaitCalls(2);
  learner_.queue->Shutdown();
  operators.clear();  // joins
  EXPECT_LT(absl::Now() - begin, kSoon);
}

}  // namespace
}  // namespace sr2l
