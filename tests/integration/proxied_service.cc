#include "tests/integration/proxied_service.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "tests/integration/service.h"

namespace sr2l {
namespace {

// The value of the line NAME=VALUE of an address file; empty when there is none.
std::string AddressIn(const std::string& file, const std::string& name) {
  for (absl::string_view line : absl::StrSplit(ReadFile(file), '\n')) {
    if (absl::ConsumePrefix(&line, name + "=")) return std::string(line);
  }
  return "";
}

}  // namespace

ProxiedService::ProxiedService() {
  StartReplay();
  networks_[Link::kActorReplay] = std::make_unique<FaultProxy>(replay_);
  networks_[Link::kLearnerReplay] = std::make_unique<FaultProxy>(replay_);
  StartLearner();
  networks_[Link::kActorLearner] = std::make_unique<FaultProxy>(learner_);
}

void ProxiedService::StartReplay() {
  const std::string listen = replay_.empty() ? "127.0.0.1:0" : replay_;
  replay_ = Start("sr2l-replay", "replay", {"--listen", listen, "--log", folder_ / "log"});
}

void ProxiedService::StartLearner() {
  const std::string listen = learner_.empty() ? "127.0.0.1:0" : learner_;
  learner_ = Start("sr2l-learner", "learner",
                   {"--listen", listen, "--replay", network(Link::kLearnerReplay).address(),
                    "--state", folder_ / "state"});
}

void ProxiedService::StartActor(const std::string& name) {
  Start("sr2l-actor", name,
        {"--learner", network(Link::kActorLearner).address(), "--replay",
         network(Link::kActorReplay).address(), "--name", name});
}

std::string ProxiedService::Start(const std::string& program, const std::string& name,
                                  std::vector<std::string> arguments) {
  const std::string address_file = folder_ / (name + ".address");
  std::filesystem::remove(address_file);
  arguments.insert(arguments.end(),
                   {"--metrics", "127.0.0.1:0", "--address-file", address_file});
  auto process = ChildProcess::Start({.name = name,
                                      .program = Binary(program),
                                      .arguments = std::move(arguments),
                                      .log_path = folder_ / (name + ".log")});
  EXPECT_TRUE(process.ok()) << process.status();
  if (!process.ok()) return "";
  processes_[name] = *std::move(process);
  EXPECT_TRUE(Eventually([&] { return std::filesystem::exists(address_file); })) << LogOf(name);
  metrics_[name] = AddressIn(address_file, "metrics");
  return AddressIn(address_file, "listen");
}

ProcessExit ProxiedService::Terminate(const std::string& name, absl::Duration& took) {
  const absl::Time begin = absl::Now();
  processes_.at(name)->Signal(SIGTERM);
  const auto exit = processes_.at(name)->WaitUntil(begin + absl::Minutes(1));
  took = absl::Now() - begin;
  processes_.erase(name);
  EXPECT_TRUE(exit.has_value()) << name << " does not end: " << LogOf(name);
  return exit.value_or(ProcessExit{.signal = SIGKILL});
}

ProgramResult ProxiedService::Sr2l(std::vector<std::string> arguments,
                                   absl::Duration timeout) const {
  arguments.insert(arguments.begin(), Binary("sr2l"));
  arguments.insert(arguments.end(), {"--learner", learner_});
  return RunProgram(arguments, timeout);
}

std::string ProxiedService::Submit(const std::string& file) const {
  const ProgramResult result = Sr2l({"submit", file}, absl::Seconds(30));
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  return std::string(absl::StripAsciiWhitespace(result.output));
}

void ProxiedService::AwaitSuccess(const std::string& id, absl::Duration timeout) const {
  const ProgramResult watch = Sr2l({"watch", id}, timeout);
  EXPECT_EQ(watch.exit_code, 0) << watch.output << watch.errors << LogOf("learner");
}

void ProxiedService::ExpectWholeLog(int num_streams) const {
  const ProgramResult audit = RunProgram({Binary("sr2l"), "audit", folder_ / "log"});
  EXPECT_EQ(audit.exit_code, 0) << audit.output << audit.errors;
  // A line for each, and one that names the columns.
  EXPECT_EQ(std::count(audit.output.begin(), audit.output.end(), '\n'), num_streams + 1)
      << audit.output;
}

int ProxiedService::NumRows(const std::string& id) const {
  return NumCurveRows(Results(id) + "/curve.csv");
}

std::string ProxiedService::LogOf(const std::string& name) const {
  return ReadFile(folder_ / (name + ".log"));
}

double ProxiedService::Metric(const std::string& name, const std::string& metric) const {
  double sum = 0;
  for (const absl::string_view line : absl::StrSplit(FetchMetrics(metrics_.at(name)), '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    const bool is_it = words[0] == metric || absl::StartsWith(words[0], metric + "{");
    double value = 0;
    if (is_it && words.size() == 2 && absl::SimpleAtod(words[1], &value)) sum += value;
  }
  return sum;
}

}  // namespace sr2l
