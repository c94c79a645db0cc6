#ifndef SR2L_REPLAY_CORE_REPLAY_STORE_H_
#define SR2L_REPLAY_CORE_REPLAY_STORE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "replay/core/round_reader.h"
#include "replay/core/table.h"
#include "replay/core/trajectory_log.h"

namespace sr2l {

// Which round of which members is wanted.
struct RoundRequest {
  std::string experiment_id;
  std::vector<uint32_t> members;  // distinct, any order
  uint64_t round = 0;
};

// Every table of a replay server. Thread-safe. No call waits for another but for short
// sections; a write to the log holds the lock of its stream only.
class ReplayStore {
 public:
  // Called once, from the thread that ends the wait, without any lock held.
  using RoundCallback = std::function<void(absl::StatusOr<RoundReader>)>;
  using WaitId = uint64_t;

  // Takes up every table that the log holds. `log` is borrowed and must outlive the store.
  static absl::StatusOr<std::unique_ptr<ReplayStore>> Open(TrajectoryLog& log);

  // Creates all tables or none; one that exists with the same shape is left alone.
  // InvalidArgument names the field; FailedPrecondition a shape that differs, or that the
  // byte budget is below one round of all tables, in which case no round could complete.
  absl::Status CreateTables(const std::vector<v1::TableSpec>& specs)
      ABSL_LOCKS_EXCLUDED(admin_mu_, mu_);

  // NotFound: no such table. Otherwise as Table::Open.
  absl::StatusOr<OpenedStream> OpenStream(const v1::StreamKey& key, uint64_t epoch);

  // Stores the chunk or says why not, see AppendResult. `now` is remembered as the
  // stream's last sign of life. The error status is the log's.
  absl::StatusOr<AppendResult> Append(ChunkPtr chunk, absl::Time now);

  // Calls `ready` once every stream of the members has finished the round; at once if it
  // has, or with InvalidArgument, NotFound (no such table) or OutOfRange (released).
  // Cancelled when the experiment is dropped meanwhile.
  WaitId WaitForRound(const RoundRequest& request, RoundCallback ready)
      ABSL_LOCKS_EXCLUDED(mu_);

  // True: `ready` was not called and never will be.
  bool CancelWait(WaitId id) ABSL_LOCKS_EXCLUDED(mu_);

  // Which streams the round waits for, for people: how far each is, with which epoch, how
  // long ago its last chunk came.
  std::string DescribeWait(const RoundRequest& request, absl::Time now) const;

  // Forgets the members' rounds before `before_round`. FailedPrecondition: one of those is
  // not complete; then nothing is forgotten.
  absl::Status ReleaseRounds(const std::string& experiment_id,
                             const std::vector<uint32_t>& members, uint64_t before_round);

  // Forgets the experiment and ends its waits. OK when there is none.
  absl::Status DropExperiment(const std::string& experiment_id)
      ABSL_LOCKS_EXCLUDED(admin_mu_, mu_);

  // The tables of one experiment, or of all if `experiment_id` is empty.
  absl::StatusOr<v1::DescribeTablesResponse> Describe(const std::string& experiment_id) const;

  uint64_t bytes() const { return log_.bytes(); }
  uint64_t byte_budget() const { return log_.byte_budget(); }

 private:
  using ConstTables = std::vector<std::shared_ptr<const Table>>;
  struct Wait {
    std::string experiment_id;
    ConstTables tables;  // by member
    uint64_t round = 0;
    RoundCallback ready;
  };

  explicit ReplayStore(TrajectoryLog& log) : log_(log) {}

  // Null: no such table.
  std::shared_ptr<Table> FindTable(const TableId& id) const ABSL_LOCKS_EXCLUDED(mu_);
  std::shared_ptr<Table> Find(const TableId& id) const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  // Sorted by member. NotFound names one that is missing.
  absl::StatusOr<std::vector<std::shared_ptr<Table>>> FindAll(
      const std::string& experiment_id, const std::vector<uint32_t>& members) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);

  // Sets `tables` to the request's, by member; whether all of them have the whole round.
  absl::StatusOr<bool> FindRound(const RoundRequest& request, ConstTables& tables) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);

  // The specs that have no table yet, after checking them and the byte budget.
  absl::StatusOr<std::vector<v1::TableSpec>> PlanTables(
      const std::vector<v1::TableSpec>& specs) const ABSL_LOCKS_EXCLUDED(mu_);

  std::vector<Wait> TakeWaits(const std::function<bool(const Wait&)>& ended)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Ends the waits for rounds that are complete now.
  void WakeComplete() ABSL_LOCKS_EXCLUDED(mu_);

  TrajectoryLog& log_;
  absl::Mutex admin_mu_ ABSL_ACQUIRED_BEFORE(mu_);  // one creation or drop at a time
  mutable absl::Mutex mu_;                          // held before a table's lock
  std::map<TableId, std::shared_ptr<Table>> tables_ ABSL_GUARDED_BY(mu_);
  std::map<WaitId, Wait> waits_ ABSL_GUARDED_BY(mu_);
  WaitId last_wait_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_REPLAY_STORE_H_
