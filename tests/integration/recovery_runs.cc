#include "tests/integration/recovery_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

constexpr int kStepsPerRound = 400;  // of a member's two streams together
constexpr absl::Duration kTrainingTimeout = absl::Minutes(10);

}  // namespace

void WriteRecoveryExperiment(const RecoveryCase& recovery, int rounds, const std::string& path) {
  WriteFile(path, absl::StrCat("name: \"recovery\" task { builtin: \"inverted_pendulum\" }\n",
                               recovery.algorithm,
                               "\nmembers { seeds: [0, 1] } streams_per_member: 2\n"
                               "keep_policy_every: 0 steps_per_round: ",
                               kStepsPerRound, " rounds: ", rounds, "\n"));
}

std::vector<std::string> TrainCommand(const std::string& file, const std::string& run) {
  return {Binary("sr2l"), "train", file, "--run", run, "--actors", "2", "--restarts", "1000",
          "--checkpoint-interval", "0.1"};
}

std::vector<std::string> ResumeCommand(const std::string& run) {
  return {Binary("sr2l"), "resume", run, "--actors", "2", "--restarts", "1000",
          "--checkpoint-interval", "0.1"};
}

std::string DigestOf(const std::string& run) {
  const ProgramResult result = RunProgram({Binary("sr2l"), "digest", run});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  return result.output;
}

std::string UndisturbedDigest(const std::string& file, const std::string& run) {
  const ProgramResult result = RunProgram(TrainCommand(file, run), kTrainingTimeout);
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  return DigestOf(run);
}

void ExpectWholeLog(const std::string& run, int rounds) {
  const ProgramResult audit = RunProgram({Binary("sr2l"), "audit", run});
  EXPECT_EQ(audit.exit_code, 0) << audit.output << audit.errors;
  std::vector<std::string> lines = absl::StrSplit(audit.output, '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 1 + 2 * 2) << audit.output;
  lines.erase(lines.begin());
  for (const std::string& line : lines) {
    // experiment, member, stream, epoch, next_step, ...
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    ASSERT_GT(words.size(), 4) << audit.output;
    EXPECT_EQ(words[4], absl::StrCat(rounds * kStepsPerRound / 2)) << audit.output;
  }
}

}  // namespace sr2l
