// The program sr2l-replay as its users start it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "common/rpc/credentials.h"
#include "sr2l/v1/replay.grpc.pb.h"

namespace sr2l {
namespace {

class ReplayProgramTest : public ::testing::Test {
 protected:
  ReplayProgramTest() {
    std::string folder = ::testing::TempDir() + "sr2l-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  ~ReplayProgramTest() override { std::filesystem::remove_all(folder_); }

  // Starts the program; its standard error goes to a file.
  pid_t Start(std::vector<std::string> arguments) {
    const char* bin = getenv("SR2L_BIN");
    EXPECT_NE(bin, nullptr) << "run by ctest, which sets SR2L_BIN";
    const std::string program = std::string(bin ? bin : ".") + "/sr2l-replay";
    arguments.insert(arguments.begin(), program);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) {
      if (freopen((folder_ + "/stderr").c_str(), "w", stderr) == nullptr) _exit(126);
      execv(program.c_str(), argv.data());
      _exit(127);
    }
    return child;
  }

  static int ExitCode(pid_t child) {
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string Read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(folder_ + "/" + name).rdbuf();
    return text.str();
  }

  std::string folder_;
};

TEST_F(ReplayProgramTest, ServesUntilItIsAskedToStopAndExitsWithZero) {
  for (const int signal : {SIGTERM, SIGINT}) {
    const std::string address = "unix:" + folder_ + "/replay";
    const pid_t child = Start({"--listen", address, "--memory-mib", "16", "--metrics",
                               "127.0.0.1:0", "--address-file", folder_ + "/address"});
    const auto stub = v1::Replay::NewStub(*MakeChannel(address, {}));
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
    v1::DescribeTablesResponse description;
    EXPECT_TRUE(stub->DescribeTables(&context, {}, &description).ok());
    EXPECT_EQ(description.byte_budget(), 16 << 20);

    // A stream that stays open does not keep it from stopping.
    grpc::ClientContext append_context;
    const auto append = stub->Append(&append_context);
    EXPECT_EQ(kill(child, signal), 0);
    EXPECT_EQ(ExitCode(child), 0) << Read("stderr");
    append_context.TryCancel();
    append->Finish();
  }
}

TEST_F(ReplayProgramTest, WrongUsageExitsWithTwoAndNamesWhatIsAllowed) {
  EXPECT_EQ(ExitCode(Start({})), 2);
  EXPECT_THAT(Read("stderr"), ::testing::HasSubstr("--listen"));
  EXPECT_EQ(ExitCode(Start({"--listen", "127.0.0.1:0", "--memory-mib", "15"})), 2);
  EXPECT_THAT(Read("stderr"), ::testing::HasSubstr("16"));
}

TEST_F(ReplayProgramTest, AnAddressThatMustNotBePlainExitsWithOneAndSaysHowToAllowIt) {
  EXPECT_EQ(ExitCode(Start({"--listen", "0.0.0.0:0"})), 1);
  EXPECT_THAT(Read("stderr"), ::testing::HasSubstr("--insecure"));
}

}  // namespace
}  // namespace sr2l
