#ifndef SR2L_COMMON_CHUNK_CHUNK_FORMAT_H_
#define SR2L_COMMON_CHUNK_CHUNK_FORMAT_H_

#include <cstddef>
#include <cstdint>

namespace sr2l {

// What the comments of replay.proto say about Chunk, for those who write chunks, keep
// them and read them.

// Bits of a step in Chunk.flags.
inline constexpr uint8_t kTerminatedFlag = 1;
inline constexpr uint8_t kTruncatedFlag = 2;

// Most bytes of the columns of one chunk together: observations, actions, rewards, flags
// and final_observations.
inline constexpr size_t kMaxChunkColumnBytes = 1024 * 1024;

// Largest message that a replay takes: a chunk of that size, with a summary of an
// episode for each step and the largest resume token, fits.
inline constexpr int kMaxReplayMessageBytes = 4 * 1024 * 1024;

}  // namespace sr2l

#endif  // SR2L_COMMON_CHUNK_CHUNK_FORMAT_H_
