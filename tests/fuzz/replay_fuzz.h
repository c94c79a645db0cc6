#ifndef SR2L_TESTS_FUZZ_REPLAY_FUZZ_H_
#define SR2L_TESTS_FUZZ_REPLAY_FUZZ_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "sr2l/v1/replay.pb.h"

// One run of a replay store on whatever the bytes say: records of a kind (one byte), a
// length (two bytes, little-endian) and that many bytes. Aborts when the store
// contradicts a plain model of it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size);

namespace sr2l {

enum class FuzzRecord : uint8_t { kAppend, kOpenStream, kReleaseRounds, kReadRound };

// The record, as the target reads it.
std::string EncodeRecord(FuzzRecord kind, const std::string& content);

// The one table of the target's store.
v1::TableSpec FuzzTable();

// How chunks were answered since the process started, by outcome.
const std::array<uint64_t, v1::AppendResponse::Outcome_ARRAYSIZE>& FuzzOutcomes();

}  // namespace sr2l

#endif  // SR2L_TESTS_FUZZ_REPLAY_FUZZ_H_
