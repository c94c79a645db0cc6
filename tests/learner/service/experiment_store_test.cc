#include "learner/service/experiment_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace sr2l {
namespace {

using ::testing::HasSubstr;
using Detail = ExperimentStore::Detail;

class ExperimentStoreTest : public ::testing::Test {
 protected:
  ExperimentStoreTest() { Reopen(); }
  ~ExperimentStoreTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Reopen() {
    store_.reset();
    auto store = ExperimentStore::Open(path());
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  std::string path() const { return folder_ + "/experiments.db"; }

  static v1::ExperimentConfig Config(const std::string& name, int rounds = 3) {
    v1::ExperimentConfig config;
    config.set_name(name);
    config.set_rounds(rounds);
    return config;
  }

  const absl::Time now_ = absl::FromUnixSeconds(1700000000);
  std::string folder_ = [] {
    std::string pattern = ::testing::TempDir() + "/store-XXXXXX";
    return std::string(mkdtemp(pattern.data()));
  }();
  std::unique_ptr<ExperimentStore> store_;
};

TEST_F(ExperimentStoreTest, WhatWasAddedIsThereAfterReopening) {
  const auto added = store_->Add(Config("swim"), "", now_);
  ASSERT_TRUE(added.ok()) << added.status();
  Reopen();
  const auto found = store_->Get(added->experiment_id(), Detail::kAll);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->state(), v1::QUEUED);
  EXPECT_EQ(found->config().rounds(), 3);
  EXPECT_EQ(found->submitted_at().seconds(), 1700000000);
}

TEST_F(ExperimentStoreTest, ExperimentsOfOneNameAndSecondHaveDifferentIds) {
  const auto first = store_->Add(Config("swim"), "", now_);
  const auto second = store_->Add(Config("swim"), "", now_);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->experiment_id(), second->experiment_id());
}

TEST_F(ExperimentStoreTest, TheSameIdempotencyKeyReturnsTheFirstExperiment) {
  const auto first = store_->Add(Config("swim"), "key", now_);
  const auto again = store_->Add(Config("swim"), "key", now_ + absl::Hours(1));
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(first->experiment_id(), again->experiment_id());
  const auto other = store_->Add(Config("swim", /*rounds=*/4), "key", now_);
  EXPECT_EQ(other.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(other.status().message()), HasSubstr(first->experiment_id()));
}

TEST_F(ExperimentStoreTest, TheQueueIsFirstInFirstOut) {
  const auto first = store_->Add(Config("a"), "", now_);
  const auto second = store_->Add(Config("b"), "", now_);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ((*store_->NextToRun())->experiment_id(), first->experiment_id());
  ASSERT_TRUE(store_->SetState(first->experiment_id(), v1::CANCELLED, "why", now_).ok());
  EXPECT_EQ((*store_->NextToRun())->experiment_id(), second->experiment_id());
  ASSERT_TRUE(store_->SetState(second->experiment_id(), v1::CANCELLED, "why", now_).ok());
  EXPECT_FALSE(store_->NextToRun()->has_value());
}

TEST_F(ExperimentStoreTest, WhatALearnerLeftRunningGoesBeforeTheQueue) {
  const auto queued = store_->Add(Config("a"), "", now_);
  const auto running = store_->Add(Config("b"), "", now_);
  ASSERT_TRUE(queued.ok() && running.ok());
  ASSERT_TRUE(store_->SetState(running->experiment_id(), v1::RUNNING, "", now_).ok());
  EXPECT_EQ((*store_->NextToRun())->experiment_id(), running->experiment_id());
}

TEST_F(ExperimentStoreTest, AnEndedExperimentKeepsItsState) {
  const auto added = store_->Add(Config("a"), "", now_);
  ASSERT_TRUE(added.ok());
  ASSERT_TRUE(store_->SetState(added->experiment_id(), v1::FAILED, "disk full", now_).ok());
  EXPECT_EQ(store_->SetState(added->experiment_id(), v1::RUNNING, "", now_).code(),
            absl::StatusCode::kFailedPrecondition);
  const auto found = store_->Get(added->experiment_id(), Detail::kAll);
  EXPECT_EQ(found->state(), v1::FAILED);
  EXPECT_EQ(found->reason(), "disk full");
  EXPECT_EQ(*store_->Count(v1::FAILED), 1);
}

// A replay that several learners use knows experiments by their ids alone.
TEST_F(ExperimentStoreTest, TheSameExperimentOfTwoLearnersInTheSameSecondHasTwoIds) {
  const auto other = ExperimentStore::Open(path() + ".other");
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_NE(store_->Add(Config("e"), "", now_)->experiment_id(),
            (*other)->Add(Config("e"), "", now_)->experiment_id());
}

TEST_F(ExperimentStoreTest, ListPagesNewestFirstAndFiltersByState) {
  std::vector<std::string> added;
  for (int i = 0; i < 5; ++i) {
    const auto experiment = store_->Add(Config("e"), "", now_);
    ASSERT_TRUE(experiment.ok()) << experiment.status();
    added.push_back(experiment->experiment_id());
  }
  v1::ListRequest request;
  request.set_page_size(2);
  std::vector<std::string> ids;
  do {
    const auto page = store_->List(request);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const auto& experiment : page->experiments()) ids.push_back(experiment.experiment_id());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  ASSERT_EQ(ids.size(), 5u);
  std::reverse(added.begin(), added.end());
  EXPECT_EQ(ids, added);
  v1::ListRequest running;
  running.add_states(v1::RUNNING);
  EXPECT_EQ(store_->List(running)->experiments_size(), 0);
  request.set_page_size(0);
  EXPECT_THAT(std::string(store_->List(request).status().message()),
              HasSubstr("page_size must be in [1, 1000], got 0"));
}

TEST_F(ExperimentStoreTest, GenerationsGrowOverReopening) {
  EXPECT_EQ(*store_->NextGeneration(), 1u);
  EXPECT_EQ(*store_->NextGeneration(), 2u);
  Reopen();
  EXPECT_EQ(*store_->NextGeneration(), 3u);
}

TEST_F(ExperimentStoreTest, AFileOfANewerSchemaIsRefused) {
  store_.reset();
  {
    const auto database = OpenSqlite(path());
    ASSERT_TRUE(database.ok());
    ASSERT_TRUE(ExecuteSqlite(database->get(), "PRAGMA user_version = 99").ok());
  }
  const auto store = ExperimentStore::Open(path());
  EXPECT_EQ(store.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(store.status().message()), HasSubstr("99"));
}

TEST_F(ExperimentStoreTest, AFileThatIsNoDatabaseIsAnError) {
  const auto store = ExperimentStore::Open("/proc/version");
  EXPECT_FALSE(store.ok());
}

TEST_F(ExperimentStoreTest, AnUnknownIdIsNamed) {
  EXPECT_THAT(std::string(store_->Get("nope", Detail::kAll).status().message()), HasSubstr("\"nope\""));
}

}  // namespace
}  // namespace sr2l
