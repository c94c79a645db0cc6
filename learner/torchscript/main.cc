// sr2l-torchscript: writes and runs TorchScript for `sr2l export` and `sr2l verify`.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include "common/exported_policy/policy_file.h"
#include "common/status/status_macros.h"
#include "learner/torchscript/torchscript_policy.h"

namespace sr2l {
namespace {

struct Flags {
  std::string input;
  std::string output;
};

absl::Status Write(const Flags& flags) {
  std::ifstream file(flags.input, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  SR2L_ASSIGN_OR_RETURN(const ExportedPolicy policy, ParsePolicyFile(bytes));
  return WriteTorchScript(policy, flags.output);
}

absl::Status Run(const Flags& flags) {
  std::ifstream file(flags.output);
  std::vector<std::vector<float>> observations;
  for (std::string line; std::getline(file, line);) {
    std::istringstream numbers(line);
    observations.emplace_back(std::istream_iterator<float>(numbers),
                              std::istream_iterator<float>());
  }
  SR2L_ASSIGN_OR_RETURN(const auto actions, RunTorchScript(flags.input, observations));
  for (const std::vector<float>& action : actions) {
    for (const float number : action) std::printf("%.9g ", static_cast<double>(number));
    std::printf("\n");
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace sr2l

int main(int argc, char** argv) {
  sr2l::Flags flags;
  CLI::App app("sr2l-torchscript: writes and runs TorchScript for sr2l export and verify.");
  app.require_subcommand(1);
  CLI::App* write = app.add_subcommand("write", "Make a TorchScript file of a safetensors one");
  write->add_option("POLICY", flags.input, "From sr2l export --format safetensors")
      ->check(CLI::ExistingFile)
      ->required();
  write->add_option("FILE", flags.output, "TorchScript file to write")->required();
  CLI::App* run = app.add_subcommand("run", "Print a policy's actions, a line per observation");
  run->add_option("FILE", flags.input, "TorchScript file")->check(CLI::ExistingFile)->required();
  run->add_option("OBSERVATIONS", flags.output, "A line of numbers per observation")
      ->check(CLI::ExistingFile)
      ->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const absl::Status status = write->parsed() ? sr2l::Write(flags) : sr2l::Run(flags);
  if (status.ok()) return 0;
  std::cerr << "sr2l-torchscript: " << status.message() << std::endl;
  return 1;
}
