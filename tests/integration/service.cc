#include "tests/integration/service.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "common/files/file_descriptor.h"

namespace sr2l {

void Service::StartReplay(const std::vector<std::string>& more_arguments) {
  std::vector<std::string> arguments = {"--listen", replay_address()};
  arguments.insert(arguments.end(), more_arguments.begin(), more_arguments.end());
  Start("sr2l-replay", "replay", std::move(arguments));
}

void Service::StartLearner(const std::vector<std::string>& more_arguments) {
  std::vector<std::string> arguments = {"--listen",       learner_address(), "--replay",
                                        replay_address(), "--state",         state()};
  arguments.insert(arguments.end(), more_arguments.begin(), more_arguments.end());
  Start("sr2l-learner", "learner", std::move(arguments));
}

void Service::StartActor(const std::string& name, const std::vector<std::string>& more_arguments) {
  std::vector<std::string> arguments = {"--learner",      learner_address(), "--replay",
                                        replay_address(), "--name",          name};
  arguments.insert(arguments.end(), more_arguments.begin(), more_arguments.end());
  Start("sr2l-actor", name, std::move(arguments));
}

void Service::Start(const std::string& program, const std::string& name,
                    std::vector<std::string> arguments) {
  const std::string address_file = folder_ / (name + ".address");
  std::filesystem::remove(address_file);
  arguments.insert(arguments.end(), {"--address-file", address_file});
  auto process = ChildProcess::Start({.name = name,
                                      .program = Binary(program),
                                      .arguments = std::move(arguments),
                                      .log_path = folder_ / (name + ".log")});
  ASSERT_TRUE(process.ok()) << process.status();
  processes_[name] = *std::move(process);
  ASSERT_TRUE(Eventually([&] { return std::filesystem::exists(address_file); }))
      << ReadFile(folder_ / (name + ".log"));
}

void Service::Kill(const std::string& name) { processes_.erase(name); }

ProcessExit Service::Terminate(const std::string& name) {
  processes_.at(name)->Signal(SIGTERM);
  const auto exit = processes_.at(name)->WaitUntil(absl::Now() + absl::Minutes(1));
  processes_.erase(name);
  EXPECT_TRUE(exit.has_value()) << name << " does not end: "
                                << ReadFile(folder_ / (name + ".log"));
  return exit.value_or(ProcessExit{.signal = SIGKILL});
}

ProgramResult Service::Sr2l(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), Binary("sr2l"));
  arguments.insert(arguments.end(), {"--learner", learner_address()});
  return RunProgram(arguments);
}

std::string Service::Submit(const std::string& file,
                            const std::vector<std::string>& overrides) const {
  std::vector<std::string> arguments = {"submit", file};
  for (const std::string& override : overrides) {
    arguments.insert(arguments.end(), {"--set", override});
  }
  const ProgramResult result = Sr2l(arguments);
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  return std::string(absl::StripAsciiWhitespace(result.output));
}

std::string Service::metrics_address(const std::string& name) const {
  const std::string lines = ReadFile(folder_ / (name + ".address"));
  const size_t begin = lines.find("metrics=");
  EXPECT_NE(begin, std::string::npos) << lines;
  const size_t address = begin + std::string("metrics=").size();
  return lines.substr(address, lines.find('\n', address) - address);
}

std::string WritePendulum(const TemporaryFolder& folder) {
  const std::string path = folder / "pendulum.textproto";
  WriteFile(path, R"pb(
    name: "pendulum"
    task { builtin: "inverted_pendulum" }
    trpo { hidden: [32, 32] }
    smoothness { radius: 0.01 coefficient: 1 }
    members { seeds: [0, 1, 2] }
    streams_per_member: 2
    rounds: 8
    steps_per_round: 500
    keep_policy_every: 0
  )pb");
  return path;
}

int NumCurveRows(const std::string& path) {
  const std::string text = ReadFile(path);
  const auto lines = std::count(text.begin(), text.end(), '\n');
  return std::max(0, static_cast<int>(lines) - 1);  // the first line is the header
}

std::string FetchMetrics(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port)) return "";
  const FileDescriptor connection(socket(AF_INET, SOCK_STREAM, 0));
  const timeval limit = {.tv_sec = 10, .tv_usec = 0};
  setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  sockaddr_in peer = {};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &peer.sin_addr);
  if (connect(connection.get(), reinterpret_cast<sockaddr*>(&peer), sizeof(peer)) != 0) return "";
  const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
  if (send(connection.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return "";
  std::string answer;
  char part[4096];
  ssize_t count = 0;
  while ((count = recv(connection.get(), part, sizeof(part), 0)) > 0) {
    answer.append(part, static_cast<size_t>(count));
  }
  const size_t body = answer.find("\r\n\r\n");
  const bool is_ok = absl::StrContains(answer.substr(0, answer.find('\r')), " 200 ");
  return is_ok && body != std::string::npos ? answer.substr(body + 4) : "";
}

}  // namespace sr2l
