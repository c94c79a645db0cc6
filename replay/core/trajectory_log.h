#ifndef SR2L_REPLAY_CORE_TRAJECTORY_LOG_H_
#define SR2L_REPLAY_CORE_TRAJECTORY_LOG_H_

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sr2l/v1/replay.pb.h"

namespace sr2l {

using ChunkPtr = std::shared_ptr<const v1::Chunk>;

// Names one table: a member of an experiment.
struct TableId {
  std::string experiment_id;
  uint32_t member = 0;
  auto operator<=>(const TableId&) const = default;
};

// Names one stream of a table.
struct StreamId {
  TableId table;
  uint32_t stream = 0;
};

// The counters of a stream.
struct StreamState {
  uint64_t epoch = 0;      // of the lease that may append; 0: never opened
  uint64_t next_step = 0;  // every step before it is stored
};

// Steps [begin, end) of a stream that the log should hold and does not, or not as they came.
struct LogDamage {
  uint32_t stream = 0;
  uint64_t begin = 0;
  uint64_t end = 0;
  std::string what;
};

// "stream 3, steps 8 to 16: WHAT"
std::string ToText(const LogDamage& damage);

// A table as the log holds it.
struct TableState {
  v1::TableSpec spec;
  uint64_t released_end = 0;         // steps before it were released, in every stream
  uint64_t bytes = 0;                // held now, in memory
  std::vector<StreamState> streams;  // [spec.num_streams]
  // With a capacity, by stream: from where on ReadKept has steps. Empty: it has none.
  std::vector<uint64_t> kept_begin = {};
  std::vector<LogDamage> damage = {};  // as found when the log was opened
};

// Whether the log takes what it is given.
struct LogHealth {
  bool full = false;         // the disk has no room; it goes on when there is some
  uint64_t errors = 0;       // of any other kind, since the log was opened
  std::string refusal = {};  // why it takes nothing, or is not synced, now; empty: all is well
};

// Where acknowledged steps live. Of a table with a capacity only tokens and counters are held
// in memory, and whether chunks are kept at all is the backend's matter. Every changing call is
// one atomic record: after it returned OK its whole effect survives whatever the backend
// promises to survive; after an error none of it does. Thread-safe; calls that change one
// stream must not overlap, which the caller's lock of that stream ensures.
class TrajectoryLog {
 public:
  using Done = std::function<void(const absl::Status&)>;

  virtual ~TrajectoryLog() = default;

  // Creates all tables or none, with every stream at step 0 and epoch 0. AlreadyExists
  // names a table that exists.
  virtual absl::Status CreateTables(const std::vector<v1::TableSpec>& specs) = 0;

  // Every table that was created and not dropped, by experiment and member.
  virtual absl::StatusOr<std::vector<TableState>> Describe() const = 0;

  // Sets the stream's epoch. NotFound: no such stream.
  virtual absl::Status Fence(const StreamId& id, uint64_t epoch) = 0;

  // Stores the chunk, its resume token and the stream's new next_step together. The
  // chunk is valid for the table and starts at the stream's next_step. NotFound: no such
  // stream. ResourceExhausted: it would exceed the byte budget, or the disk does not take it.
  virtual absl::Status Append(const StreamId& id, ChunkPtr chunk) = 0;

  // The token of the newest step, empty before the first one. NotFound: no such stream.
  virtual absl::StatusOr<std::string> ReadToken(const StreamId& id) const = 0;

  // The chunks that hold steps [first_step, end_step), in order, as far as they are
  // stored and not released. NotFound: no such stream.
  virtual absl::StatusOr<std::vector<ChunkPtr>> Read(const StreamId& id, uint64_t first_step,
                                                     uint64_t end_step) const = 0;

  // Hands over the chunks that are kept of a stream of a table with a capacity, in order.
  // DataLoss: they are not as they came.
  virtual absl::Status ReadKept(const StreamId& /*id*/,
                                const std::function<void(const ChunkPtr&)>& /*take*/) const {
    return absl::OkStatus();
  }

  // Notes in every stream of the table that steps before `end_step` were released. Without a
  // capacity their chunks are forgotten. Counters and tokens stay. NotFound: no such table.
  virtual absl::Status Release(const TableId& id, uint64_t end_step) = 0;

  // With a capacity: nobody needs the stream's steps before `begin_step` any more, and the
  // next Append may forget them.
  virtual void Forget(const StreamId& /*id*/, uint64_t /*begin_step*/) {}

  // Replaces the limits of all these tables or of none. NotFound: no such table.
  virtual absl::Status SetLimits(const std::vector<TableId>& ids,
                                 const v1::TableLimits& limits) = 0;

  // Forgets every table of the experiment. OK when there is none.
  virtual absl::Status Drop(const std::string& experiment_id) = 0;

  // Payload held now, and the most that may be held, of which the RingBytes of tables with a
  // capacity are set aside.
  virtual uint64_t bytes() const = 0;
  virtual uint64_t byte_budget() const = 0;
  // Of tables with a capacity: not in bytes(), but of the budget.
  virtual uint64_t set_aside_bytes() const = 0;

  // What a change outlives once WhenDurable has said so.
  virtual v1::AppendResponse::Durability durability() const { return v1::AppendResponse::MEMORY; }

  // Says in the answer to a chunk that is stored what that outlives, and why.
  virtual void Acknowledge(v1::AppendResponse& response) const {
    response.set_durability(durability());
  }

  // Calls `done` once everything that was changed before is as durable as it gets: at once, or
  // from another thread, in the order of the calls. ResourceExhausted: it is not for now; ask
  // again later.
  virtual void WhenDurable(Done done) { done(absl::OkStatus()); }

  // The same for those who wait until it is: calls `*done` later instead of with
  // ResourceExhausted, and with an error only when the log is closed before. It is held weakly:
  // who lets it go is not told, and leaves nothing behind.
  virtual void AwaitDurable(const std::shared_ptr<const Done>& done) { (*done)(absl::OkStatus()); }

  // Calls `*done` once everything that was changed before is as durable as the log ever makes it,
  // so that sync_durability() holds: at once, or from another thread, as patiently as
  // AwaitDurable and held as weakly.
  virtual void AwaitSync(const std::shared_ptr<const Done>& done) { (*done)(absl::OkStatus()); }
  virtual v1::AppendResponse::Durability sync_durability() const { return durability(); }

  virtual LogHealth health() const { return {}; }
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_TRAJECTORY_LOG_H_
