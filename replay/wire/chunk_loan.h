#ifndef SR2L_REPLAY_WIRE_CHUNK_LOAN_H_
#define SR2L_REPLAY_WIRE_CHUNK_LOAN_H_

#include <memory>
#include <utility>

#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// A message whose only field is a chunk (AppendRequest, ReadRoundResponse), to be sent
// with chunks that stay shared: lending one copies nothing. Not thread-safe.
template <typename Message>
class ChunkLoan {
 public:
  ChunkLoan() = default;
  ChunkLoan(const ChunkLoan&) = delete;
  ChunkLoan& operator=(const ChunkLoan&) = delete;
  ~ChunkLoan() { Return(); }

  // The message with `chunk` in it; both live until Return or the next Lend.
  const Message& Lend(std::shared_ptr<const v1::Chunk> chunk) {
    Return();
    chunk_ = std::move(chunk);
    // Encoding a message changes nothing in it but its cached sizes, which are atomic.
    message_.unsafe_arena_set_allocated_chunk(const_cast<v1::Chunk*>(chunk_.get()));
    return message_;
  }

  // Takes the chunk out of the message again. Does nothing when none is lent.
  void Return() {
    if (chunk_ == nullptr) return;
    static_cast<void>(message_.unsafe_arena_release_chunk());
    chunk_.reset();
  }

 private:
  Message message_;
  std::shared_ptr<const v1::Chunk> chunk_;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_WIRE_CHUNK_LOAN_H_
