// A bounded, seeded run of the fuzz target: valid sessions, spoilt in their fields and in
// their bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "common/random/philox.h"
#include "tests/fuzz/replay_fuzz.h"
#include "tests/replay/chunks.h"

namespace sr2l {
namespace {

// Random choices for one input, drawn one after the other.
class Dice {
 public:
  explicit Dice(uint64_t input) : random_(20240607, Purpose::kJitter), input_(input) {}

  uint64_t Below(uint64_t limit) {
    return static_cast<uint64_t>(static_cast<double>(limit) * random_.Uniform(input_, lane_++));
  }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  uint64_t Number() {
    constexpr uint64_t kEdges[] = {0, 1, 7, 8, 9, 255, uint64_t{1} << 31, uint64_t{1} << 32,
                                   uint64_t{1} << 63, std::numeric_limits<uint64_t>::max()};
    return OneIn(2) ? kEdges[Below(std::size(kEdges))] : Below(40);
  }

 private:
  const Philox random_;
  const uint64_t input_;
  uint32_t lane_ = 0;
};

void SpoilBytes(Dice& dice, std::string& bytes) {
  if (bytes.empty()) return;
  const size_t at = dice.Below(bytes.size());
  switch (dice.Below(5)) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << dice.Below(8)));
      break;
    case 1:
      bytes.erase(at, 1 + dice.Below(16));
      break;
    case 2:
      bytes.insert(at, 1 + dice.Below(8), static_cast<char>(dice.Below(256)));
      break;
    case 3:
      bytes.resize(at);
      break;
    default:
      bytes += bytes.substr(at);
  }
}

void SpoilField(Dice& dice, v1::Chunk& chunk) {
  switch (dice.Below(12)) {
    case 0:
      return chunk.set_first_step(dice.Number());
    case 1:
      return chunk.set_num_steps(static_cast<uint32_t>(dice.Number()));
    case 2:
      return chunk.set_policy_version(dice.Number());
    case 3:
      return chunk.set_lease_epoch(dice.Number());
    case 4:
      return chunk.set_first_episode_step(static_cast<uint32_t>(dice.Number()));
    case 5:
      return chunk.mutable_key()->set_stream(static_cast<uint32_t>(dice.Number()));
    case 6:
      return chunk.mutable_key()->set_member(static_cast<uint32_t>(dice.Number()));
    case 7:
      return SpoilBytes(dice, *chunk.mutable_observations());
    case 8:
      return SpoilBytes(dice, *chunk.mutable_flags());
    case 9:
      return SpoilBytes(dice, *chunk.mutable_final_observations());
    case 10:
      return SpoilBytes(dice, *chunk.mutable_rewards());
    default:
      return chunk.add_episodes()->set_offset(static_cast<uint32_t>(dice.Number()));
  }
}

std::string OtherRecord(Dice& dice) {
  if (dice.OneIn(2)) {
    v1::OpenStreamRequest request;
    *request.mutable_key() = MakeKey(FuzzTable(), static_cast<uint32_t>(dice.Below(4)));
    request.set_lease_epoch(dice.Below(3));
    return EncodeRecord(FuzzRecord::kOpenStream, request.SerializeAsString());
  }
  if (dice.OneIn(2)) {
    v1::ReleaseRoundsRequest request;
    request.set_experiment_id("e");
    request.add_members(0);
    request.set_before_round(dice.OneIn(3) ? dice.Number() : dice.Below(4));
    return EncodeRecord(FuzzRecord::kReleaseRounds, request.SerializeAsString());
  }
  v1::ReadRoundRequest request;
  request.set_experiment_id("e");
  request.add_members(dice.OneIn(8) ? 1 : 0);
  request.set_round(dice.OneIn(3) ? dice.Number() : dice.Below(4));
  return EncodeRecord(FuzzRecord::kReadRound, request.SerializeAsString());
}

// A session of some streams, with a few things in it that are wrong.
std::string MakeInput(uint64_t index) {
  Dice dice(index);
  const v1::TableSpec spec = FuzzTable();
  std::vector<uint64_t> next_step(spec.num_streams());
  std::string input;
  const uint64_t records = 10 + dice.Below(60);
  for (uint64_t i = 0; i < records; ++i) {
    if (dice.OneIn(6)) {
      input += OtherRecord(dice);
      continue;
    }
    const auto stream = static_cast<uint32_t>(dice.Below(spec.num_streams()));
    const uint64_t step = next_step[stream];
    const uint64_t left = spec.steps_per_round() - step % spec.steps_per_round();
    const auto count = static_cast<uint32_t>(1 + dice.Below(left));
    v1::Chunk chunk = MakeChunk(spec, {.stream = stream,
                                       .first_step = step,
                                       .num_steps = count,
                                       .ends = {static_cast<uint32_t>(dice.Below(count))}});
    const bool intact = !dice.OneIn(4);
    if (!intact) SpoilField(dice, chunk);
    if (dice.OneIn(20)) chunk.mutable_resume_token()->resize(5000);
    if (intact && !dice.OneIn(10)) next_step[stream] = step + count;
    input += EncodeRecord(FuzzRecord::kAppend, chunk.SerializeAsString());
  }
  while (dice.OneIn(3)) SpoilBytes(dice, input);
  return input;
}

TEST(ReplayFuzzTest, NoInputContradictsTheModelAndEveryOutcomeIsReached) {
  constexpr uint64_t kInputs = 20000;
  for (uint64_t index = 0; index < kInputs; ++index) {
    const std::string input = MakeInput(index);
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  }
  for (int outcome = v1::AppendResponse::STORED; outcome < v1::AppendResponse::Outcome_ARRAYSIZE;
       ++outcome) {
    EXPECT_GT(FuzzOutcomes()[outcome], 50)
        << v1::AppendResponse::Outcome_Name(static_cast<v1::AppendResponse::Outcome>(outcome));
  }
}

}  // namespace
}  // namespace sr2l
