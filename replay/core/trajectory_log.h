#ifndef SR2L_REPLAY_CORE_TRAJECTORY_LOG_H_
#define SR2L_REPLAY_CORE_TRAJECTORY_LOG_H_

#include <compare>
#include <cstdint>
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

// A table as the log holds it.
struct TableState {
  v1::TableSpec spec;
  uint64_t released_end = 0;         // steps before it were released, in every stream
  uint64_t bytes = 0;                // held now
  std::vector<StreamState> streams;  // [spec.num_streams]
};

// Where acknowledged steps live; of a table with a capacity only tokens and counters do.
// Every changing call is one atomic record: after it returned OK its whole effect survives whatever the backend promises to survive; after
// an error none of it does. Thread-safe; calls that change one stream must not overlap,
// which the caller's lock of that stream ensures.
class TrajectoryLog {
 public:
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
  // stream. ResourceExhausted: it would exceed the byte budget.
  virtual absl::Status Append(const StreamId& id, ChunkPtr chunk) = 0;

  // The token of the newest step, empty before the first one. NotFound: no such stream.
  virtual absl::StatusOr<std::string> ReadToken(const StreamId& id) const = 0;

  // The chunks that hold steps [first_step, end_step), in order, as far as they are
  // stored and not released. NotFound: no such stream.
  virtual absl::StatusOr<std::vector<ChunkPtr>> Read(const StreamId& id, uint64_t first_step,
                                                     uint64_t end_step) const = 0;

  // Forgets the chunks of steps before `end_step`, in every stream of the table. Counters
  // and tokens stay. NotFound: no such table.
  virtual absl::Status Release(const TableId& id, uint64_t end_step) = 0;

  // Forgets every table of the experiment. OK when there is none.
  virtual absl::Status Drop(const std::string& experiment_id) = 0;

  // Payload held now, and the most that may be held, of which the RingBytes of tables with a
  // capacity are set aside.
  virtual uint64_t bytes() const = 0;
  virtual uint64_t byte_budget() const = 0;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_TRAJECTORY_LOG_H_
