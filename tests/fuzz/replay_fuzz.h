#ifndef SR2L_TESTS_FUZZ_REPLAY_FUZZ_H_
#define SR2L_TESTS_FUZZ_REPLAY_FUZZ_H_

#include <array>
#include <cstdint>

#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// What a record of the target's input is: a Chunk, or a request of the method's name.
enum class FuzzRecord : uint8_t {
  kAppend,
  kOpenStream,
  kReleaseRounds,
  kReadRound,
  kCreateTables,
  kDropExperiment,
  kDescribeTables,
  kSample,
  kSetLimits,
};
inline constexpr int kFuzzRecords = 9;

// The tables that the target's store begins with, which differ in their member: one of rounds,
// one that is sampled, one with limits.
v1::TableSpec FuzzTable();
v1::TableSpec FuzzRing();
v1::TableSpec FuzzLimited();

// Rows that were drawn since the process started.
uint64_t FuzzRows();

// How chunks were answered since the process started, by outcome.
const std::array<uint64_t, v1::AppendResponse::Outcome_ARRAYSIZE>& FuzzOutcomes();

}  // namespace sr2l

#endif  // SR2L_TESTS_FUZZ_REPLAY_FUZZ_H_
