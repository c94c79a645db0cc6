#ifndef SR2L_DEPLOY_REPORT_STUDY_H_
#define SR2L_DEPLOY_REPORT_STUDY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "deploy/report/run_data.h"

namespace sr2l {

// One training of one setting. Borrows from the study's runs.
struct SeedRun {
  const RunData* run = nullptr;
  const MemberData* member = nullptr;
};

// What was trained several times with different seeds and otherwise alike.
struct Setting {
  std::string algorithm;  // "TRPO", "TRPO-SR", "DDPG", "DDPG-SR-A" or "DDPG-SR-C"
  std::string label;      // the algorithm, and what tells it from others in its panel
  bool has_smoothness = false;
  double radius = 0;  // 0 without smoothness
  double coefficient = 0;
  std::string configuration;   // without name, members, radius and coefficient; protobuf text
  std::vector<SeedRun> seeds;  // by seed, each once
};

// What is compared in one figure: the settings of one family of algorithms on one task.
struct Panel {
  std::string task;               // for people; equal names of different tasks are numbered
  std::string family;             // "TRPO" or "DDPG"
  std::string id;                 // of files: [a-z0-9_]+
  std::vector<Setting> settings;  // by algorithm, radius and coefficient
};

// Runs, grouped by task, algorithm and everything else that their experiments say.
struct Study {
  CurveKind curve_kind = CurveKind::kTraining;
  std::vector<RunData> runs;
  std::vector<Panel> panels;       // in the order of the runs; borrow from them
  std::vector<std::string> notes;  // what a reader of the figures must know
};

// "TRPO on swimmer".
std::string NameOf(const Panel& panel);

// What a final return is the mean of: "last 20 rounds in which episodes ended".
std::string LastPoints(const Study& study, size_t last);

// Pools the seeds of runs with the same setting; a seed that occurs twice counts once. All
// were read with one kind of curve.
Study MakeStudy(std::vector<RunData> runs);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_REPORT_STUDY_H_
