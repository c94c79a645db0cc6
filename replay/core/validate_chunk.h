#ifndef SR2L_REPLAY_CORE_VALIDATE_CHUNK_H_
#define SR2L_REPLAY_CORE_VALIDATE_CHUNK_H_

#include <cstddef>

#include "absl/status/status.h"
#include "sr2l/v1/replay.pb.h"

namespace sr2l {

inline constexpr size_t kMaxTokenBytes = 1024 * 1024;

// Whether the chunk says what replay.proto allows for a table of this shape: sizes of
// all columns, at most kMaxChunkColumnBytes together, one round only and, without
// limits, its policy version, flags and episodes that agree, finite numbers, a resume token of 1 to
// kMaxTokenBytes bytes. Looks at the chunk alone, not at what is stored. InvalidArgument
// names the field, what is allowed and the value.
absl::Status ValidateChunk(const v1::TableSpec& spec, const v1::Chunk& chunk);

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_VALIDATE_CHUNK_H_
