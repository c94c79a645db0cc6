#include "replay/core/round_reader.h"

#include <utility>

#include "common/status/status_macros.h"

namespace sr2l {

absl::StatusOr<ChunkPtr> RoundReader::Next() {
  while (next_ == loaded_.size()) {
    if (table_ == tables_.size()) return ChunkPtr();
    SR2L_ASSIGN_OR_RETURN(loaded_, tables_[table_]->Read(stream_, round_));
    next_ = 0;
    if (++stream_ == tables_[table_]->spec().num_streams()) {
      stream_ = 0;
      ++table_;
    }
  }
  return std::move(loaded_[next_++]);
}

}  // namespace sr2l
