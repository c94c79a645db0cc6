#include "deploy/cli/progress_view.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "deploy/cli/progress_line.h"
#include "deploy/cli/text.h"

namespace sr2l {
namespace {

// Shorter waits belong to training: every round waits for its experience.
constexpr absl::Duration kStandstill = absl::Seconds(3);
constexpr absl::Duration kSilence = absl::Seconds(10);
constexpr absl::Duration kFirstAnswer = absl::Seconds(1);

}  // namespace

std::string DescribeNews(const ExperimentNews& news, absl::Time now) {
  std::string line = news.experiment.has_value() ? FormatProgress(*news.experiment)
                                                 : "waiting for the learner's first answer";
  if (news.experiment.has_value() && now - news.moved_at > kStandstill) {
    const std::string waiting = FormatWaiting(*news.experiment);
    if (!waiting.empty()) absl::StrAppend(&line, "  ", waiting);
  }
  const absl::Duration age = now - news.received_at;
  if (!news.connection.ok()) {
    absl::StrAppend(&line, "  no connection: ", OneLine(std::string(news.connection.message())));
  } else if (age > kSilence) {
    absl::StrAppend(&line, "  no news for ", FormatTimeSpan(age));
  }
  return line;
}

void ShowNews(const ExperimentNews& news, ProgressPrinter& printer) {
  const absl::Time now = absl::Now();
  if (!news.experiment.has_value() && now - news.received_at < kFirstAnswer) return;
  printer.Update(DescribeNews(news, now), now);
}

}  // namespace sr2l
