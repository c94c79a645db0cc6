#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "deploy/cli/member_table.h"
#include "deploy/cli/progress_line.h"
#include "deploy/cli/progress_printer.h"
#include "deploy/cli/progress_view.h"
#include "deploy/cli/text.h"

namespace sr2l {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

v1::MemberProgress Member(uint32_t number, double return_mean, double kl) {
  v1::MemberProgress member;
  member.set_member(number);
  member.set_seed(number + 10);
  member.set_radius(0.01);
  member.set_coefficient(1);
  member.set_rounds(7);
  member.set_return_mean(return_mean);
  member.set_kl(kl);
  member.set_perturbation_gain(20);
  member.set_nonsmoothness(0.5);
  return member;
}

// Two members with returns 10 and 30: mean 20, standard deviation 10. 75000 missing steps
// at 1250 steps/s take 60 s.
v1::Experiment HalfTrained() {
  v1::Experiment experiment;
  experiment.set_state(v1::RUNNING);
  v1::Progress& progress = *experiment.mutable_progress();
  progress.set_env_steps(25000);
  progress.set_env_steps_total(100000);
  progress.set_elapsed_seconds(50);
  progress.set_steps_per_second(1250);
  *progress.add_members() = Member(0, 10, 0.008);
  *progress.add_members() = Member(1, 30, 0.010);
  return experiment;
}

TEST(ProgressLineTest, ShowsStepsSpeedReturnKlGainAndRemainingTime) {
  EXPECT_EQ(FormatProgress(HalfTrained()),
            " 25.0%  25.0k of 100k steps  1.25k steps/s  return 20.0 ± 10.0  KL 0.009  "
            "D ratio 20  1m00s left");
}

// Half of the steps were there when this process began, a second ago.
TEST(ProgressLineTest, RemainingTimeIsThatOfTheSpeedNotOfWhatWasThereBefore) {
  v1::Experiment experiment;
  experiment.mutable_progress()->set_env_steps(500'000);
  experiment.mutable_progress()->set_env_steps_total(1'000'000);
  experiment.mutable_progress()->set_elapsed_seconds(1);
  EXPECT_THAT(FormatProgress(experiment), Not(HasSubstr("left")));
  experiment.mutable_progress()->set_steps_per_second(1000);
  EXPECT_THAT(FormatProgress(experiment), EndsWith("8m20s left"));
}

TEST(ProgressLineTest, LeavesOutWhatIsNotKnownYet) {
  v1::Experiment experiment;
  experiment.set_state(v1::QUEUED);
  experiment.mutable_progress()->set_env_steps_total(1000);
  EXPECT_EQ(FormatProgress(experiment), "queued    0.0%  0 of 1.00k steps");
}

TEST(ProgressLineTest, FailedMembersAreCountedAndNotAveraged) {
  v1::Experiment experiment = HalfTrained();
  experiment.mutable_progress()->mutable_members(1)->set_failed(true);
  EXPECT_THAT(FormatProgress(experiment), AllOf(HasSubstr("return 10.0  "),
                                                HasSubstr("1 failed")));
}

TEST(ProgressLineTest, AFigureThatIsNotANumberIsLeftOutOfTheMean) {
  v1::Experiment experiment = HalfTrained();
  experiment.mutable_progress()->mutable_members(0)->set_return_mean(
      std::numeric_limits<double>::quiet_NaN());
  EXPECT_THAT(FormatProgress(experiment), HasSubstr("return 30.0  "));
}

TEST(ProgressLineTest, PlainTrpoHasNoDRatio) {
  v1::Experiment experiment = HalfTrained();
  for (v1::MemberProgress& member : *experiment.mutable_progress()->mutable_members()) {
    member.clear_perturbation_gain();
  }
  EXPECT_THAT(FormatProgress(experiment), Not(HasSubstr("D ratio")));
}

TEST(ProgressLineTest, EvaluationsDuringTrainingStandBesideTheReturn) {
  v1::Experiment experiment = HalfTrained();
  experiment.mutable_progress()->mutable_members(0)->set_evaluation_return(50);
  EXPECT_THAT(FormatProgress(experiment), HasSubstr("return 20.0 ± 10.0  evaluated 50.0  KL"));
  experiment.mutable_progress()->mutable_members(1)->set_evaluation_return(70);
  EXPECT_THAT(FormatProgress(experiment), HasSubstr("  evaluated 60.0 ± 10.0  "));
}

TEST(DescribeNewsTest, SaysSoWhenTheLearnerIsSilentOrOutOfReach) {
  const absl::Time start = absl::UnixEpoch();
  ExperimentNews news;
  news.received_at = start;
  EXPECT_EQ(DescribeNews(news, start), "waiting for the learner's first answer");
  EXPECT_THAT(DescribeNews(news, start + absl::Seconds(30)), EndsWith("no news for 30s"));
  news.experiment = HalfTrained();
  news.connection = absl::UnavailableError("connection refused");
  EXPECT_THAT(DescribeNews(news, start + absl::Seconds(30)),
              AllOf(HasSubstr("25.0%"), EndsWith("no connection: connection refused")));
}

TEST(DescribeNewsTest, NamesWhatIsWaitedForOnOneLineOnceNothingMoves) {
  ExperimentNews news;
  news.experiment = HalfTrained();
  news.experiment->mutable_progress()->set_waiting_for("an actor\nto join");
  news.moved_at = absl::UnixEpoch();
  news.received_at = absl::UnixEpoch() + absl::Seconds(5);
  EXPECT_THAT(DescribeNews(news, absl::UnixEpoch() + absl::Seconds(1)), EndsWith("left"));
  EXPECT_THAT(DescribeNews(news, absl::UnixEpoch() + absl::Seconds(5)),
              EndsWith("left  waiting for an actor to join"));
}

TEST(MemberTableTest, HasARowPerMemberInColumns) {
  v1::Experiment experiment = HalfTrained();
  experiment.mutable_progress()->mutable_members(1)->set_failed(true);
  experiment.mutable_progress()->mutable_members(1)->set_failure("not finite");
  EXPECT_EQ(FormatMembers(experiment.progress()),
            "member  seed  radius  coefficient  rounds  return  nonsmoothness  outcome\n"
            "     0    10    0.01            1       7      10            0.5  ok\n"
            "     1    11    0.01            1       7      30            0.5  "
            "failed: not finite\n");
}

TEST(MemberTableTest, EvaluationsDuringTrainingHaveAColumnWhereThereAreAny) {
  v1::Experiment experiment = HalfTrained();
  experiment.mutable_progress()->mutable_members(1)->set_evaluation_return(70);
  EXPECT_EQ(FormatMembers(experiment.progress()),
            "member  seed  radius  coefficient  rounds  return  evaluated  nonsmoothness  outcome\n"
            "     0    10    0.01            1       7      10          -            0.5  ok\n"
            "     1    11    0.01            1       7      30         70            0.5  ok\n");
}

TEST(MemberTableTest, ResultsAreMeansOfTheLastTwentyRounds) {
  std::map<uint32_t, LearningCurve> curves;
  for (int round = 0; round < 30; ++round) curves[0].returns.push_back(round);
  const std::string table = FormatResults(HalfTrained().progress(), curves);
  EXPECT_THAT(table, HasSubstr("return of last 20 rounds"));
  EXPECT_THAT(table, HasSubstr(" 19.5 "));  // mean of 10 to 29
}

ProgressPrinter::Style Terminal(size_t columns) {
  return {.on_terminal = true, .columns = columns, .interval = absl::ZeroDuration()};
}

TEST(ProgressPrinterTest, RewritesOneLineOnATerminal) {
  std::ostringstream out;
  ProgressPrinter printer(out, Terminal(80));
  printer.Update("a", absl::UnixEpoch());
  printer.Update("b", absl::UnixEpoch() + absl::Seconds(1));
  printer.Finish();
  EXPECT_EQ(out.str(), "\r\033[Ka\r\033[Kb\n");
}

TEST(ProgressPrinterTest, CutsALineToTheWidthOfTheTerminal) {
  std::ostringstream out;
  ProgressPrinter printer(out, Terminal(5));
  printer.Update("±23456", absl::UnixEpoch());
  EXPECT_EQ(out.str(), "\r\033[K±234");
}

TEST(ProgressPrinterTest, IsNotFasterThanTheEyeOnATerminal) {
  std::ostringstream out;
  ProgressPrinter printer(out, Terminal(80));
  printer.Update("a", absl::UnixEpoch());
  printer.Update("b", absl::UnixEpoch() + absl::Milliseconds(1));
  EXPECT_EQ(out.str(), "\r\033[Ka");
  printer.Finish();
  EXPECT_EQ(out.str(), "\r\033[Ka\r\033[Kb\n");
}

TEST(ProgressPrinterTest, ALineThatStaysGoesAboveTheProgress) {
  std::ostringstream out;
  ProgressPrinter printer(out, Terminal(80));
  printer.Update("a", absl::UnixEpoch());
  printer.Print("notice");
  EXPECT_EQ(out.str(), "\r\033[Ka\r\033[Knotice\n\r\033[Ka");
}

TEST(ProgressPrinterTest, OffATerminalPrintsALineEveryInterval) {
  std::ostringstream out;
  ProgressPrinter printer(out, {.on_terminal = false, .interval = absl::Seconds(5)});
  const absl::Time start = absl::UnixEpoch();
  printer.Update("a", start);
  printer.Update("b", start + absl::Seconds(1));
  printer.Update("c", start + absl::Seconds(5));
  printer.Update("c", start + absl::Seconds(10));
  printer.Update("d", start + absl::Seconds(11));
  printer.Finish();
  EXPECT_EQ(out.str(), "a\nc\nc\nd\n");
}

}  // namespace
}  // namespace sr2l
