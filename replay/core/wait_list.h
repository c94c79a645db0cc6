#ifndef SR2L_REPLAY_CORE_WAIT_LIST_H_
#define SR2L_REPLAY_CORE_WAIT_LIST_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "replay/core/limiter.h"
#include "replay/core/trajectory_log.h"

namespace sr2l {

// Something that a caller waits for in a store.
struct Wait {
  std::string experiment_id;
  std::string what;  // for the message when the experiment is dropped: "round 3"
  // Whether the wait is over. True may have taken effect already, and is asked for once.
  std::function<absl::StatusOr<bool>()> is_over;
  // Called once, without a lock held: OK, or why the wait can never be over.
  std::function<void(absl::Status)> ended;
  // Of a wait for draws under limits: the tables' members and the rows.
  std::vector<uint32_t> members = {};
  std::optional<DrawRange> draw = std::nullopt;
};

// The waits of a store, oldest first. Not thread-safe.
class WaitList {
 public:
  using Id = uint64_t;

  // A wait that ended, and how.
  struct Ended {
    Wait wait;
    absl::Status status;
    void Tell() const { wait.ended(status); }
  };

  // Of waits that were added the newest has the greatest id.
  void Add(Id id, Wait wait) { waits_.emplace(id, std::move(wait)); }
  // False: there is none.
  bool Remove(Id id) { return waits_.erase(id) > 0; }

  // Takes out the waits that are over now.
  std::vector<Ended> TakeOver();
  // Takes out an experiment's waits, which was dropped.
  std::vector<Ended> TakeDropped(const std::string& experiment_id);

  bool empty() const { return waits_.empty(); }

  // The draw for which a table is waited for.
  std::optional<DrawRange> FindDraw(const TableId& table) const;

 private:
  std::map<Id, Wait> waits_;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_WAIT_LIST_H_
