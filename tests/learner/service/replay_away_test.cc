// A replay that is away when an experiment ends: its tables go when it is back, before they stand
// in another's way.

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/deploy/run_program.h"
#include "tests/learner/service/learner_fixture.h"

namespace sr2l {
namespace {

class ReplayAwayTest : public LearnerFixture {
 protected:
  // Two of them are more than the replay's 64 MiB.
  std::string SubmitLarge() {
    v1::SubmitRequest request;
    request.mutable_config()->mutable_task()->set_builtin("ant");
    request.mutable_config()->mutable_ddpg()->set_capacity(60000);
    request.mutable_config()->set_rounds(100);
    v1::SubmitResponse response;
    const grpc::Status status = Submit(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.experiment_id();
  }

  void WatchUntilItsTablesExist(const std::string& id) {
    WatchUntil(id, [](const v1::Experiment& e) {
      return HasEnded(e.state()) ||
             e.progress().waiting_for().find("an actor") != std::string::npos;
    });
    EXPECT_EQ(Held(), std::set<std::string>{id});
  }

  // The experiments that the replay has tables of.
  std::set<std::string> Held() {
    std::set<std::string> held;
    const v1::DescribeTablesResponse described = *replay_.store().Describe("");
    for (const v1::TableDescription& table : described.tables()) {
      held.insert(table.spec().experiment_id());
    }
    return held;
  }
};

TEST_F(ReplayAwayTest, TheNextExperimentWaitsAndTakesTheRoomOfTheOneBefore) {
  const std::string first = SubmitLarge();
  const std::string second = SubmitLarge();
  WatchUntilItsTablesExist(first);
  replay_.Stop();
  Cancel(first);
  EXPECT_EQ(WatchToEnd(first).state(), v1::CANCELLED);
  const v1::Experiment waiting =
      WatchUntil(second, [](const v1::Experiment& e) { return e.progress().has_waiting_for(); });
  EXPECT_EQ(waiting.state(), v1::RUNNING);
  EXPECT_EQ(waiting.progress().waiting_for().substr(0, 18), "the replay service")
      << waiting.reason();
  replay_.Start();
  WatchUntilItsTablesExist(second);
  Cancel(second);
}

TEST_F(ReplayAwayTest, TheTablesGoAlsoWhenNoExperimentFollows) {
  const std::string id = SubmitLarge();
  WatchUntilItsTablesExist(id);
  replay_.Stop();
  Cancel(id);
  EXPECT_EQ(WatchToEnd(id).state(), v1::CANCELLED);
  replay_.Start();
  EXPECT_TRUE(Eventually([this] { return Held().empty(); }));
}

TEST_F(ReplayAwayTest, TheTablesGoAlsoWhenAnotherExperimentEndsMeanwhile) {
  const std::string first = SubmitLarge();
  const std::string second = SubmitLarge();
  WatchUntilItsTablesExist(first);
  replay_.Stop();
  for (const std::string& id : {first, second}) {
    Cancel(id);
    EXPECT_EQ(WatchToEnd(id).state(), v1::CANCELLED);
  }
  replay_.Start();
  EXPECT_TRUE(Eventually([this] { return Held().empty(); }));
}

TEST_F(ReplayAwayTest, TheTablesGoAlsoWhenTheLearnerIsAnotherProcessByThen) {
  const std::string id = SubmitLarge();
  WatchUntilItsTablesExist(id);
  replay_.Stop();
  Cancel(id);
  EXPECT_EQ(WatchToEnd(id).state(), v1::CANCELLED);
  Restart();
  replay_.Start();
  EXPECT_TRUE(Eventually([this] { return Held().empty(); }));
}

TEST_F(ReplayAwayTest, AnotherLearnersTablesStay) {
  v1::TableSpec other;
  other.set_experiment_id("other");
  other.set_num_streams(1);
  other.set_observation_dim(1);
  other.set_action_dim(1);
  other.set_steps_per_round(10);
  other.set_steps_per_stream(10);
  ASSERT_EQ(replay_.store().CreateTables({other}), absl::OkStatus());
  const std::string id = SubmitGood();
  WatchUntil(id, [](const v1::Experiment& e) { return e.progress().has_waiting_for(); });
  Cancel(id);
  EXPECT_TRUE(Eventually([this] { return Held() == std::set<std::string>{"other"}; }));
}

}  // namespace
}  // namespace sr2l
