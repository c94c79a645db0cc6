// sr2l digest: what a run learned, as numbers that can be compared.

#include <iostream>
#include <memory>
#include <string>

#include "common/status/status_macros.h"
#include "deploy/cli/commands.h"
#include "deploy/cli/member_digest.h"

namespace sr2l {

void AddDigest(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand(
      "digest", "A line per member: member, env_steps, updates, SHA-256 of its parameters");
  const auto folder = std::make_shared<std::string>();
  verb->add_option("DIR", *folder, "A run's folder")->required();
  verb->callback([folder, &action] {
    action = [folder]() -> absl::Status {
      SR2L_ASSIGN_OR_RETURN(const std::string lines, DigestRun(*folder));
      std::cout << lines << std::flush;
      return absl::OkStatus();
    };
  });
}

}  // namespace sr2l
