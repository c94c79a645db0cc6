// Room in the replay's memory, and on actors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"
#include "tests/integration/service.h"

namespace sr2l {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

// A ring has all of its memory from the beginning: a checkpoint would give none of it back.
TEST(RoomTest, AWaitBesideRingsThatFillTheMemoryMakesNoCheckpoint) {
  Service service;
  service.StartReplay({"--memory-mib", "16"});
  service.StartLearner({"--checkpoint-interval", "600"});
  service.StartActor("actor");
  const TemporaryFolder folder;
  const std::string file = folder / "experiment.textproto";
  WriteFile(file,
            "name: \"rings\" task { builtin: \"inverted_pendulum\" } rounds: 330 "
            "steps_per_round: 400 members { seeds: [0, 1, 2] } streams_per_member: 4 "
            "ddpg { first_update: 20 steps_per_cycle: 20 updates_per_cycle: 50 capacity: 130000 "
            "hidden: [16] critic_hidden: [16] }\n");
  const std::string id = service.Submit(file, {});
  ASSERT_TRUE(Eventually([&] { return NumCurveRows(service.Results(id) + "/curve.csv") > 0; }));
  service.Kill("actor");
  const auto show = [&] { return service.Sr2l({"show", id}).output; };
  EXPECT_TRUE(Eventually([&] { return show().find("none is connected") != std::string::npos; }))
      << show();
  EXPECT_TRUE(std::filesystem::is_empty(service.Results(id) + "/checkpoints"));
}

class PlacesTest : public ::testing::TestWithParam<const char*> {};

TEST_P(PlacesTest, MembersThatAreDoneLeaveTheirPlacesToOthers) {
  Service service;
  service.StartReplay();
  service.StartLearner({"--threads", "2"});
  service.StartActor("actor", {"--max-streams", "4"});
  const TemporaryFolder folder;
  const std::string file = folder / "experiment.textproto";
  WriteFile(file,
            absl::StrCat("name: \"places\" task { builtin: \"inverted_pendulum\" } rounds: 2 "
                         "steps_per_round: 400 members { seeds: [0, 1] } streams_per_member: 4 ",
                         GetParam(), "\n"));
  const std::string id = service.Submit(file, {});
  const auto list = [&] { return service.Sr2l({"list"}).output; };
  EXPECT_TRUE(Eventually([&] {
    return ::testing::Value(list(), ContainsRegex(id + " +[a-z_]+ +succeeded"));
  })) << list()
      << service.Sr2l({"show", id}).output;
}

INSTANTIATE_TEST_SUITE_P(Families, PlacesTest,
                         ::testing::Values("trpo { hidden: [8] linear_baseline {} }",
                                           "ddpg { first_update: 50 steps_per_cycle: 20 "
                                           "updates_per_cycle: 3 hidden: [8] }"),
                         [](const auto& info) { return info.index == 0 ? "Trpo" : "Ddpg"; });

}  // namespace
}  // namespace sr2l
