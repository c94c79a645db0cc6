#include "deploy/cli/progress_view.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "deploy/cli/progress_line.h"
#include "deploy/cli/text.h"

namespace sr2l {
namespace {

constexpr absl::Duration kSilence = absl::Seconds(10);

}  // namespace

std::string DescribeNews(const ExperimentNews& news, absl::Time now) {
  std::string line = news.experiment.has_value() ? FormatProgress(*news.experiment)
                                                 : "waiting for the learner's first answer";
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
  printer.Update(DescribeNews(news, now), now);
}

}  // namespace sr2l
