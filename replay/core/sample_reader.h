#ifndef SR2L_REPLAY_CORE_SAMPLE_READER_H_
#define SR2L_REPLAY_CORE_SAMPLE_READER_H_

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "replay/core/sample_draw.h"
#include "replay/core/transition_table.h"
#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// Makes the parts of the answer to a granted draw one by one: of each member its summary,
// then its rows. A member's contents are those at the time of its summary, and are kept until
// its last row. Not thread-safe.
class SampleReader {
 public:
  explicit SampleReader(SampleDraw draw) : draw_(std::move(draw)) {}

  // Sets `part` to the next one, reusing its memory; false after the last. OutOfRange: the
  // contents' oldest steps are not held any more, or too many episodes ended.
  absl::StatusOr<bool> Next(v1::SampleResponse& part);

  // Rows that the limiters counted; all of them without limits.
  uint64_t counted_rows() const { return draw_.counted_rows(); }

 private:
  absl::Status Summarize(v1::SampleSummary& summary);
  void DrawRows(v1::SampledRows& rows);

  SampleDraw draw_;
  size_t member_ = 0;
  uint32_t rows_done_ = 0;                 // of the member
  std::optional<TableContents> contents_;  // absent: the member's summary comes next
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_SAMPLE_READER_H_
