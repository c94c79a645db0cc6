#include "deploy/cli/member_table.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "deploy/cli/text.h"
#include "deploy/cli/text_table.h"

namespace sr2l {
namespace {

constexpr size_t kLastRounds = 20;
constexpr int kReturnColumn = 5;

std::string FormatTable(const v1::Progress& progress, const std::string& return_heading,
                        const std::function<double(const v1::MemberProgress&)>& return_of) {
  if (progress.members().empty()) return "";
  const bool evaluated =
      std::any_of(progress.members().begin(), progress.members().end(),
                  [](const v1::MemberProgress& member) { return member.has_evaluation_return(); });
  std::vector<std::string> headings = {"member", "seed",         "radius",        "coefficient",
                                       "rounds", return_heading, "nonsmoothness", "outcome"};
  if (evaluated) headings.insert(headings.begin() + kReturnColumn + 1, "evaluated");
  TextTable table(headings);
  for (const v1::MemberProgress& member : progress.members()) {
    std::vector<std::string> cells = {
        absl::StrCat(member.member()),
        absl::StrCat(member.seed()),
        FormatNumber(member.radius()),
        FormatNumber(member.coefficient()),
        absl::StrCat(member.rounds()),
        FormatNumber(return_of(member)),
        member.has_nonsmoothness() ? FormatNumber(member.nonsmoothness()) : "-",
        member.failed() ? absl::StrCat("failed: ", OneLine(member.failure())) : "ok"};
    if (evaluated) {
      cells.insert(cells.begin() + kReturnColumn + 1,
                   member.has_evaluation_return() ? FormatNumber(member.evaluation_return()) : "-");
    }
    table.Add(std::move(cells));
  }
  return table.Format();
}

}  // namespace

std::string FormatMembers(const v1::Progress& progress) {
  return FormatTable(progress, "return", [](const v1::MemberProgress& member) {
    return member.has_return_mean() ? member.return_mean()
                                    : std::numeric_limits<double>::quiet_NaN();
  });
}

std::string FormatResults(const v1::Progress& progress,
                          const std::map<uint32_t, LearningCurve>& curves) {
  return FormatTable(progress, absl::StrCat("return of last ", kLastRounds, " rounds"),
                     [&curves](const v1::MemberProgress& member) {
                       const auto curve = curves.find(member.member());
                       return MeanOfLast(
                           curve == curves.end() ? std::vector<double>{} : curve->second.returns,
                           kLastRounds);
                     });
}

}  // namespace sr2l
