#include "deploy/cli/command_line.h"

#include <iostream>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "deploy/cli/commands.h"
#include "deploy/cli/text.h"

namespace sr2l {
namespace {

void AddVerbs(CLI::App& app, Action& action) {
  AddTrain(app, action);
  AddResume(app, action);
  AddValidate(app, action);
  AddSubmit(app, action);
  AddList(app, action);
  AddShow(app, action);
  AddWatch(app, action);
  AddCancel(app, action);
  AddLimiter(app, action);
  AddTasks(app, action);
  AddDigest(app, action);
  AddAudit(app, action);
  AddEvaluate(app, action);
  AddPlay(app, action);
  AddExport(app, action);
  AddVerify(app, action);
  AddReport(app, action);
  app.require_subcommand(1);
  app.set_version_flag("--version", "sr2l " SR2L_VERSION);
}

// The verb that was given, or the whole command.
const CLI::App& GivenVerb(const CLI::App& app) {
  const std::vector<CLI::App*> verbs = app.get_subcommands();
  return verbs.empty() ? app : *verbs.front();
}

std::vector<std::string> VerbNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(verb->get_name());
  }
  return names;
}

std::vector<std::string> FlagNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::string Suggestion(const std::string& word, const std::vector<std::string>& known) {
  const std::string nearest = Nearest(word, known);
  return nearest.empty() ? "" : absl::StrCat("; did you mean ", nearest, "?");
}

// What is wrong with the first argument that nothing took.
std::string ExplainLeftover(const CLI::App& app, const CLI::App& verb) {
  const std::string word = app.remaining(/*recurse=*/true).front();
  if (absl::StartsWith(word, "-")) {
    const std::string flag = word.substr(0, word.find('='));
    return absl::StrCat("unknown flag ", flag, Suggestion(flag, FlagNames(verb)));
  }
  if (&verb == &app) {
    return absl::StrCat("unknown command ", word, Suggestion(word, VerbNames(app)));
  }
  return absl::StrCat("unexpected argument ", word);
}

}  // namespace

CLI::Validator WholeNumber(uint64_t low, uint64_t high) {
  const std::string range = absl::StrCat("[", low, ", ", high, "]");
  const auto check = [low, high, range](const std::string& text) -> std::string {
    uint64_t number = 0;
    const bool is_number = absl::SimpleAtoi(text, &number) && absl::StrCat(number) == text;
    if (is_number && number >= low && number <= high) return "";
    return absl::StrCat("must be a whole number in ", range, ", got ", text);
  };
  return CLI::Validator(check, absl::StrCat("in ", range));
}

std::string ExplainUsage(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& verb = GivenVerb(app);
  // An unknown word also hides what would follow it: say that first.
  const bool has_leftover = !app.remaining(/*recurse=*/true).empty();
  const std::string what = has_leftover ? ExplainLeftover(app, verb) : OneLine(error.what());
  const std::string name = &verb == &app ? "sr2l" : absl::StrCat("sr2l ", verb.get_name());
  return absl::StrCat(name, ": ", what, " (see ", name, " --help)");
}

int RunCommandLine(int argc, const char* const* argv) {
  CLI::App app("sr2l: trains smooth policies for continuous control.", "sr2l");
  Action action;
  AddVerbs(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    app.exit(help_or_version);
    return kSuccess;
  } catch (const CLI::ParseError& error) {
    std::cerr << ExplainUsage(app, error) << std::endl;
    return kWrongUsage;
  }
  const absl::Status status = action();
  if (status.ok()) return kSuccess;
  std::cerr << "sr2l: " << OneLine(std::string(status.message())) << std::endl;
  return kFailure;
}

}  // namespace sr2l
