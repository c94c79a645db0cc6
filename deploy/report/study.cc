#include "deploy/report/study.h"

#include <google/protobuf/text_format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "deploy/cli/text.h"
#include "deploy/report/evaluated.h"

namespace sr2l {
namespace {

std::string AlgorithmOf(const v1::ExperimentConfig& config) {
  if (config.has_trpo()) return config.has_smoothness() ? "TRPO-SR" : "TRPO";
  if (!config.has_smoothness()) return "DDPG";
  return config.smoothness().on() == v1::SmoothnessConfig::CRITIC ? "DDPG-SR-C" : "DDPG-SR-A";
}

std::string FamilyOf(const v1::ExperimentConfig& config) {
  return config.has_trpo() ? "TRPO" : "DDPG";
}

// What all seeds of a setting have in common, as text.
std::string CommonConfiguration(v1::ExperimentConfig config) {
  config.clear_name();
  config.clear_members();
  config.clear_keep_policy_every();
  config.clear_evaluation();
  if (config.has_smoothness()) {
    config.mutable_smoothness()->clear_radius();
    config.mutable_smoothness()->clear_coefficient();
  }
  std::string text;
  google::protobuf::TextFormat::PrintToString(config, &text);
  return text;
}

// Finds the run's panel, or adds it.
class PanelFinder {
 public:
  explicit PanelFinder(Study& study) : study_(study) {}

  Panel& Find(const v1::ExperimentConfig& config) {
    const std::string task = config.task().SerializeAsString();
    const auto [found, is_new] =
        panels_.try_emplace({task, FamilyOf(config)}, study_.panels.size());
    if (is_new) study_.panels.push_back(MakePanel(config, task));
    return study_.panels[found->second];
  }

 private:
  Panel MakePanel(const v1::ExperimentConfig& config, const std::string& task) {
    const std::string name = OneLine(config.task().name());
    std::vector<std::string>& namesakes = namesakes_[name];
    auto same = std::find(namesakes.begin(), namesakes.end(), task);
    if (same == namesakes.end()) same = namesakes.insert(namesakes.end(), task);
    const auto number = same - namesakes.begin() + 1;
    Panel panel;
    panel.task = number == 1 ? name : absl::StrCat(name, " (", number, ")");
    panel.family = FamilyOf(config);
    panel.id = absl::StrCat(absl::AsciiStrToLower(panel.family), "_", name);
    if (number > 1) absl::StrAppend(&panel.id, "_", number);
    for (char& c : panel.id) c = absl::ascii_isalnum(c) ? c : '_';
    return panel;
  }

  Study& study_;
  std::map<std::pair<std::string, std::string>, size_t> panels_;  // by task and family
  std::map<std::string, std::vector<std::string>> namesakes_;     // tasks by name
};

Setting& FindSetting(const RunData& run, const MemberData& member, Panel& panel) {
  const std::string configuration = CommonConfiguration(run.config);
  for (Setting& setting : panel.settings) {
    if (setting.configuration == configuration && setting.radius == member.radius &&
        setting.coefficient == member.coefficient) {
      return setting;
    }
  }
  Setting& setting = panel.settings.emplace_back();
  setting.algorithm = AlgorithmOf(run.config);
  setting.has_smoothness = run.config.has_smoothness();
  setting.radius = member.radius;
  setting.coefficient = member.coefficient;
  setting.configuration = configuration;
  return setting;
}

// The longer one of two trainings of one seed stays.
void AddSeed(const SeedRun& added, Setting& setting, std::vector<std::string>& notes) {
  for (SeedRun& known : setting.seeds) {
    if (known.member->seed != added.member->seed) continue;
    notes.push_back(absl::StrCat("seed ", added.member->seed, " of ", setting.algorithm,
                                 " was trained in ", known.run->folder, " and in ",
                                 added.run->folder, ": counted once"));
    if (added.member->rounds > known.member->rounds) known = added;
    return;
  }
  setting.seeds.push_back(added);
}

void NoteProgress(const RunData& run, std::vector<std::string>& notes) {
  const uint64_t all = static_cast<uint64_t>(run.config.rounds());
  for (size_t i = 0; i < run.members.size(); ++i) {
    const MemberData& member = run.members[i];
    if (member.curve.empty()) {
      notes.push_back(absl::StrCat(run.folder, ": ",
                                   run.curve_kind == CurveKind::kEvaluation
                                       ? absl::StrCat("member ", i, " was not evaluated")
                                       : absl::StrCat("no episode of member ", i, " has ended"),
                                   ": it is left out"));
    } else if (member.rounds < all) {
      notes.push_back(absl::StrCat(run.folder, ": member ", i, " has finished ", member.rounds,
                                   " of ", all, " rounds"));
    }
    for (const EvaluationPoint& point : member.evaluation) {
      if (point.env_steps == member.env_steps) continue;
      notes.push_back(absl::StrCat(run.folder, ": member ", i, " was evaluated after ",
                                   point.env_steps, " of ", member.env_steps,
                                   " steps (policy version ", point.policy_version, ")"));
      break;
    }
  }
}

// The lines of a text, without what surrounds them.
std::set<std::string> Lines(const std::string& text) {
  std::set<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipWhitespace())) {
    lines.insert(std::string(absl::StripAsciiWhitespace(line)));
  }
  return lines;
}

// What `setting` says that not all of `others` do, as much as fits into a legend.
std::string Peculiarity(const Setting& setting, const std::vector<Setting*>& others) {
  constexpr size_t kLegendColumns = 40;
  std::vector<std::string> peculiar;
  for (const std::string& line : Lines(setting.configuration)) {
    const bool is_common = std::all_of(others.begin(), others.end(), [&](const Setting* other) {
      return Lines(other->configuration).count(line) > 0;
    });
    if (!is_common) peculiar.push_back(line);
  }
  return TruncateColumns(absl::StrJoin(peculiar, " "), kLegendColumns);
}

// Appends `text(setting)` to labels that several settings have.
template <typename Text>
void TellApart(std::vector<Setting>& settings, Text text) {
  std::map<std::string, std::vector<Setting*>> by_label;
  for (Setting& setting : settings) by_label[setting.label].push_back(&setting);
  for (const auto& [label, group] : by_label) {
    if (group.size() == 1) continue;
    for (Setting* const setting : group) {
      const std::string what = text(*setting, group);
      if (!what.empty()) absl::StrAppend(&setting->label, ", ", what);
    }
  }
}

void LabelSettings(std::vector<Setting>& settings) {
  for (Setting& setting : settings) setting.label = setting.algorithm;
  TellApart(settings, [](const Setting& setting, const auto&) {
    if (!setting.has_smoothness) return std::string();
    return absl::StrCat("ε ", setting.radius, ", λ ", setting.coefficient);
  });
  TellApart(settings, Peculiarity);
  int number = 0;
  TellApart(settings, [&number](const auto&, const auto&) { return absl::StrCat(++number); });
}

void Arrange(Panel& panel) {
  std::stable_sort(panel.settings.begin(), panel.settings.end(),
                   [](const Setting& a, const Setting& b) {
                     return std::tie(a.algorithm, a.radius, a.coefficient) <
                            std::tie(b.algorithm, b.radius, b.coefficient);
                   });
  for (Setting& setting : panel.settings) {
    std::sort(setting.seeds.begin(), setting.seeds.end(),
              [](const SeedRun& a, const SeedRun& b) { return a.member->seed < b.member->seed; });
  }
  LabelSettings(panel.settings);
}

// Numbers that were not measured alike stand in one figure only with a word about it.
void NoteManners(const Panel& panel, std::vector<std::string>& notes) {
  std::map<std::string, std::set<std::string>> manners;  // by the run's folder
  std::set<std::string> all;
  for (const Setting& setting : panel.settings) {
    for (const SeedRun& seed : setting.seeds) {
      if (seed.member->evaluation.empty()) continue;
      const std::string manner = Describe(MannerOf(seed));
      manners[seed.run->folder].insert(manner);
      all.insert(manner);
    }
  }
  if (all.size() < 2) return;
  std::vector<std::string> runs;
  for (const auto& [folder, own] : manners) {
    runs.push_back(absl::StrCat(folder, " with ", absl::StrJoin(own, " or ")));
  }
  notes.push_back(
      absl::StrCat(NameOf(panel), ": evaluated in different ways: ", absl::StrJoin(runs, "; ")));
}

}  // namespace

std::string NameOf(const Panel& panel) { return absl::StrCat(panel.family, " on ", panel.task); }

std::string LastPoints(const Study& study, size_t last) {
  const std::string count = last == 1 ? "last " : absl::StrCat("last ", last, " ");
  const char* const plural = last == 1 ? "" : "s";
  return study.curve_kind == CurveKind::kEvaluation
             ? absl::StrCat(count, "evaluation", plural, " during training")
             : absl::StrCat(count, "round", plural, " in which episodes ended");
}

Study MakeStudy(std::vector<RunData> runs) {
  Study study;
  study.runs = std::move(runs);
  if (!study.runs.empty()) study.curve_kind = study.runs.front().curve_kind;
  PanelFinder finder(study);
  for (const RunData& run : study.runs) {
    NoteProgress(run, study.notes);
    for (const MemberData& member : run.members) {
      if (member.curve.empty()) continue;
      Panel& panel = finder.Find(run.config);
      AddSeed({.run = &run, .member = &member}, FindSetting(run, member, panel), study.notes);
    }
  }
  for (Panel& panel : study.panels) {
    Arrange(panel);
    NoteManners(panel, study.notes);
  }
  return study;
}

}  // namespace sr2l
