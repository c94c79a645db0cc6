#include "deploy/cli/stored_experiment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/config/load.h"
#include "common/config/validate.h"
#include "deploy/cli/config_difference.h"
#include "learner/service/experiment_store.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kExperiment[] = R"pb(
  name: "a"
  task { builtin: "inverted_pendulum" }
  ddpg {}
  members { seeds: [ 3, 4 ] }
  rounds: 300
)pb";

v1::ExperimentConfig Resolved(const std::string& more = "") {
  return ResolveExperiment(*ParseExperiment(absl::StrCat(kExperiment, more), "test")).value();
}

class StoredExperimentTest : public ::testing::Test {
 protected:
  std::string Refusal(const v1::ExperimentConfig& file, const v1::ExperimentConfig& stored) const {
    return std::string(CheckSameExperiment(file, stored, folder_).message());
  }

  TemporaryFolder parent_;
  RunFolder folder_ = RunFolder::Create(parent_ / "run").value();
};

TEST_F(StoredExperimentTest, IsTheOneThatTheLearnerStoredWithItsConfiguration) {
  {
    const auto store = ExperimentStore::Open(folder_.Store()).value();
    EXPECT_FALSE(ReadStoredExperiment(folder_).value().has_value());
    ASSERT_TRUE(store->Add(Resolved(), "", absl::UnixEpoch()).ok());
  }
  const auto stored = ReadStoredExperiment(folder_);
  ASSERT_TRUE(stored.ok()) << stored.status();
  ASSERT_TRUE(stored->has_value());
  EXPECT_EQ((*stored)->config().rounds(), 300);
  EXPECT_TRUE(CheckSameExperiment(Resolved(), (*stored)->config(), folder_).ok());
}

TEST_F(StoredExperimentTest, AFileThatIsNoStoreIsNamed) {
  WriteFile(folder_.Store(), std::string(4096, 'x'));
  const auto stored = ReadStoredExperiment(folder_);
  EXPECT_FALSE(stored.ok());
  EXPECT_THAT(std::string(stored.status().message()), HasSubstr(folder_.Store()));
}

TEST_F(StoredExperimentTest, TheFirstFieldThatDiffersIsNamedWithBothValues) {
  v1::ExperimentConfig file = Resolved();
  file.set_rounds(40);
  EXPECT_THAT(Refusal(file, Resolved()),
              AllOf(HasSubstr("rounds is 40 in " + folder_.Experiment() + " and 300 in the run"),
                    HasSubstr("sr2l train " + folder_.Experiment())));
  file.mutable_members()->mutable_member(1)->set_seed(9);
  EXPECT_THAT(Refusal(file, Resolved()), HasSubstr("members.member[1].seed is 9 in "));
}

TEST_F(StoredExperimentTest, AModelFileThatWasEditedDiffers) {
  v1::ExperimentConfig file = Resolved();
  ASSERT_FALSE(file.task().files().empty());
  file.mutable_task()->mutable_files(0)->mutable_content()->append("\n");
  EXPECT_THAT(Refusal(file, Resolved()), HasSubstr("task.files[0].content is \"SHA-256 "));
}

TEST_F(StoredExperimentTest, TheLimiterMayHaveBeenChangedWhileTheRunWentOn) {
  const v1::ExperimentConfig file = Resolved("collection: FREE_RUNNING");
  v1::ExperimentConfig stored = file;
  ASSERT_TRUE(file.has_limiter());
  stored.mutable_limiter()->set_samples_per_insert(2 * file.limiter().samples_per_insert());
  EXPECT_EQ(Refusal(file, stored), "");
}

TEST(FirstDifferenceTest, SaysWhichSideDoesNotHaveAFieldAndCutsLongValues) {
  v1::ExperimentConfig first = Resolved();
  v1::ExperimentConfig second = first;
  EXPECT_FALSE(FirstDifference(first, second).has_value());
  second.set_name(std::string(1000, 'n'));
  EXPECT_EQ(FirstDifference(first, second)->field, "name");
  EXPECT_LT(FirstDifference(first, second)->second.size(), 100u);
  second.clear_name();
  EXPECT_EQ(FirstDifference(first, second)->second, "not set");
  EXPECT_EQ(FirstDifference(second, first)->first, "not set");
  second = first;
  second.mutable_members()->mutable_member()->RemoveLast();
  EXPECT_EQ(FirstDifference(first, second)->field, "members.member[1]");
}

}  // namespace
}  // namespace sr2l
