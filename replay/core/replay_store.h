#ifndef SR2L_REPLAY_CORE_REPLAY_STORE_H_
#define SR2L_REPLAY_CORE_REPLAY_STORE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "replay/core/open_waits.h"
#include "replay/core/replay_totals.h"
#include "replay/core/round_reader.h"
#include "replay/core/sample_reader.h"
#include "replay/core/table.h"
#include "replay/core/trajectory_log.h"
#include "replay/core/wait_list.h"

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
  using SampleCallback = std::function<void(absl::StatusOr<SampleReader>)>;
  using WaitId = WaitList::Id;

  // Takes up every table that the log holds. `log` is borrowed and must outlive the store.
  static absl::StatusOr<std::unique_ptr<ReplayStore>> Open(TrajectoryLog& log);

  // Creates all tables or none; one that exists with the same shape is left alone.
  // InvalidArgument names the field; FailedPrecondition a shape that differs, or that the
  // byte budget is below one round of all tables and the transitions of those that have a
  // capacity, in which case no round could complete.
  absl::Status CreateTables(const std::vector<v1::TableSpec>& specs)
      ABSL_LOCKS_EXCLUDED(admin_mu_, mu_);

  // NotFound: no such table. Otherwise as Table::Open.
  absl::StatusOr<OpenedStream> OpenStream(const v1::StreamKey& key, uint64_t epoch)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Stores the chunk or says why not, see AppendResult. The time is remembered as the
  // stream's last sign of life. The error status is the log's.
  absl::StatusOr<AppendResult> Append(ChunkPtr chunk, const Arrival& arrival)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<AppendResult> Append(ChunkPtr chunk, absl::Time now) {
    return Append(std::move(chunk), Arrival{.now = now});
  }

  // The call, not 0, brings no more chunks: the streams that it brought do not hold the
  // learner any more.
  void EndCall(uint64_t call) ABSL_LOCKS_EXCLUDED(mu_);

  // Calls `ready` once every stream of the members has finished the round; at once if it
  // has, or with InvalidArgument, NotFound (no such table), FailedPrecondition (a table with a
  // capacity) or OutOfRange (released). Cancelled when the experiment is dropped meanwhile.
  WaitId WaitForRound(const RoundRequest& request, RoundCallback ready)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Calls `ready` once every table of the request may be drawn from; at once if it may, or
  // with InvalidArgument, NotFound or FailedPrecondition (a table without a capacity).
  // Cancelled when the experiment is dropped meanwhile.
  WaitId WaitForSample(const v1::SampleRequest& request, SampleCallback ready)
      ABSL_LOCKS_EXCLUDED(mu_);

  // True: `ready` was not called and never will be. False: it was called, or will be.
  bool CancelWait(WaitId id) ABSL_LOCKS_EXCLUDED(mu_);

  // Which streams the round waits for, for people: how far each is, with which epoch, how
  // long ago its last chunk came.
  std::string DescribeWait(const RoundRequest& request, absl::Time now) const;
  std::string DescribeWait(const v1::SampleRequest& request, absl::Time now) const;

  // Passes on to the log: see TrajectoryLog.
  void WhenDurable(TrajectoryLog::Done done) { log_.WhenDurable(std::move(done)); }
  void Acknowledge(v1::AppendResponse& response) const { log_.Acknowledge(response); }
  void AwaitSync(const std::shared_ptr<const TrajectoryLog::Done>& done) { log_.AwaitSync(done); }
  v1::AppendResponse::Durability sync_durability() const { return log_.sync_durability(); }

  // Replaces the limits of the members' tables, of all or of none. InvalidArgument names the
  // field; FailedPrecondition a table without limits.
  absl::Status SetLimits(const v1::SetLimitsRequest& request) ABSL_LOCKS_EXCLUDED(admin_mu_, mu_);

  // Forgets the members' rounds before `before_round`. FailedPrecondition: one of those is
  // not complete, or a table has a capacity; then nothing is forgotten.
  absl::Status ReleaseRounds(const std::string& experiment_id,
                             const std::vector<uint32_t>& members, uint64_t before_round);

  // Forgets the experiment and ends its waits. OK when there is none. After an error, which is the
  // log's, it goes on.
  absl::Status DropExperiment(const std::string& experiment_id)
      ABSL_LOCKS_EXCLUDED(admin_mu_, mu_);

  // The tables of one experiment, or of all if `experiment_id` is empty.
  absl::StatusOr<v1::DescribeTablesResponse> Describe(const std::string& experiment_id) const;

  // Of all tables together, for metrics; of limiters the one that is furthest from rest.
  ReplayTotals Totals(absl::Time now) const ABSL_LOCKS_EXCLUDED(mu_);

  // Memory held: chunks and tokens of the log, and transitions.
  uint64_t bytes() const { return log_.bytes() + *ring_bytes_; }
  uint64_t byte_budget() const { return log_.byte_budget(); }

 private:
  using Tables = std::vector<std::shared_ptr<Table>>;

  explicit ReplayStore(TrajectoryLog& log) : log_(log) {}

  // Null: no such table.
  std::shared_ptr<Table> FindTable(const TableId& id) const ABSL_LOCKS_EXCLUDED(mu_);
  std::shared_ptr<Table> Find(const TableId& id) const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  // Sorted by member. NotFound names one that is missing.
  absl::StatusOr<Tables> FindAll(const std::string& experiment_id,
                                 const std::vector<uint32_t>& members) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // Those of a round, which keep rounds: FailedPrecondition names one with a capacity.
  absl::StatusOr<Tables> FindRoundTables(const std::string& experiment_id,
                                         const std::vector<uint32_t>& members) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);

  absl::StatusOr<Wait> MakeWait(const RoundRequest& request, RoundCallback& ready) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);
  absl::StatusOr<Wait> MakeWait(const v1::SampleRequest& request, SampleCallback& ready) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);
  template <typename Request, typename Callback>
  void StartWait(WaitId id, const Request& request, Callback ready) ABSL_LOCKS_EXCLUDED(mu_);

  // Hands a reader on once what it can read is as durable as it gets: a crash must not take back
  // what somebody has learned from. Not if the wait was cancelled by then.
  template <typename Reader>
  std::function<void(absl::StatusOr<Reader>)> OnceDurable(
      WaitId id, std::function<void(absl::StatusOr<Reader>)> ready);

  // The specs that have no table yet, after checking them and the byte budget.
  absl::StatusOr<std::vector<v1::TableSpec>> PlanTables(
      const std::vector<v1::TableSpec>& specs) const ABSL_LOCKS_EXCLUDED(mu_);
  // Whether all tables and the added ones fit.
  absl::Status CheckBudget(const std::vector<v1::TableSpec>& added) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);

  // Takes up the request's released_step, if it is valid for all its tables.
  absl::Status ReleaseContents(const v1::SampleRequest& request) ABSL_LOCKS_EXCLUDED(mu_);

  // The end of the text of a wait: how full the replay is, and why it takes nothing.
  std::string HeldText() const;
  // Adds what the log has lost of a table.
  void AddDamage(v1::TableDescription& description) const ABSL_LOCKS_EXCLUDED(mu_);
  // Adds what a table with a capacity holds.
  void DescribeTransitions(absl::Time now, v1::TableDescription& description) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // Ends the waits that are over now.
  void Wake() ABSL_LOCKS_EXCLUDED(mu_);

  TrajectoryLog& log_;
  const std::shared_ptr<std::atomic<uint64_t>> ring_bytes_ =
      std::make_shared<std::atomic<uint64_t>>(0);
  const std::shared_ptr<OpenWaits> open_waits_ = std::make_shared<OpenWaits>();
  absl::Mutex admin_mu_ ABSL_ACQUIRED_BEFORE(mu_);  // one creation, change or drop at a time
  mutable absl::Mutex mu_;                          // held before a table's lock
  std::map<TableId, std::shared_ptr<Table>> tables_ ABSL_GUARDED_BY(mu_);
  WaitList waits_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_REPLAY_STORE_H_
