#ifndef SR2L_DEPLOY_CLI_COMMAND_LINE_H_
#define SR2L_DEPLOY_CLI_COMMAND_LINE_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace sr2l {

// What the sr2l command returns to its caller.
inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
inline constexpr int kWrongUsage = 2;

// Parses, runs, and writes an error, if any, as one line to standard error.
int RunCommandLine(int argc, const char* const* argv);

// Of a flag that takes a whole number from `low` to `high`. Unlike CLI11's own reading it takes
// decimal digits alone: no sign, which would wrap around, and no other base.
CLI::Validator WholeNumber(uint64_t low, uint64_t high);

// What was wrong with the command line, on one line; names the nearest verb or flag for
// one that does not exist. `app` is the one whose parse threw `error`.
std::string ExplainUsage(const CLI::App& app, const CLI::ParseError& error);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_COMMAND_LINE_H_
