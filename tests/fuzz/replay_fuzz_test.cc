// A bounded, seeded run of the fuzz target: valid sessions, spoilt in their fields and in
// their bytes.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/common/dice.h"
#include "tests/fuzz/records.h"
#include "tests/fuzz/replay_fuzz.h"
#include "tests/replay/chunks.h"

namespace sr2l {
namespace {

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
      return dice.SpoilBytes(*chunk.mutable_observations());
    case 8:
      return dice.SpoilBytes(*chunk.mutable_flags());
    case 9:
      return dice.SpoilBytes(*chunk.mutable_final_observations());
    case 10:
      return dice.SpoilBytes(*chunk.mutable_rewards());
    default:
      return chunk.add_episodes()->set_offset(static_cast<uint32_t>(dice.Number()));
  }
}

std::string Encode(FuzzRecord kind, const google::protobuf::Message& message) {
  return EncodeRecord(static_cast<uint8_t>(kind), message.SerializeAsString());
}

v1::TableLimits RandomLimits(Dice& dice) {
  v1::TableLimits limits = FuzzLimited().limits();
  if (dice.OneIn(4)) limits.set_minimum_size(dice.Number());
  if (dice.OneIn(4)) limits.set_samples_per_insert(0.5 + static_cast<double>(dice.Below(3)));
  if (dice.OneIn(4)) limits.set_tolerance(static_cast<double>(dice.Number()));
  if (dice.OneIn(4)) limits.set_max_staleness(static_cast<uint32_t>(dice.Number()));
  if (dice.OneIn(4)) limits.set_samples_per_version(static_cast<uint32_t>(dice.Number()));
  return limits;
}

// Records about drawing rows and what holds it up.
std::string SampleRecord(Dice& dice) {
  if (dice.OneIn(6)) {
    v1::SetLimitsRequest request;
    request.set_experiment_id("e");
    request.add_members(dice.OneIn(6) ? static_cast<uint32_t>(dice.Below(4)) : 2);
    *request.mutable_limits() = RandomLimits(dice);
    return Encode(FuzzRecord::kSetLimits, request);
  }
  v1::SampleRequest request;
  request.set_experiment_id("e");
  const bool limited = dice.OneIn(2);
  v1::MemberSample& member = *request.add_members();
  member.set_member(limited ? 2 : 1);
  member.set_seed(dice.Number());
  if (!limited || dice.OneIn(8)) request.set_up_to_step(8 * dice.Below(3));
  request.set_num_draws(static_cast<uint32_t>(dice.Below(6)));
  request.set_first_draw(4 * dice.Below(12));
  request.set_policy_version(dice.Below(20));
  if (dice.OneIn(4)) request.set_up_to_step(dice.Number());
  if (dice.OneIn(8)) request.set_num_draws(static_cast<uint32_t>(dice.Number()));
  if (dice.OneIn(8)) request.set_first_draw(dice.Number());
  if (dice.OneIn(8)) request.set_policy_version(dice.Number());
  if (dice.OneIn(8)) member.set_member(static_cast<uint32_t>(dice.Below(5)));
  for (uint64_t i = dice.OneIn(3) ? dice.Below(5) : 0; i > 0; --i) {
    member.add_since_step(dice.Number());
  }
  return Encode(FuzzRecord::kSample, request);
}

// Records about whole tables; those of experiment "f" come and go beside the own one.
std::string TableRecord(Dice& dice) {
  const std::string id = dice.OneIn(8) ? "e" : "f";
  if (dice.OneIn(2)) {
    v1::CreateTablesRequest request;
    for (uint64_t tables = dice.Below(3); tables > 0; --tables) {
      v1::TableSpec& spec = *request.add_tables();
      spec = MakeSpec(id, static_cast<uint32_t>(dice.Below(3)), 1, 4);
      if (dice.OneIn(6)) spec.set_num_streams(static_cast<uint32_t>(dice.Number()));
      if (dice.OneIn(6)) spec.set_observation_dim(static_cast<uint32_t>(dice.Number()));
      if (dice.OneIn(6)) spec.set_action_dim(static_cast<uint32_t>(dice.Number()));
      if (dice.OneIn(6)) spec.set_steps_per_round(static_cast<uint32_t>(dice.Number()));
      if (dice.OneIn(3)) spec.set_capacity(dice.OneIn(3) ? dice.Number() : 10);
      if (dice.OneIn(6)) *spec.mutable_limits() = RandomLimits(dice);
    }
    return Encode(FuzzRecord::kCreateTables, request);
  }
  if (dice.OneIn(2)) {
    v1::DropExperimentRequest request;
    request.set_experiment_id(id);
    return Encode(FuzzRecord::kDropExperiment, request);
  }
  v1::DescribeTablesRequest request;
  if (dice.OneIn(2)) request.set_experiment_id("e");
  return Encode(FuzzRecord::kDescribeTables, request);
}

std::string OtherRecord(Dice& dice) {
  if (dice.OneIn(3)) return TableRecord(dice);
  if (dice.OneIn(2)) return SampleRecord(dice);
  if (dice.OneIn(2)) {
    v1::OpenStreamRequest request;
    *request.mutable_key() = MakeKey(FuzzTable(), static_cast<uint32_t>(dice.Below(4)));
    request.mutable_key()->set_member(static_cast<uint32_t>(dice.Below(3)));
    request.set_lease_epoch(dice.Below(3));
    return Encode(FuzzRecord::kOpenStream, request);
  }
  if (dice.OneIn(2)) {
    v1::ReleaseRoundsRequest request;
    request.set_experiment_id("e");
    request.add_members(0);
    request.set_before_round(dice.OneIn(3) ? dice.Number() : dice.Below(4));
    return Encode(FuzzRecord::kReleaseRounds, request);
  }
  v1::ReadRoundRequest request;
  request.set_experiment_id("e");
  request.add_members(dice.OneIn(8) ? 1 : 0);
  request.set_round(dice.OneIn(3) ? dice.Number() : dice.Below(4));
  return Encode(FuzzRecord::kReadRound, request);
}

// A session of some streams, with a few things in it that are wrong.
std::string MakeInput(uint64_t index) {
  Dice dice(index);
  const std::vector<v1::TableSpec> specs = {FuzzTable(), FuzzRing(), FuzzLimited()};
  std::vector<std::vector<uint64_t>> next_steps(3, std::vector<uint64_t>(specs[0].num_streams()));
  // Half of the sessions know one table only, so that it goes far.
  const uint64_t only = dice.Below(6);
  std::string input;
  const uint64_t records = 10 + dice.Below(60);
  for (uint64_t i = 0; i < records; ++i) {
    if (dice.OneIn(6)) {
      input += OtherRecord(dice);
      continue;
    }
    const uint64_t member = only < 3 ? only : dice.Below(3);
    const v1::TableSpec& spec = specs[member];
    std::vector<uint64_t>& next_step = next_steps[member];
    const auto stream = static_cast<uint32_t>(dice.Below(spec.num_streams()));
    const uint64_t step = next_step[stream];
    const uint64_t left = spec.steps_per_round() - step % spec.steps_per_round();
    const auto count = static_cast<uint32_t>(1 + dice.Below(left));
    v1::Chunk chunk = MakeChunk(spec, {.stream = stream,
                                       .first_step = step,
                                       .num_steps = count,
                                       .ends = {static_cast<uint32_t>(dice.Below(count))}});
    if (spec.has_limits()) chunk.set_policy_version(dice.Below(20));
    const bool intact = !dice.OneIn(4);
    if (!intact) SpoilField(dice, chunk);
    if (dice.OneIn(20)) chunk.mutable_resume_token()->resize(5000);
    if (intact && !dice.OneIn(10)) next_step[stream] = step + count;
    input += Encode(FuzzRecord::kAppend, chunk);
  }
  while (dice.OneIn(3)) dice.SpoilBytes(input);
  return input;
}

TEST(ReplayFuzzTest, NoInputContradictsTheModelAndEveryOutcomeIsReached) {
  constexpr uint64_t kInputs = 20000;
  for (uint64_t index = 0; index < kInputs; ++index) {
    RunFuzzTarget(MakeInput(index));
  }
  for (int outcome = v1::AppendResponse::STORED; outcome < v1::AppendResponse::Outcome_ARRAYSIZE;
       ++outcome) {
    EXPECT_GT(FuzzOutcomes()[outcome], 50)
        << v1::AppendResponse::Outcome_Name(static_cast<v1::AppendResponse::Outcome>(outcome));
  }
  EXPECT_GT(FuzzRows(), 10000);
}

}  // namespace
}  // namespace sr2l
