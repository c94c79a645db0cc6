#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "common/config/load.h"
#include "common/config/save.h"
#include "common/config/validate.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

using ::google::protobuf::util::MessageDifferencer;
using ::testing::HasSubstr;

constexpr char kRobot[] = R"pb(
  task {
    name: "robot"
    model: "robots/robot.xml"
    files {
      name: "robots/robot.xml"
      content: "<mujoco><asset><mesh file='a.stl'/></asset></mujoco>"
    }
    files { name: "robots/a.stl" content: "solid" }
    observation_dim: 1
    action_dim: 1
    observation { quantity: QPOS }
    reward { alive_bonus {} }
  }
  trpo {}
)pb";

class SaveExperimentTest : public ::testing::Test {
 protected:
  SaveExperimentTest() {
    std::string pattern = (fs::temp_directory_path() / "sr2l_save_XXXXXX").string();
    top_ = mkdtemp(pattern.data());
    fs::create_directory(top_ / "run");
  }
  ~SaveExperimentTest() override { fs::remove_all(top_); }

  static v1::ExperimentConfig Resolved(const std::string& text) {
    const auto config = ResolveExperiment(*ParseExperiment(text, "test"));
    EXPECT_TRUE(config.ok()) << config.status();
    return *config;
  }

  static v1::ExperimentConfig WithFile(const std::string& name) {
    v1::ExperimentConfig config = Resolved(kRobot);
    v1::ModelFile& file = *config.mutable_task()->add_files();
    file.set_name(name);
    file.set_content("solid");
    return config;
  }

  absl::Status Save(const v1::ExperimentConfig& config) const {
    return SaveExperiment(config, (top_ / "run").string());
  }

  std::string Read(const std::string& name) const {
    std::ifstream file(top_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  bool HasExperiment() const { return fs::exists(top_ / "run/experiment.textproto"); }

  fs::path top_;
};

TEST_F(SaveExperimentTest, WhatIsSavedLoadsAsTheSameExperiment) {
  const v1::ExperimentConfig config = Resolved(kRobot);
  ASSERT_EQ(Save(config), absl::OkStatus());
  EXPECT_EQ(Read("run/robots/a.stl"), "solid");
  const auto loaded = LoadExperiment((top_ / "run/experiment.textproto").string(), {});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_TRUE(MessageDifferencer::Equals(*ResolveExperiment(*loaded), config));
  // As a process does that was killed in between.
  EXPECT_EQ(Save(config), absl::OkStatus());
}

TEST_F(SaveExperimentTest, ABuiltInTaskNeedsNoFiles) {
  ASSERT_EQ(Save(Resolved("task { builtin: 'hopper' } trpo {}")), absl::OkStatus());
  EXPECT_EQ(std::distance(fs::directory_iterator(top_ / "run"), {}), 1);
  EXPECT_TRUE(HasExperiment());
}

TEST_F(SaveExperimentTest, NamesThatLeadOutOfTheFolderAreRefused) {
  for (const std::string name : {"../evil", "a/../../evil", "/evil", "..", "a/", "."}) {
    EXPECT_EQ(Save(WithFile(name)).code(), absl::StatusCode::kInvalidArgument) << name;
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(top_), {}), 1);
  EXPECT_TRUE(fs::is_empty(top_ / "run"));  // checked before anything is written
}

TEST_F(SaveExperimentTest, NamesOfTheRunsFolderAreRefusedHereAndAtSubmit) {
  for (const std::string name : {"curve.csv", "./curve.csv", "policies/member_000.member", "lock",
                                 "run.lock", "evaluations.csv", "experiments.db-wal", "experiment.textproto", "arm.xml.tmp"}) {
    EXPECT_TRUE(IsNameOfRunFolder(name)) << name;
    EXPECT_EQ(Save(WithFile(name)).code(), absl::StatusCode::kInvalidArgument) << name;
    const auto resolved = ResolveExperiment(WithFile(name));
    EXPECT_THAT(std::string(resolved.status().message()),
                HasSubstr("task.files[2].name must be none that a run's folder has itself"));
  }
  for (const char* const name : {"arm.xml", "meshes/lock", "curve.csv.stl", "playground/a.xml"}) {
    EXPECT_FALSE(IsNameOfRunFolder(name)) << name;
  }
}

TEST_F(SaveExperimentTest, LinksAreNotFollowed) {
  fs::create_directory(top_ / "elsewhere");
  fs::create_directory_symlink(top_ / "elsewhere", top_ / "run/meshes");
  const absl::Status status = Save(WithFile("meshes/a.obj"));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("meshes is no folder"));
  EXPECT_TRUE(fs::is_empty(top_ / "elsewhere"));

  std::ofstream(top_ / "elsewhere/target") << "solid";
  fs::create_symlink(top_ / "elsewhere/target", top_ / "run/b.obj");
  EXPECT_EQ(Save(WithFile("b.obj")).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_FALSE(HasExperiment());
}

TEST_F(SaveExperimentTest, WhatLiesThereAlreadyIsKept) {
  std::ofstream(top_ / "run/notes.txt") << "mine";
  const absl::Status status = Save(WithFile("notes.txt"));
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()), HasSubstr("run/notes.txt"));
  EXPECT_EQ(Read("run/notes.txt"), "mine");
  EXPECT_EQ(Save(WithFile("notes.txt/a.obj")).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(HasExperiment());
}

}  // namespace
}  // namespace sr2l
