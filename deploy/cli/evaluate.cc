// sr2l evaluate: what a run's policies are worth, clean and disturbed, and how smooth.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "actor/evaluation/evaluation.h"
#include "common/files/atomic_write.h"
#include "common/status/status_macros.h"
#include "deploy/cli/command_line.h"
#include "deploy/cli/commands.h"
#include "deploy/cli/evaluated_policy.h"
#include "deploy/cli/evaluation_table.h"
#include "deploy/cli/progress_printer.h"
#include "deploy/cli/trained_members.h"

namespace sr2l {
namespace {

struct EvaluateFlags {
  PolicyFlags policies;
  std::vector<uint32_t> members;  // empty: all
  int episodes = 10;
  std::vector<double> radii = {0.01, 0.03, 0.1};
  std::vector<std::string> disturbances = {"random", "adversarial"};
  double probe_radius = 0.01;
  uint64_t seed = 0;
  int threads = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1U, 1024U));
  std::string csv;  // empty: evaluation.csv in the folder; "-": standard output
};

// CLI11 validator: what is wrong with a number, empty when nothing is.
std::string CheckProbeRadius(const std::string& text) {
  double radius = 0;
  if (absl::SimpleAtod(text, &radius) && radius >= 1e-12 && radius <= kMaxRadius) return "";
  return absl::StrCat("must be in [1e-12, ", kMaxRadius, "], got ", text);
}

// A radius given twice would be evaluated twice, and its seeds counted twice by who reads that.
void CheckRadiiDiffer(const std::vector<double>& radii) {
  std::set<double> known;
  for (const double radius : radii) {
    if (!known.insert(radius).second) {
      throw CLI::ValidationError(
          "--radius", absl::StrCat("must name every radius once, got ", radius, " twice"));
    }
  }
}

absl::StatusOr<std::vector<uint32_t>> ChooseMembers(const EvaluateFlags& flags,
                                                    const v1::ExperimentConfig& config) {
  const uint32_t count = static_cast<uint32_t>(config.members().member_size());
  std::set<uint32_t> chosen(flags.members.begin(), flags.members.end());
  for (uint32_t member = 0; flags.members.empty() && member < count; ++member) {
    chosen.insert(member);
  }
  for (const uint32_t member : chosen) SR2L_RETURN_IF_ERROR(CheckMember(member, config));
  return std::vector<uint32_t>(chosen.begin(), chosen.end());
}

// The clean one, then every kind with every radius.
std::vector<Disturbance> MakeDisturbances(const EvaluateFlags& flags) {
  std::vector<Disturbance> disturbances = {Disturbance()};
  for (const Disturbance::Kind kind :
       {Disturbance::Kind::kRandom, Disturbance::Kind::kAdversarial}) {
    const auto& names = flags.disturbances;
    if (std::find(names.begin(), names.end(), NameOf(kind)) == names.end()) continue;
    for (const double radius : flags.radii) disturbances.push_back({kind, radius});
  }
  return disturbances;
}

std::vector<EvaluationCase> MakeCases(const EvaluateFlags& flags,
                                      const std::vector<EvaluatedPolicy>& candidates) {
  std::vector<EvaluationCase> cases;
  for (const EvaluatedPolicy& candidate : candidates) {
    for (const Disturbance& disturbance : MakeDisturbances(flags)) {
      cases.push_back({.policy = candidate.policy,
                       .options = {.disturbance = disturbance,
                                   .sample_actions = candidate.sample_actions,
                                   .probe_radius = flags.probe_radius,
                                   .seed = flags.seed}});
    }
  }
  return cases;
}

absl::StatusOr<std::vector<EvaluationSummary>> RunCases(const EvaluateFlags& flags,
                                                        std::shared_ptr<const CompiledTask> task,
                                                        const std::vector<EvaluationCase>& cases) {
  ProgressPrinter printer(std::cout, ProgressPrinter::StyleOfStandardOutput());
  const size_t episodes = cases.size() * static_cast<size_t>(flags.episodes);
  const auto show = [&](size_t finished) {
    if (flags.csv == "-") return;
    printer.Update(absl::StrCat(finished, " of ", episodes, " episodes"), absl::Now());
  };
  show(0);
  auto summaries = Evaluate(std::move(task), cases,
                            {.episodes = flags.episodes, .threads = flags.threads}, show);
  if (flags.csv != "-") printer.Finish();
  return summaries;
}

// Where the CSV goes as a file.
std::string CsvPath(const EvaluateFlags& flags) {
  return flags.csv.empty() ? flags.policies.folder + "/evaluation.csv" : flags.csv;
}

// Before the work, what would stop its results from being written after it.
absl::Status CheckCsv(const EvaluateFlags& flags) {
  if (flags.csv == "-") return absl::OkStatus();
  const std::filesystem::path path = CsvPath(flags);
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return absl::FailedPreconditionError(
        absl::StrCat("--csv must be a file, ", path.string(), " is a folder"));
  }
  const std::filesystem::path parent = path.parent_path();
  if (parent.empty() || std::filesystem::is_directory(parent, error)) return absl::OkStatus();
  return absl::NotFoundError(
      absl::StrCat("--csv must be in a folder that exists, got ", flags.csv));
}

absl::Status WriteResults(const EvaluateFlags& flags, const std::vector<EvaluationRow>& rows) {
  const std::string csv = FormatEvaluationCsv(rows);
  if (flags.csv == "-") {
    std::cout << csv << std::flush;
    return absl::OkStatus();
  }
  std::cout << FormatEvaluationTable(rows) << std::flush;
  SR2L_RETURN_IF_ERROR(WriteFileAtomically(CsvPath(flags), csv));
  std::cout << "results: " << CsvPath(flags) << std::endl;
  return absl::OkStatus();
}

absl::Status EvaluateRun(const EvaluateFlags& flags) {
  SR2L_ASSIGN_OR_RETURN(const v1::ExperimentConfig config,
                        ReadRunExperiment(flags.policies.folder));
  SR2L_RETURN_IF_ERROR(CheckCsv(flags));
  SR2L_ASSIGN_OR_RETURN(const std::vector<uint32_t> members, ChooseMembers(flags, config));
  SR2L_ASSIGN_OR_RETURN(const auto task, CompiledTask::Create(config.task()));
  std::vector<EvaluatedPolicy> candidates;
  for (const uint32_t member : members) {
    SR2L_ASSIGN_OR_RETURN(EvaluatedPolicy candidate,
                          ReadEvaluatedPolicy(flags.policies, member, config));
    candidates.push_back(std::move(candidate));
  }
  const std::vector<EvaluationCase> cases = MakeCases(flags, candidates);
  SR2L_ASSIGN_OR_RETURN(std::vector<EvaluationSummary> summaries, RunCases(flags, task, cases));
  const double control_rate = 1 / (task->model().opt.timestep * task->frame_skip());
  std::vector<EvaluationRow> rows;
  for (size_t i = 0; i < cases.size(); ++i) {
    rows.push_back({.member = &candidates[i / (cases.size() / candidates.size())].member,
                    .options = cases[i].options,
                    .control_rate = control_rate,
                    .summary = std::move(summaries[i])});
  }
  return WriteResults(flags, rows);
}

void AddCaseFlags(CLI::App& verb, EvaluateFlags& flags) {
  const auto add_list = [&verb](const std::string& name, auto& list, const std::string& text) {
    return verb.add_option(name, list, text)
        ->delimiter(',')
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  add_list("--member", flags.members, "Only this member; may be given many times [all]")
      ->check(WholeNumber(0, std::numeric_limits<uint32_t>::max()))
      ->type_name("K");
  verb.add_option("--policy", flags.policies.policy,
                  "final, or the version of a policy that was kept")
      ->check(CheckPolicyChoice)
      ->type_name("VERSION")
      ->capture_default_str();
  add_list("--radius", flags.radii, "Radii of the disturbances, in what the network sees")
      ->check(CheckRadius)
      ->type_name("R,...")
      ->capture_default_str();
  add_list("--disturbance", flags.disturbances, "Beside the clean one: random, adversarial, none")
      ->check(CLI::IsMember({"none", "random", "adversarial"}))
      ->type_name("KIND,...")
      ->capture_default_str();
  verb.add_option("--actions", flags.policies.actions,
                  "mean or sampled [sampled where the policy can]")
      ->check(CLI::IsMember({"mean", "sampled"}))
      ->type_name("KIND");
  verb.add_option("--probe-radius", flags.probe_radius,
                  "Of the balls in which smoothness is measured without disturbance")
      ->check(CheckProbeRadius)
      ->type_name("R")
      ->capture_default_str();
}

}  // namespace

void AddEvaluate(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand(
      "evaluate", "Returns and smoothness of a run's policies, clean and disturbed");
  const auto flags = std::make_shared<EvaluateFlags>();
  verb->add_option("DIR", flags->policies.folder, "A run's folder")->required();
  AddCaseFlags(*verb, *flags);
  verb->add_option("--episodes", flags->episodes, "Of each member under each disturbance")
      ->check(WholeNumber(1, 1000000))
      ->capture_default_str();
  verb->add_option("--seed", flags->seed, "Of starts, sampled actions and disturbances")
      ->check(WholeNumber(0, std::numeric_limits<uint64_t>::max()))
      ->capture_default_str();
  verb->add_option("--threads", flags->threads, "Episodes at a time; changes no result")
      ->check(WholeNumber(1, 1024))
      ->capture_default_str();
  verb->add_option("--csv", flags->csv,
                   "Where the results go; - is standard output [DIR/evaluation.csv]")
      ->type_name("FILE");
  verb->callback([flags, &action] {
    CheckRadiiDiffer(flags->radii);
    action = [flags] { return EvaluateRun(*flags); };
  });
}

}  // namespace sr2l
