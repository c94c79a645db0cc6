#ifndef SR2L_LEARNER_TRAINING_RETRY_H_
#define SR2L_LEARNER_TRAINING_RETRY_H_

#include <functional>
#include <stop_token>
#include <string>

#include "absl/status/status.h"

namespace sr2l {

// Makes `call` until it answers something else than Unavailable or DeadlineExceeded, with
// growing pauses in between. `waiting` is told that `what` is missing and what the failure was,
// and "" in the end. Cancelled as soon as `stop` is requested. `call` must be safe to repeat.
absl::Status RetryUnavailable(std::stop_token stop, const std::string& what,
                              const std::function<void(const std::string&)>& waiting,
                              const std::function<absl::Status()>& call);

}  // namespace sr2l

#endif  // SR2L_LEARNER_TRAINING_RETRY_H_
