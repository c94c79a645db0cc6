// The program sr2l-actor as its users start and stop it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "fake_learner.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

// A child process; killed if it still runs at the end.
class Child {
 public:
  explicit Child(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), std::string(std::getenv("SR2L_BIN")) + "/sr2l-actor");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      execv(argv[0], argv.data());
      _exit(127);
    }
  }
  ~Child() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    Wait();
  }
  void Signal(int number) const { kill(pid_, number); }
  // The exit status; -1 if a signal ended it.
  int Wait() {
    int status = 0;
    waitpid(std::exchange(pid_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = 0;
};

// What an HTTP server on this machine answers.
std::string Get(int port, const std::string& path) {
  const int connection = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
  EXPECT_EQ(write(connection, request.data(), request.size()),
            static_cast<ssize_t>(request.size()));
  std::string answer;
  char part[4096];
  ssize_t size;
  while ((size = read(connection, part, sizeof(part))) > 0) answer.append(part, size);
  close(connection);
  return answer;
}

class ActorProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = "/tmp/sr2l_actor_process." + std::to_string(getpid());
    std::filesystem::create_directories(folder_);
    learner_.Start("unix:" + folder_ + "/learner");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::vector<std::string> Arguments() const {
    return {"--learner", "unix:" + folder_ + "/learner",
            "--replay",  "unix:" + folder_ + "/replay",
            "--name",    "tester"};
  }

  std::string folder_;
  FakeLearner learner_;
};

TEST_F(ActorProcessTest, SigtermEndsItWithSuccess) {
  for (const int number : {SIGTERM, SIGINT}) {
    Child actor(Arguments());
    learner_.AwaitJoined(number == SIGTERM ? 1 : 2);
    EXPECT_EQ(learner_.actor_name(0), "tester");
    actor.Signal(number);
    EXPECT_EQ(actor.Wait(), 0);
  }
}

TEST_F(ActorProcessTest, MetricsAreServedWhereTheAddressFileSays) {
  std::vector<std::string> arguments = Arguments();
  const std::string address_file = folder_ + "/address";
  arguments.insert(arguments.end(), {"--metrics", "127.0.0.1:0", "--address-file", address_file});
  Child actor(arguments);
  learner_.AwaitJoined(1);  // the file is written before
  std::ifstream file(address_file);
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  ASSERT_THAT(line, testing::StartsWith("metrics=127.0.0.1:"));
  int port = 0;
  ASSERT_TRUE(absl::SimpleAtoi(line.substr(line.rfind(':') + 1), &port));
  const std::string text = Get(port, "/metrics");
  for (const char* metric :
       {"sr2l_actor_env_steps_total 0", "sr2l_actor_episodes_total{outcome=\"terminated\"} 0",
        "sr2l_actor_episodes_total{outcome=\"truncated\"} 0",
        "sr2l_actor_episodes_total{outcome=\"diverged\"} 0", "sr2l_actor_chunks_sent_total 0",
        "sr2l_actor_chunk_bytes_total 0", "sr2l_actor_chunk_answers_total{outcome=\"duplicate\"} 0",
        "sr2l_actor_chunk_answers_total{outcome=\"stale_epoch\"} 0", "sr2l_actor_policy_version 0",
        "sr2l_actor_phase_seconds_total{phase=\"simulation\"} 0",
        "sr2l_actor_streams 0",
        "sr2l_build_info{process=\"actor\""}) {
    EXPECT_THAT(text, HasSubstr(metric));
  }
}

TEST_F(ActorProcessTest, WrongUsageExitsWithTwo) {
  EXPECT_EQ(Child({}).Wait(), 2);
  std::vector<std::string> arguments = Arguments();
  arguments.insert(arguments.end(), {"--max-streams", "0"});
  EXPECT_EQ(Child(arguments).Wait(), 2);
  arguments = Arguments();
  arguments.back() = std::string(129, 'x');
  EXPECT_EQ(Child(arguments).Wait(), 2);
  EXPECT_EQ(Child({"--help"}).Wait(), 0);
}

TEST_F(ActorProcessTest, AddressThatCannotBeUsedExitsWithOne) {
  std::vector<std::string> arguments = Arguments();
  arguments[1] = "10.1.2.3:4";  // beyond loopback, without TLS
  EXPECT_EQ(Child(arguments).Wait(), 1);
}

}  // namespace
}  // namespace sr2l
