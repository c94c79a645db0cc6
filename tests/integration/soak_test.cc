// A long run grows no process: ten seeds of HalfCheetah under `sr2l train` for an hour, or for
// $SR2L_SOAK_MINUTES, with the resident memory of every process read 120 times. Slow.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/deploy/process_table.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"
#include "tests/integration/service.h"

namespace sr2l {
namespace {

constexpr int kReadings = 120;
constexpr int kQuarter = kReadings / 4;
constexpr uint64_t kSlackKib = 8192;  // free lists of the allocator, by thread

absl::Duration Length() {
  double minutes = 60;
  const char* const text = std::getenv("SR2L_SOAK_MINUTES");
  if (text != nullptr) {
    EXPECT_TRUE(absl::SimpleAtod(text, &minutes)) << text;
  }
  return absl::Minutes(minutes);
}

// 0: the process is gone.
uint64_t ResidentKib(pid_t pid) {
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  uint64_t kib = 0;
  for (std::string word; status >> word;) {
    if (word == "VmRSS:") status >> kib;
  }
  return kib;
}

uint64_t Median(std::vector<uint64_t>::const_iterator begin, int count) {
  std::vector<uint64_t> values(begin, begin + count);
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

TEST(SoakTest, NoProcessGrows) {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  RunningProgram train({Binary("sr2l"), "train",
                        SourceFile("deploy/experiments/paper/trpo_sr_half_cheetah.textproto"),
                        "--run", run, "--actors", "2", "--set", "members.seeds=[0..9]", "--set",
                        "rounds=1000000"});
  ASSERT_TRUE(Eventually([&] { return NumCurveRows(run + "/curve.csv") >= 20; }))
      << train.output() << train.errors();
  std::map<pid_t, std::vector<uint64_t>> resident;
  std::map<pid_t, std::string> names;
  for (const ProcessEntry& process : RunningProcesses()) {
    if (process.parent != train.pid() && process.pid != train.pid()) continue;
    names[process.pid] = process.command_line;
  }
  ASSERT_EQ(names.size(), 5) << "sr2l, replay, learner, two actors";
  const absl::Duration pause = Length() / kReadings;
  for (int i = 0; i < kReadings; ++i) {
    absl::SleepFor(pause);  // the time that passes is what is tested
    for (const auto& [pid, name] : names) {
      const uint64_t kib = ResidentKib(pid);
      ASSERT_GT(kib, 0) << name << " is gone\n" << train.errors();
      resident[pid].push_back(kib);
    }
  }
  for (const auto& [pid, kib] : resident) {
    const uint64_t early = Median(kib.begin() + kQuarter, kQuarter);
    const uint64_t late = Median(kib.end() - kQuarter, kQuarter);
    EXPECT_LE(late, early + early / 50 + kSlackKib) << names[pid];
    std::cout << early << " KiB, later " << late << " KiB: " << names[pid] << "\n";
  }
  train.Signal(SIGTERM);
  EXPECT_NE(train.Wait(absl::Minutes(2)).exit_code, -1);
}

}  // namespace
}  // namespace sr2l
