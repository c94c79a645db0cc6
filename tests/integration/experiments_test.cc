// submit, list, show, watch and cancel against a learner that lives on.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "replay/client/replay_client.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"
#include "tests/integration/service.h"

namespace sr2l {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kEndless[] = "rounds=1000000";

class ExperimentsTest : public ::testing::Test {
 protected:
  ExperimentsTest() {
    service_.StartReplay();
    service_.StartLearner();
  }

  // The state that `sr2l list` gives for an experiment.
  bool ListShows(const std::string& id, const std::string& state) const {
    const ProgramResult list = service_.Sr2l({"list"});
    EXPECT_EQ(list.exit_code, 0) << list.errors;
    return ::testing::Value(list.output, ContainsRegex(id + " +[a-z_]+ +" + state));
  }

  // The output of sr2l ARGUMENTS from another working directory; it must succeed.
  static std::string RunElsewhere(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"/usr/bin/env", "--chdir=/", Binary("sr2l")});
    const ProgramResult result = RunProgram(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
    return result.output;
  }

  TemporaryFolder folder_;
  const std::string file_ = WritePendulum(folder_);
  Service service_;
};

TEST_F(ExperimentsTest, ASubmittedExperimentIsTrainedWatchedAndShown) {
  service_.StartActor("actor");
  const std::string id = service_.Submit(file_, {});
  ASSERT_FALSE(id.empty());
  const ProgramResult watch = service_.Sr2l({"watch", id});
  EXPECT_EQ(watch.exit_code, 0) << watch.output << watch.errors;
  EXPECT_THAT(watch.output, AllOf(HasSubstr("100.0%"), HasSubstr(id + " succeeded")));
  EXPECT_TRUE(ListShows(id, "succeeded"));

  const ProgramResult show = service_.Sr2l({"show", id});
  EXPECT_EQ(show.exit_code, 0) << show.errors;
  EXPECT_THAT(show.output, AllOf(HasSubstr("state:     succeeded"),
                                 HasSubstr(service_.Results(id)), HasSubstr("max_kl: 0.01")));
  EXPECT_EQ(NumCurveRows(service_.Results(id) + "/curve.csv"), 3 * 8);
}

TEST_F(ExperimentsTest, WithoutAnActorItSaysWhatItWaitsFor) {
  const std::string id = service_.Submit(file_, {});
  EXPECT_TRUE(Eventually([&] {
    return ::testing::Value(service_.Sr2l({"show", id}).output, HasSubstr("waiting for "));
  }));
}

TEST_F(ExperimentsTest, AnIdempotencyKeyGivesTheSameExperimentAndRefusesAnotherConfig) {
  const ProgramResult first = service_.Sr2l({"submit", file_, "--idempotency-key", "k"});
  const ProgramResult second = service_.Sr2l({"submit", file_, "--idempotency-key", "k"});
  EXPECT_EQ(first.exit_code, 0) << first.errors;
  EXPECT_EQ(second.output, first.output);
  const ProgramResult other =
      service_.Sr2l({"submit", file_, "--idempotency-key", "k", "--set", "rounds=9"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.errors, HasSubstr("idempotency_key"));
}

TEST_F(ExperimentsTest, ADryRunPrintsTheConfigAndCreatesNothing) {
  const ProgramResult dry = service_.Sr2l({"submit", file_, "--dry-run"});
  EXPECT_EQ(dry.exit_code, 0) << dry.errors;
  EXPECT_THAT(dry.output, HasSubstr("gae_lambda: 0.97"));
  EXPECT_THAT(service_.Sr2l({"list"}).output, Not(HasSubstr("pendulum")));
}

TEST_F(ExperimentsTest, CancelEndsARunningExperimentAndAQueuedOne) {
  service_.StartActor("actor");
  const std::string running = service_.Submit(file_, {kEndless});
  const std::string queued = service_.Submit(file_, {kEndless});
  ASSERT_TRUE(Eventually(
      [&] { return NumCurveRows(service_.Results(running) + "/curve.csv") > 0; }));
  EXPECT_TRUE(ListShows(queued, "queued"));
  for (const std::string& id : {queued, running}) {
    const ProgramResult cancel = service_.Sr2l({"cancel", id, "--reason", "enough of it"});
    EXPECT_EQ(cancel.exit_code, 0) << cancel.errors;
    const ProgramResult watch = service_.Sr2l({"watch", id});
    EXPECT_EQ(watch.exit_code, 1);
    EXPECT_THAT(watch.errors, HasSubstr("cancelled: enough of it"));
    EXPECT_TRUE(ListShows(id, "cancelled"));
  }
}

TEST_F(ExperimentsTest, CancellingAnEndedExperimentChangesNothing) {
  service_.StartActor("actor");
  const std::string id = service_.Submit(file_, {"rounds=1"});
  EXPECT_EQ(service_.Sr2l({"watch", id}).exit_code, 0);
  const ProgramResult cancel = service_.Sr2l({"cancel", id});
  EXPECT_EQ(cancel.exit_code, 0) << cancel.errors;
  EXPECT_THAT(cancel.output, HasSubstr("is succeeded"));
}

TEST_F(ExperimentsTest, ExperimentsSurviveTheLearnersRestart) {
  service_.StartActor("actor");
  const std::string succeeded = service_.Submit(file_, {"rounds=2"});
  EXPECT_EQ(service_.Sr2l({"watch", succeeded}).exit_code, 0);
  const std::string cut = service_.Submit(file_, {kEndless});
  ASSERT_TRUE(
      Eventually([&] { return NumCurveRows(service_.Results(cut) + "/curve.csv") > 0; }));
  const std::string waiting = service_.Submit(file_, {"rounds=3"});

  EXPECT_TRUE(service_.Terminate("learner").ok());
  service_.StartLearner();
  EXPECT_TRUE(ListShows(succeeded, "succeeded"));
  EXPECT_TRUE(ListShows(cut, "running"));
  EXPECT_EQ(service_.Sr2l({"cancel", cut}).exit_code, 0);
  const ProgramResult watch = service_.Sr2l({"watch", waiting});
  EXPECT_EQ(watch.exit_code, 0) << watch.output << watch.errors;
}

TEST_F(ExperimentsTest, AKilledLearnersExperimentGoesOn) {
  service_.StartActor("actor");
  const std::string cut = service_.Submit(file_, {kEndless});
  const std::string curve = service_.Results(cut) + "/curve.csv";
  ASSERT_TRUE(Eventually([&] { return NumCurveRows(curve) > 0; }));
  service_.Kill("learner");
  const int rows = NumCurveRows(curve);
  service_.StartLearner();
  EXPECT_TRUE(Eventually([&] { return NumCurveRows(curve) > rows; }));
  EXPECT_TRUE(ListShows(cut, "running"));
  EXPECT_EQ(service_.Sr2l({"cancel", cut}).exit_code, 0);
}

// Nothing but a lack of room lets go of rounds here, and most of the memory is another learner's
// for good: a ring is set aside as a whole.
TEST(SharedReplayTest, RoundsGoOnBesideAnotherLearnersRing) {
  Service service;
  service.StartReplay({"--memory-mib", "16"});
  v1::TableSpec ring;
  ring.set_experiment_id("another");
  ring.set_num_streams(1);
  ring.set_observation_dim(111);
  ring.set_action_dim(8);
  ring.set_steps_per_round(100);
  ring.set_steps_per_stream(100000);
  ring.set_capacity(18000);
  const auto replay = ReplayClient::Create(service.replay_address(), {});
  ASSERT_TRUE(replay.ok()) << replay.status();
  ASSERT_EQ((*replay)->CreateTables({ring}), absl::OkStatus());
  const auto before = (*replay)->DescribeTables("another");
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_GT(before->bytes(), before->byte_budget() * 2 / 3);

  service.StartLearner({"--checkpoint-interval", "600"});
  service.StartActor("actor");
  const TemporaryFolder folder;
  const std::string file = folder / "experiment.textproto";
  WriteFile(file,
            "name: \"rounds\" task { builtin: \"ant\" } rounds: 40 steps_per_round: 400 "
            "trpo { hidden: [8] cg_iterations: 2 value_network { hidden: [8] epochs: 1 } }\n");
  const std::string id = service.Submit(file, {});
  const ProgramResult watch = service.Sr2l({"watch", id});
  EXPECT_EQ(watch.exit_code, 0) << watch.output << watch.errors;
  EXPECT_EQ((*replay)->DescribeTables("another")->tables_size(), 1);
  EXPECT_FALSE(std::filesystem::is_empty(service.Results(id) + "/checkpoints"));
}

// The model and its mesh travel with the experiment: nobody needs the files afterwards, neither
// to train nor to use what was learned.
TEST_F(ExperimentsTest, ARobotOfOnesOwnIsTrainedEvaluatedAndExportedAfterItsFilesAreGone) {
  const std::string robot = folder_ / "robot";
  std::filesystem::copy(SourceFile("deploy/experiments/own_robot"), robot,
                        std::filesystem::copy_options::recursive);
  const std::string id = service_.Submit(robot + "/own_robot.textproto", {"rounds=3"});
  ASSERT_FALSE(id.empty());
  std::filesystem::remove_all(robot);
  service_.StartActor("actor");
  const ProgramResult watch = service_.Sr2l({"watch", id});
  EXPECT_EQ(watch.exit_code, 0) << watch.output << watch.errors;
  EXPECT_TRUE(ListShows(id, "succeeded"));
  const std::string results = service_.Results(id);
  EXPECT_EQ(NumCurveRows(results + "/curve.csv"), 2 * 3);
  EXPECT_EQ(ReadFile(results + "/meshes/link.obj"),
            ReadFile(SourceFile("deploy/experiments/own_robot/meshes/link.obj")));

  EXPECT_THAT(RunElsewhere({"evaluate", results, "--episodes", "1", "--disturbance", "none"}),
              HasSubstr("results: " + results + "/evaluation.csv"));
  RunElsewhere({"export", results, "--member", "1", "--format", "onnx"});
  EXPECT_THAT(RunElsewhere({"verify", results + "/exports/arm_member_001.onnx"}),
              HasSubstr("128 vectors agree"));
  EXPECT_THAT(RunElsewhere({"report", results, "--out", folder_ / "report"}),
              HasSubstr(folder_ / "report/index.html"));
}

TEST_F(ExperimentsTest, AnUnknownIdIsAnError) {
  for (const char* verb : {"show", "watch", "cancel"}) {
    const ProgramResult result = service_.Sr2l({verb, "no-such-id"});
    EXPECT_EQ(result.exit_code, 1) << verb;
    EXPECT_THAT(result.errors, HasSubstr("no-such-id")) << verb;
  }
}

TEST_F(ExperimentsTest, EveryProcessEndsWithStatusZeroAfterSigterm) {
  service_.StartActor("actor");
  EXPECT_TRUE(service_.Terminate("actor").ok());
  EXPECT_TRUE(service_.Terminate("learner").ok());
  EXPECT_TRUE(service_.Terminate("replay").ok());
}

}  // namespace
}  // namespace sr2l
