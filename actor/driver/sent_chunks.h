#ifndef SR2L_ACTOR_DRIVER_SENT_CHUNKS_H_
#define SR2L_ACTOR_DRIVER_SENT_CHUNKS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// A chunk that was sent. A plain value.
struct SentChunk {
  uint64_t first_step = 0;
  uint64_t policy_version = 0;
  uint64_t ticket = 0;  // of the lease's opening, see SentChunks
  size_t bytes = 0;
};

// Which chunks are without a final answer, to tell whom an answer concerns: an answer
// names the stream, but not the lease under which the chunk was sent. Not thread-safe.
class SentChunks {
 public:
  // A chunk was sent for the holder of `ticket`.
  void Add(const v1::Chunk& chunk, uint64_t ticket, size_t bytes);

  // The chunk that is answered: the stream's oldest. Nothing if that is not what the answer
  // is about. FULL and LIMITED leave the chunk here, since it is sent again.
  std::optional<SentChunk> OnAnswer(const v1::AppendResponse& answer);

  // How many of the stream's chunks are here, under any lease.
  size_t CountOf(const v1::StreamKey& key) const;

  // Of all chunks here.
  size_t bytes() const { return bytes_; }

 private:
  using Key = std::tuple<std::string, uint32_t, uint32_t>;  // experiment, member, stream

  static Key KeyOf(const v1::StreamKey& key) {
    return {key.experiment_id(), key.member(), key.stream()};
  }

  std::map<Key, std::deque<SentChunk>> entries_;  // oldest first
  size_t bytes_ = 0;
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_DRIVER_SENT_CHUNKS_H_
