// Trouble that is no crash: a disk of the learner that is full, a replay that lost the end of its
// log, checkpoints that are damaged. The run waits, goes back, or stops and can be repaired; in
// the end it has learned what it learns undisturbed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "replay/core/durable_log.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"
#include "tests/integration/recovery_runs.h"
#include "tests/integration/service.h"
#include "tests/replay/small_disk.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

namespace fs = std::filesystem;

constexpr int kRounds = 40;
constexpr int kRows = 2 * kRounds;
const std::vector<std::string> kFrequentCheckpoints = {"--checkpoint-interval", "0.1"};

[[maybe_unused]] const bool kAsked = (SmallDisk::AllowMounts(), true);  // while there is one thread

class TroubleTest : public ::testing::TestWithParam<RecoveryCase> {
 protected:
  TroubleTest() {
    WriteRecoveryExperiment(GetParam(), kRounds, file_);
    digest_ = UndisturbedDigest(file_, folder_ / "undisturbed");
  }

  bool CurveReaches(const std::string& results, int rows) const {
    return Eventually([&] { return NumCurveRows(results + "/curve.csv") >= rows; });
  }

  void ExpectSucceeds(const std::string& id, const std::string& results) const {
    const ProgramResult watch = service_.Sr2l({"watch", id});
    EXPECT_EQ(watch.exit_code, 0) << watch.output << watch.errors << service_.Log("learner");
    EXPECT_EQ(DigestOf(results), digest_);
    EXPECT_EQ(NumCurveRows(results + "/curve.csv"), kRows);
  }

  // What `sr2l show` says.
  std::string Show(const std::string& id) const { return service_.Sr2l({"show", id}).output; }

  TemporaryFolder folder_;
  const std::string file_ = folder_ / "experiment.textproto";
  std::string digest_;
  Service service_;
};

TEST_P(TroubleTest, ALearnerWithoutRoomSaysSoAndGoesOnWhenThereIsSome) {
  SmallDisk disk(service_.state(), uint64_t{16} << 20);
  if (!disk.mounted()) GTEST_SKIP() << "no file system can be mounted here: " << disk.error();
  service_.StartReplay({"--log", folder_ / "log"});
  service_.StartLearner(kFrequentCheckpoints);
  service_.StartActor("actor");
  const std::string id = service_.Submit(file_, {"keep_policy_every=1"});
  for (const int rows : {kRows / 4, kRows / 2}) {
    ASSERT_TRUE(CurveReaches(service_.Results(id), rows)) << service_.Log("learner");
    disk.LeaveRoom(0);
    EXPECT_TRUE(Eventually([&] { return absl::StrContains(Show(id), "No space left"); }))
        << Show(id) << service_.Log("learner");
    disk.MakeRoom();
  }
  ExpectSucceeds(id, service_.Results(id));
}

TEST_P(TroubleTest, AnExperimentThatFindsTheReplaysDiskFullBeginsWhenThereIsRoom) {
  SmallDisk disk(folder_ / "disk", uint64_t{64} << 20);
  if (!disk.mounted()) GTEST_SKIP() << "no file system can be mounted here: " << disk.error();
  service_.StartReplay({"--log", disk.path() + "/log"});
  service_.StartLearner();
  service_.StartActor("actor");
  disk.LeaveRoom(0);
  const std::string id = service_.Submit(file_, {});
  EXPECT_TRUE(Eventually([&] { return absl::StrContains(Show(id), "disk of the log is full"); }))
      << Show(id) << service_.Log("learner");
  disk.MakeRoom();
  ExpectSucceeds(id, service_.Results(id));
}

// Copies `from` to `to`, with every WAL cut to `share` of its length.
void CopyCut(const fs::path& from, const fs::path& to, double share) {
  fs::remove_all(to);
  fs::copy(from, to);
  for (const auto& file : fs::directory_iterator(to)) {
    if (file.path().extension() != ".log") continue;
    fs::resize_file(file, static_cast<uintmax_t>(share * static_cast<double>(file.file_size())));
  }
}

// Takes from the log about all that was not synced, as a loss of power may; what was synced
// cannot be gone, and without it the log does not open.
void LosePower(const std::string& log) {
  const std::string copy = log + ".cut";
  double lost = 0;
  double kept = 1;
  for (int i = 0; i < 12; ++i) {
    const double share = (lost + kept) / 2;
    CopyCut(log, copy, share);
    const bool opens = DurableLog::Open({.folder = copy, .byte_budget = uint64_t{1} << 30}).ok();
    (opens ? kept : lost) = share;
  }
  CopyCut(log, copy, kept);
  fs::remove_all(log);
  fs::rename(copy, log);
}

TEST_P(TroubleTest, AReplayThatLostTheEndOfItsLogIsGivenTheStepsAgain) {
  const std::vector<std::string> replay = {"--log", folder_ / "log", "--log-sync-interval-ms",
                                           "60000"};
  service_.StartReplay(replay);
  service_.StartLearner({"--checkpoint-interval", "3600"});
  service_.StartActor("actor");
  const std::string id = service_.Submit(file_, {});
  ASSERT_TRUE(CurveReaches(service_.Results(id), kRows / 2)) << service_.Log("learner");
  service_.Kill("replay");
  LosePower(folder_ / "log");
  service_.StartReplay(replay);
  ExpectSucceeds(id, service_.Results(id));
  // DDPG's checkpoints, which its capacity asks for, may have synced all.
  if (std::string(GetParam().name) == "Trpo") {
    EXPECT_THAT(service_.Log("learner"), HasSubstr("the replay has lost steps"));
  }
}

TEST_P(TroubleTest, ARunWithoutAWholeCheckpointStopsAndGoesOnWhenTheyAreRepaired) {
  const std::vector<std::string> learner = {"--single-run", "--checkpoint-interval", "0.1"};
  const fs::path checkpoints = service_.state() + "/checkpoints";
  service_.StartReplay({"--log", folder_ / "log"});
  service_.StartLearner(learner);
  service_.StartActor("actor");
  const std::string id = service_.Submit(file_, {});
  ASSERT_TRUE(CurveReaches(service_.state(), kRows / 2)) << service_.Log("learner");
  service_.Kill("learner");
  std::map<fs::path, std::string> whole;
  for (const auto& file : fs::directory_iterator(checkpoints)) {
    whole[file.path()] = ReadFile(file.path());
    fs::resize_file(file, file.file_size() / 2);
  }
  ASSERT_FALSE(whole.empty());

  service_.StartLearner(learner);
  EXPECT_EQ(service_.Sr2l({"watch", id}).exit_code, 1);
  EXPECT_THAT(Show(id), HasSubstr("kept for when it is repaired"));
  service_.Kill("learner");

  for (const auto& [path, content] : whole) WriteFile(path, content);
  service_.StartLearner(learner);
  ExpectSucceeds(id, service_.state());
}

INSTANTIATE_TEST_SUITE_P(Algorithms, TroubleTest, ::testing::ValuesIn(kRecoveryCases),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sr2l
