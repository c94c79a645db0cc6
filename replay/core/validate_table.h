#ifndef SR2L_REPLAY_CORE_VALIDATE_TABLE_H_
#define SR2L_REPLAY_CORE_VALIDATE_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/config/limits.h"
#include "sr2l/v1/replay.pb.h"

namespace sr2l {

inline constexpr size_t kMaxIdBytes = 128;  // of an experiment's id
inline constexpr uint64_t kMaxRound = uint64_t{1} << 40;

// Checks every field against the range in its .proto comment. InvalidArgument reads
// "PATH.num_streams must be in [1, 1024], got 0".
absl::Status ValidateTable(absl::string_view path, const v1::TableSpec& spec);

// Limits of a table of this shape: every field in its range, finite, and no combination
// with which actors and learner could wait for each other. InvalidArgument names field, value
// and the least or most allowed.
absl::Status ValidateLimits(absl::string_view path, const v1::TableLimits& limits,
                            const v1::TableSpec& spec);

// FailedPrecondition names the first field that differs, with both values. Limits may
// differ: they change while the table lives.
absl::Status CheckSameShape(const v1::TableSpec& existing, const v1::TableSpec& wanted);

// What the chunks of one round of all streams can take, in bytes, with an episode's end
// in every step: chunks of at least 64 KiB or a whole round, resume tokens of at most
// 2 KiB plus an observation.
uint64_t RoundBytes(const v1::TableSpec& spec);

// What RingBytes counts for the resume token of a stream: 2 KiB, and 32 bytes for each number of an
// observation, which is one of some four doubles of the simulator's state in a large model.
uint64_t MostTokenBytes(const v1::TableSpec& spec);

// The memory to set aside for a table with a capacity, in bytes: 1.1 times the columns of the
// most transitions that it holds (TransitionTable::MostStreamSteps), which leaves room for the ends
// of all but very short episodes, and a block and a resume token for each stream.
uint64_t RingBytes(const v1::TableSpec& spec);

// Checks what several requests carry: 1 to kMaxMembers distinct members, an id of 1 to
// kMaxIdBytes bytes, a round below kMaxRound. InvalidArgument names the field.
absl::Status ValidateSelection(const std::string& experiment_id,
                               const std::vector<uint32_t>& members, absl::string_view round_field,
                               uint64_t round);

// 1 to kMaxIdBytes printable ASCII characters without spaces.
absl::Status ValidateExperimentId(absl::string_view path, const std::string& experiment_id);

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_VALIDATE_TABLE_H_
