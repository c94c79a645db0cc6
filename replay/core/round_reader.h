#ifndef SR2L_REPLAY_CORE_ROUND_READER_H_
#define SR2L_REPLAY_CORE_ROUND_READER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "replay/core/table.h"

namespace sr2l {

// Walks the chunks of a complete round in canonical order (member, stream, step),
// loading one stream at a time. Not thread-safe.
class RoundReader {
 public:
  // `tables` sorted by member.
  RoundReader(std::vector<std::shared_ptr<const Table>> tables, uint64_t round)
      : tables_(std::move(tables)), round_(round) {}

  // The next chunk, null after the last. OutOfRange: the round was released meanwhile.
  // NotFound: the experiment was dropped meanwhile.
  absl::StatusOr<ChunkPtr> Next();

 private:
  std::vector<std::shared_ptr<const Table>> tables_;
  uint64_t round_;
  size_t table_ = 0;             // the next stream to load
  uint32_t stream_ = 0;
  std::vector<ChunkPtr> loaded_;  // of one stream
  size_t next_ = 0;              // in loaded_
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_ROUND_READER_H_
