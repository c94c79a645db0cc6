#include "deploy/cli/progress_line.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "deploy/cli/text.h"

namespace sr2l {
namespace {

std::string FormatSteps(const v1::Progress& progress) {
  const auto steps = static_cast<double>(progress.env_steps());
  const auto total = static_cast<double>(progress.env_steps_total());
  if (total <= 0) return absl::StrCat(FormatCount(steps), " steps");
  return absl::StrFormat("%5.1f%%  %s of %s steps", 100 * steps / total, FormatCount(steps),
                         FormatCount(total));
}

// By the newest speed: a mean since the start would count what an interrupted run had done
// before as done in no time.
std::string FormatRemaining(const v1::Progress& progress) {
  if (progress.steps_per_second() <= 0) return "";
  const double missing = static_cast<double>(progress.env_steps_total()) -
                         static_cast<double>(progress.env_steps());
  if (missing <= 0) return "";
  return absl::StrCat(FormatTimeSpan(absl::Seconds(missing / progress.steps_per_second())),
                      " left");
}

std::string FormatSpread(absl::string_view name, const v1::Progress& progress,
                         bool (v1::MemberProgress::*has_figure)() const,
                         double (v1::MemberProgress::*figure)() const) {
  const MemberSpread spread = SpreadOverMembers(progress, has_figure, figure);
  if (spread.count == 0) return "";
  if (spread.count == 1) return absl::StrFormat("%s %.1f", name, spread.mean);
  return absl::StrFormat("%s %.1f ± %.1f", name, spread.mean, spread.deviation);
}

std::string FormatMean(absl::string_view name, const v1::Progress& progress,
                       bool (v1::MemberProgress::*has_figure)() const,
                       double (v1::MemberProgress::*figure)() const) {
  const MemberSpread spread = SpreadOverMembers(progress, has_figure, figure);
  if (spread.count == 0) return "";
  return absl::StrFormat("%s %.3g", name, spread.mean);
}

int NumFailed(const v1::Progress& progress) {
  return static_cast<int>(
      std::count_if(progress.members().begin(), progress.members().end(),
                    [](const v1::MemberProgress& member) { return member.failed(); }));
}

}  // namespace

MemberSpread SpreadOverMembers(const v1::Progress& progress,
                               bool (v1::MemberProgress::*has_figure)() const,
                               double (v1::MemberProgress::*figure)() const) {
  MemberSpread spread;
  double sum = 0;
  double sum_of_squares = 0;
  for (const v1::MemberProgress& member : progress.members()) {
    const double value = (member.*figure)();
    if (member.failed() || !(member.*has_figure)() || !std::isfinite(value)) continue;
    ++spread.count;
    sum += value;
    sum_of_squares += value * value;
  }
  if (spread.count == 0) return spread;
  spread.mean = sum / spread.count;
  spread.deviation =
      std::sqrt(std::max(0.0, sum_of_squares / spread.count - spread.mean * spread.mean));
  return spread;
}

std::string FormatProgress(const v1::Experiment& experiment) {
  const v1::Progress& progress = experiment.progress();
  std::vector<std::string> parts = {
      experiment.state() == v1::QUEUED ? "queued" : "",
      FormatSteps(progress),
      progress.steps_per_second() > 0
          ? absl::StrCat(FormatCount(progress.steps_per_second()), " steps/s")
          : "",
      FormatSpread("return", progress, &v1::MemberProgress::has_return_mean,
                   &v1::MemberProgress::return_mean),
      FormatSpread("evaluated", progress, &v1::MemberProgress::has_evaluation_return,
                   &v1::MemberProgress::evaluation_return),
      FormatMean("KL", progress, &v1::MemberProgress::has_kl, &v1::MemberProgress::kl),
      FormatMean("D ratio", progress, &v1::MemberProgress::has_perturbation_gain,
                 &v1::MemberProgress::perturbation_gain),
      NumFailed(progress) > 0 ? absl::StrCat(NumFailed(progress), " failed") : "",
      FormatRemaining(progress),
  };
  std::erase(parts, "");
  return absl::StrJoin(parts, "  ");
}

std::string FormatWaiting(const v1::Experiment& experiment) {
  const std::string& what = experiment.progress().waiting_for();
  return what.empty() ? "" : absl::StrCat("waiting for ", OneLine(what));
}

}  // namespace sr2l
