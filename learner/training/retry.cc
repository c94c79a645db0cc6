#include "learner/training/retry.h"

#include "absl/strings/str_cat.h"
#include "common/rpc/backoff.h"

namespace sr2l {

absl::Status RetryUnavailable(std::stop_token stop, const std::string& what,
                              const std::function<void(const std::string&)>& waiting,
                              const std::function<absl::Status()>& call) {
  Backoff backoff(/*seed=*/0);
  while (!stop.stop_requested()) {
    const absl::Status status = call();
    if (!absl::IsUnavailable(status) && !absl::IsDeadlineExceeded(status)) {
      waiting("");
      return status;
    }
    waiting(absl::StrCat(what, ": ", status.message()));
    if (!Pause(stop, backoff.Next())) break;
  }
  return absl::CancelledError("stopped");
}

}  // namespace sr2l
