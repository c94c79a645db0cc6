// Evaluations during training without processes: the test plays the actors, and kills the
// learner by beginning anew on its folder.
#include "learner/training/evaluations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/random/philox.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kId[] = "e";
constexpr absl::Duration kPatience = absl::Minutes(1);
const absl::Time kNow = absl::FromUnixSeconds(1000);

v1::ExperimentConfig TwoMembers() {
  v1::ExperimentConfig config;
  config.set_rounds(100);
  config.set_steps_per_round(50);
  config.mutable_evaluation()->set_every_rounds(10);
  config.mutable_evaluation()->set_episodes(2);
  config.mutable_members()->add_member()->set_seed(4);
  config.mutable_members()->add_member()->set_seed(5);
  return config;
}

// What one learner has of an experiment: goes as it does when it is killed, leaving its files.
class Learner {
 public:
  // `rounds`: resumes, by member from there.
  Learner(const std::string& folder, std::optional<std::vector<uint64_t>> rounds)
      : results_(rounds.has_value() ? *ResultsFolder::Resume(folder, *rounds, *rounds, kNow)
                                    : *ResultsFolder::Create(folder, config_, kNow)),
        evaluations_({.experiment_id = id_,
                      .config = config_,
                      .fleet = fleet_,
                      .board = board_,
                      .board_slot = 0,
                      .results = *results_,
                      .metrics = metrics_}) {
    Fleet::ActiveExperiment experiment;
    experiment.assignment.set_experiment_id(kId);
    experiment.on_evaluation = [this](const v1::ReportEvaluationRequest& report) {
      evaluations_.Land(report);
    };
    fleet_.Start(std::move(experiment));
    evaluations_.Start();
  }
  ~Learner() { fleet_.End(kId); }

  Evaluations& evaluations() { return evaluations_; }
  Fleet& fleet() { return fleet_; }
  v1::Progress progress() const { return board_.Snapshot(kNow); }

  void Ask(uint32_t member, uint64_t round) {
    v1::EvaluationGrant evaluation;
    evaluation.set_member(member);
    evaluation.set_round(round);
    evaluation.set_env_steps(50 * round);
    evaluation.mutable_policy()->set_version(round);
    evaluation.mutable_policy()->set_parameters("weights");
    EXPECT_TRUE(evaluations_.Ask(evaluation).ok());
  }

 private:
  const std::string id_ = kId;
  const v1::ExperimentConfig config_ = TwoMembers();
  prometheus::Registry registry_;
  LearnerMetrics metrics_{registry_};
  Fleet fleet_{1};
  ProgressBoard board_{config_, 1, kNow};
  const std::unique_ptr<ResultsFolder> results_;
  Evaluations evaluations_;
};

// An actor that does what the test says.
class Actor {
 public:
  explicit Actor(Learner& learner) : fleet_(learner.fleet()) {
    v1::JoinRequest request;
    request.set_actor_name("a");
    id_ = *fleet_.Join(request, [this] {
      absl::MutexLock lock(&mu_);
      woken_ = true;
    });
  }
  ~Actor() { fleet_.Leave(id_); }

  // Waits for the next evaluation.
  v1::EvaluationGrant Next() {
    while (true) {
      {
        absl::MutexLock lock(&mu_);
        woken_ = false;
      }
      while (const auto event = fleet_.NextEvent(id_)) {
        if (event->has_evaluation()) return event->evaluation();
      }
      absl::MutexLock lock(&mu_);
      if (!mu_.AwaitWithTimeout(absl::Condition(&woken_), kPatience)) {
        ADD_FAILURE() << "no evaluation came";
        return {};
      }
    }
  }

  static v1::ReportEvaluationRequest ReportOf(const v1::EvaluationGrant& grant) {
    v1::ReportEvaluationRequest report;
    report.set_experiment_id(grant.experiment_id());
    report.set_member(grant.member());
    report.set_round(grant.round());
    report.set_epoch(grant.epoch());
    return report;
  }

  // Two episodes: returns round + 1 and round + 3, lengths 10 and 20.
  void Answer(const v1::EvaluationGrant& grant) {
    v1::ReportEvaluationRequest report = ReportOf(grant);
    const auto round = static_cast<double>(grant.round());
    for (const double value : {round + 1, round + 3}) report.add_returns(value);
    for (const uint32_t steps : {10, 20}) report.add_lengths(steps);
    EXPECT_TRUE(fleet_.ReportEvaluation(report).ok());
  }

 private:
  Fleet& fleet_;
  Fleet::ActorId id_ = 0;
  absl::Mutex mu_;
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
};

class EvaluationsTest : public ::testing::Test {
 protected:
  ~EvaluationsTest() override { fs::remove_all(folder_); }

  // "member/round" of the rows, in the order of the file.
  std::vector<std::string> Rows() const {
    std::vector<std::string> rows;
    for (const std::vector<std::string>& row : Cells()) {
      rows.push_back(absl::StrCat(row.at(0), "/", row.at(4)));
    }
    return rows;
  }

  std::vector<std::vector<std::string>> Cells() const {
    std::ifstream file(folder_ + "/evaluations.csv");
    std::vector<std::vector<std::string>> rows;
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) rows.push_back(absl::StrSplit(line, ','));
    return rows;
  }

  std::vector<std::string> Pending() const {
    std::vector<std::string> names;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder_ + "/evaluations/pending", none)) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  std::string folder_ = [] {
    std::string pattern = ::testing::TempDir() + "/evaluations-XXXXXX";
    return std::string(mkdtemp(pattern.data()));
  }();
};

TEST_F(EvaluationsTest, ARowHasTheMeansOfTheEpisodesAndWhatRepeatsThem) {
  Learner learner(folder_, std::nullopt);
  Actor actor(learner);
  learner.Ask(/*member=*/1, /*round=*/10);
  const v1::EvaluationGrant grant = actor.Next();
  EXPECT_EQ(grant.episodes(), 2u);
  EXPECT_EQ(grant.policy().parameters(), "weights");
  EXPECT_EQ(grant.seed(), Philox(/*seed=*/5, Purpose::kEvaluationSeed).Bits(10));
  actor.Answer(grant);
  EXPECT_TRUE(learner.evaluations().Finish({}).ok());
  // Returns 11 and 13: mean 12, deviation of the sample sqrt(2).
  ASSERT_EQ(Cells().size(), 1u);
  const std::vector<std::string> row = Cells()[0];
  EXPECT_THAT(row, ElementsAre("1", "5", "0", "0", "10", "500", "10", absl::StrCat(grant.seed()),
                               "2", "12", testing::_, "11", "13", "15"));
  EXPECT_DOUBLE_EQ(std::stod(row[10]), std::sqrt(2.0));
  EXPECT_THAT(Pending(), IsEmpty());
  EXPECT_EQ(learner.progress().members(1).evaluation_round(), 10u);
  EXPECT_EQ(learner.progress().members(1).evaluation_return(), 12);
  EXPECT_FALSE(learner.progress().members(0).has_evaluation_return());
}

TEST_F(EvaluationsTest, AMembersRoundsAreRecordedInOrderWhicheverActorIsFaster) {
  Learner learner(folder_, std::nullopt);
  Actor slow(learner);
  learner.Ask(0, 10);
  const v1::EvaluationGrant first = slow.Next();
  Actor fast(learner);
  for (const uint64_t round : {20, 30}) {
    learner.Ask(0, round);
    fast.Answer(fast.Next());
  }
  slow.Answer(first);
  EXPECT_TRUE(learner.evaluations().Finish({}).ok());
  EXPECT_THAT(Rows(), ElementsAre("0/10", "0/20", "0/30"));
}

TEST_F(EvaluationsTest, MoreThanTheFleetHoldsWaitInTheFolderAndAllAreDone) {
  constexpr int kCount = 150;
  Learner learner(folder_, std::nullopt);
  for (uint64_t round = 1; round <= kCount; ++round) learner.Ask(0, round);
  EXPECT_EQ(Pending().size(), kCount);
  Actor actor(learner);
  for (int i = 0; i < kCount; ++i) actor.Answer(actor.Next());
  EXPECT_TRUE(learner.evaluations().Finish({}).ok());
  EXPECT_EQ(Rows().size(), kCount);
}

TEST_F(EvaluationsTest, OneThatFailsLeavesNoRowAndHoldsNothingUp) {
  Learner learner(folder_, std::nullopt);
  Actor actor(learner);
  for (const uint64_t round : {10, 20, 30, 40}) learner.Ask(0, round);
  v1::ReportEvaluationRequest failed = Actor::ReportOf(actor.Next());
  failed.set_error("MuJoCo says no");
  EXPECT_TRUE(learner.fleet().ReportEvaluation(failed).ok());
  v1::ReportEvaluationRequest too_few = Actor::ReportOf(actor.Next());
  too_few.add_returns(1);
  too_few.add_lengths(1);
  EXPECT_TRUE(learner.fleet().ReportEvaluation(too_few).ok());
  v1::ReportEvaluationRequest infinite = Actor::ReportOf(actor.Next());
  for (const double value : {1.0, HUGE_VAL}) infinite.add_returns(value);
  for (const uint32_t steps : {1, 2}) infinite.add_lengths(steps);
  EXPECT_TRUE(learner.fleet().ReportEvaluation(infinite).ok());
  actor.Answer(actor.Next());
  EXPECT_TRUE(learner.evaluations().Finish({}).ok());
  EXPECT_THAT(Rows(), ElementsAre("0/40"));
  EXPECT_THAT(Pending(), IsEmpty());
}

TEST_F(EvaluationsTest, TheWaitAtTheEndSaysForWhatAndEndsWhenItIsStopped) {
  Learner learner(folder_, std::nullopt);
  learner.Ask(0, 100);
  learner.Ask(1, 100);
  std::stop_source stop;
  absl::Status status;
  std::jthread waiter([&] { status = learner.evaluations().Finish(stop.get_token()); });
  const absl::Time limit = absl::Now() + kPatience;
  while (!learner.progress().has_waiting_for() && absl::Now() < limit) std::this_thread::yield();
  EXPECT_EQ(learner.progress().waiting_for(),
            "an actor (none is connected) for the evaluation of member 0 after round 100 and 1 "
            "more");
  stop.request_stop();
  waiter.join();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_FALSE(learner.progress().has_waiting_for());
}

TEST_F(EvaluationsTest, TheNextLearnerAsksAgainForWhatIsMissing) {
  {
    Learner killed(folder_, std::nullopt);
    Actor actor(killed);
    killed.Ask(0, 10);
    killed.Ask(0, 20);
    actor.Answer(actor.Next());
    actor.Next();  // the first is recorded before or never
  }
  Learner learner(folder_, std::vector<uint64_t>{20, 20});
  Actor actor(learner);
  const size_t missing = 2 - Rows().size();
  EXPECT_GE(missing, 1u);
  for (size_t i = 0; i < missing; ++i) actor.Answer(actor.Next());
  EXPECT_TRUE(learner.evaluations().Finish({}).ok());
  EXPECT_THAT(Rows(), ElementsAre("0/10", "0/20"));
  EXPECT_THAT(Pending(), IsEmpty());
}

TEST_F(EvaluationsTest, ARowThatIsThereIsNotWrittenTwice) {
  {
    Learner killed(folder_, std::nullopt);
    Actor actor(killed);
    killed.Ask(0, 10);
    fs::copy(folder_ + "/evaluations/pending", folder_ + "/copy");
    actor.Answer(actor.Next());
    EXPECT_TRUE(killed.evaluations().Finish({}).ok());
  }
  // As if it had been killed between the row and the end of its request.
  fs::copy(folder_ + "/copy", folder_ + "/evaluations/pending",
           fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  Learner learner(folder_, std::vector<uint64_t>{10, 0});
  learner.Ask(0, 10);
  EXPECT_TRUE(learner.evaluations().Finish({}).ok());
  EXPECT_THAT(Rows(), ElementsAre("0/10"));
  EXPECT_THAT(Pending(), IsEmpty());
  EXPECT_EQ(learner.progress().members(0).evaluation_return(), 12);
}

TEST_F(EvaluationsTest, WhatCameAfterTheCheckpointIsDroppedAndDoneAgain) {
  {
    Learner killed(folder_, std::nullopt);
    Actor actor(killed);
    for (const uint64_t round : {10, 20}) {
      killed.Ask(1, round);
      actor.Answer(actor.Next());
    }
    EXPECT_TRUE(killed.evaluations().Finish({}).ok());
    killed.Ask(1, 30);
    EXPECT_THAT(Rows(), ElementsAre("1/10", "1/20"));
  }
  Learner learner(folder_, std::vector<uint64_t>{0, 15});
  EXPECT_THAT(Rows(), ElementsAre("1/10"));
  EXPECT_THAT(Pending(), IsEmpty());
  Actor actor(learner);
  learner.Ask(1, 20);
  actor.Answer(actor.Next());
  EXPECT_TRUE(learner.evaluations().Finish({}).ok());
  EXPECT_THAT(Rows(), ElementsAre("1/10", "1/20"));
}

TEST_F(EvaluationsTest, ARowThatWasCutShortIsDoneAgain) {
  {
    Learner killed(folder_, std::nullopt);
    Actor actor(killed);
    killed.Ask(0, 10);
    fs::copy(folder_ + "/evaluations/pending", folder_ + "/copy");
    actor.Answer(actor.Next());
    EXPECT_TRUE(killed.evaluations().Finish({}).ok());
  }
  fs::copy(folder_ + "/copy", folder_ + "/evaluations/pending",
           fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  fs::resize_file(folder_ + "/evaluations.csv", fs::file_size(folder_ + "/evaluations.csv") - 3);
  Learner learner(folder_, std::vector<uint64_t>{10, 10});
  EXPECT_THAT(Rows(), IsEmpty());
  Actor actor(learner);
  actor.Answer(actor.Next());
  EXPECT_TRUE(learner.evaluations().Finish({}).ok());
  EXPECT_THAT(Rows(), ElementsAre("0/10"));
}

TEST_F(EvaluationsTest, ARequestWhoseFileIsDamagedIsLeftOut) {
  fs::create_directories(folder_ + "/evaluations/pending");
  ASSERT_TRUE(ResultsFolder::Create(folder_, TwoMembers(), kNow).ok());
  std::ofstream(folder_ + "/evaluations/pending/member_000_round_000010.evaluation") << "noise";
  Learner learner(folder_, std::vector<uint64_t>{10, 10});
  EXPECT_TRUE(learner.evaluations().Finish({}).ok());
  EXPECT_THAT(Rows(), IsEmpty());
  EXPECT_THAT(Pending(), IsEmpty());
}

TEST_F(EvaluationsTest, AFolderThatCannotBeWrittenIsNamed) {
  Learner learner(folder_, std::nullopt);
  std::ofstream(folder_ + "/evaluations") << "in the way";
  v1::EvaluationGrant evaluation;
  evaluation.set_round(10);
  const absl::Status status = learner.evaluations().Ask(evaluation);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("evaluations/pending"));
}

}  // namespace
}  // namespace sr2l
