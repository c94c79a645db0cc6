// Waiting for rounds, reading, releasing and dropping them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/replay/replay_store_fixture.h"

namespace sr2l {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr v1::AppendResponse::Outcome kStored = v1::AppendResponse::STORED;

const absl::Time kNow = absl::FromUnixSeconds(1000);

class ReplayRoundsTest : public ReplayStoreFixture {};

TEST_F(ReplayRoundsTest, ARoundIsReadInOrderOfMemberStreamAndStep) {
  const v1::TableSpec one = AddTable("e", 1, 2);
  const v1::TableSpec zero = AddTable("e", 0, 2);
  // Arrival in quite another order.
  Append(one, {.stream = 1, .first_step = 0, .num_steps = 8});
  Append(zero, {.stream = 1, .first_step = 0, .num_steps = 2});
  Append(one, {.stream = 0, .first_step = 0, .num_steps = 5});
  Append(zero, {.stream = 0, .first_step = 0, .num_steps = 8});
  Append(zero, {.stream = 1, .first_step = 2, .num_steps = 6});
  Append(zero, {.stream = 0, .first_step = 8, .num_steps = 3});
  Append(one, {.stream = 0, .first_step = 5, .num_steps = 3});
  auto reader = ReadNow({.experiment_id = "e", .members = {1, 0}, .round = 0});
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_THAT(Places(*reader),
              ElementsAre("0/0/0", "0/1/0", "0/1/2", "1/0/0", "1/0/5", "1/1/0"));
}

TEST_F(ReplayRoundsTest, AWaitEndsWithTheLastChunkOfTheLastStream) {
  const v1::TableSpec zero = AddTable("e", 0, 2);
  const v1::TableSpec one = AddTable("e", 1, 1);
  int calls = 0;
  store_->WaitForRound({.experiment_id = "e", .members = {0, 1}, .round = 1},
                       [&](auto reader) {
                         ++calls;
                         EXPECT_EQ(Places(*reader).size(), 4);
                       });
  for (const uint64_t step : {0, 8}) {
    Append(zero, {.stream = 0, .first_step = step, .num_steps = 8});
    Append(one, {.stream = 0, .first_step = step, .num_steps = 8});
  }
  Append(zero, {.stream = 1, .first_step = 0, .num_steps = 8});
  Append(zero, {.stream = 1, .first_step = 8, .num_steps = 7});
  EXPECT_EQ(calls, 0);
  Append(zero, {.stream = 1, .first_step = 15, .num_steps = 1});
  EXPECT_EQ(calls, 1);
}

TEST_F(ReplayRoundsTest, ACancelledWaitIsNeverCalled) {
  const v1::TableSpec spec = AddTable("e", 0, 1);
  const RoundRequest request{.experiment_id = "e", .members = {0}, .round = 0};
  const auto id = store_->WaitForRound(request, [](auto) { FAIL(); });
  EXPECT_TRUE(store_->CancelWait(id));
  EXPECT_FALSE(store_->CancelWait(id));
  Append(spec, {.num_steps = 8});
}

TEST_F(ReplayRoundsTest, AReleasedRoundIsOutOfRange) {
  const v1::TableSpec spec = AddTable("e", 0, 1);
  Append(spec, {.first_step = 0, .num_steps = 8});
  Append(spec, {.first_step = 8, .num_steps = 8});
  ASSERT_EQ(store_->ReleaseRounds("e", {0}, 1), absl::OkStatus());
  const auto released = ReadNow({.experiment_id = "e", .members = {0}, .round = 0});
  EXPECT_EQ(released.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(released.status().message()),
              HasSubstr("the first held round is 1"));
  EXPECT_TRUE(ReadNow({.experiment_id = "e", .members = {0}, .round = 1}).ok());
  EXPECT_EQ(Append(spec, {.first_step = 0, .num_steps = 8}).outcome,
            v1::AppendResponse::DUPLICATE);
}

TEST_F(ReplayRoundsTest, ARoundReleasedWhileItIsReadIsOutOfRange) {
  const v1::TableSpec spec = AddTable("e", 0, 2);
  Append(spec, {.stream = 0, .num_steps = 8});
  Append(spec, {.stream = 1, .num_steps = 8});
  auto reader = ReadNow({.experiment_id = "e", .members = {0}, .round = 0});
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE(reader->Next().ok());
  ASSERT_EQ(store_->ReleaseRounds("e", {0}, 1), absl::OkStatus());
  EXPECT_EQ(reader->Next().status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(ReplayRoundsTest, ReleasingAnUnfinishedRoundForgetsNothing) {
  const v1::TableSpec zero = AddTable("e", 0, 1);
  const v1::TableSpec one = AddTable("e", 1, 1);
  Append(zero, {.num_steps = 8});
  Append(one, {.num_steps = 7});
  const absl::Status refused = store_->ReleaseRounds("e", {0, 1}, 1);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("before_round must be at most 0"));
  EXPECT_TRUE(ReadNow({.experiment_id = "e", .members = {0}, .round = 0}).ok());
}

TEST_F(ReplayRoundsTest, DroppingAnExperimentCancelsItsWaitsAndFreesItsMemory) {
  const v1::TableSpec spec = AddTable("e", 0, 1);
  const v1::TableSpec other = AddTable("f", 0, 1);
  Append(spec, {.num_steps = 4});
  absl::Status ended;
  store_->WaitForRound({.experiment_id = "e", .members = {0}, .round = 0},
                       [&](auto reader) { ended = reader.status(); });
  ASSERT_EQ(store_->DropExperiment("e"), absl::OkStatus());
  EXPECT_EQ(ended.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(store_->bytes(), 0);
  EXPECT_EQ(Append(spec, {.first_step = 4, .num_steps = 4}).outcome,
            v1::AppendResponse::UNKNOWN_TABLE);
  EXPECT_EQ(Append(other, {.num_steps = 4}).outcome, kStored);
  EXPECT_EQ(store_->DropExperiment("e"), absl::OkStatus());
}

TEST_F(ReplayRoundsTest, AFullStoreRefusesAndTakesTheChunkAfterARelease) {
  const v1::TableSpec spec = MakeSpec("e", 0, 1, 1000);
  // Room for one round at its largest, but not for two as they are.
  MemoryLog log(80000);
  const auto store = *ReplayStore::Open(log);
  ASSERT_EQ(store->CreateTables({spec}), absl::OkStatus());
  ASSERT_TRUE(store->OpenStream(MakeKey(spec, 0), 1).ok());
  uint64_t step = 0;
  AppendResult result;
  do {
    result = *store->Append(ShareChunk(spec, {.first_step = step, .num_steps = 200}), kNow);
    if (result.outcome == kStored) step += 200;
    ASSERT_LE(store->bytes(), 80000);
    ASSERT_LT(step, 10000);
  } while (result.outcome == kStored);
  EXPECT_EQ(result.outcome, v1::AppendResponse::FULL);
  EXPECT_EQ(result.next_step, step);
  EXPECT_THAT(result.message, HasSubstr("of 80000 bytes are held"));
  ASSERT_GE(step, 1000);
  ASSERT_EQ(store->ReleaseRounds("e", {0}, 1), absl::OkStatus());
  result = *store->Append(ShareChunk(spec, {.first_step = step, .num_steps = 200}), kNow);
  EXPECT_EQ(result.outcome, kStored);
}

TEST_F(ReplayRoundsTest, RequestsOutsideTheirLimitsAreRefused) {
  AddTable("e", 0, 1);
  const auto code = [this](const RoundRequest& request) {
    return ReadNow(request).status().code();
  };
  EXPECT_EQ(code({.experiment_id = "e", .members = {}, .round = 0}),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.experiment_id = "e", .members = {0, 0}, .round = 0}),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.experiment_id = "e", .members = {0}, .round = uint64_t{1} << 63}),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.experiment_id = "e", .members = {0, 3}, .round = 0}),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(code({.experiment_id = "e", .members = std::vector<uint32_t>(1001), .round = 0}),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ReplayRoundsTest, AWaitSaysWhoIsBehindHowFarAndSinceWhen) {
  const v1::TableSpec zero = AddTable("e", 0, 2);
  const v1::TableSpec one = MakeSpec("e", 1, 1, 8);
  ASSERT_TRUE(store_->CreateTables({one}).ok());
  Append(zero, {.stream = 0, .num_steps = 8});
  Append(zero, {.stream = 1, .num_steps = 3});
  const std::string text = store_->DescribeWait(
      {.experiment_id = "e", .members = {0, 1}, .round = 0}, kNow + absl::Seconds(12.5));
  EXPECT_THAT(text, AllOf(HasSubstr("waits for 2 of 3 streams"),
                          HasSubstr("member 0 stream 1 has 3 of 8 steps (epoch 1, last chunk "
                                    "12.5 s ago)"),
                          HasSubstr("member 1 stream 0 has 0 of 8 steps (no actor has opened"),
                          Not(HasSubstr("member 0 stream 0"))));
}

TEST_F(ReplayRoundsTest, AWaitForManyStreamsNamesEightAndCountsTheRest) {
  AddTable("e", 0, 20);
  const std::string text =
      store_->DescribeWait({.experiment_id = "e", .members = {0}, .round = 0}, kNow);
  EXPECT_THAT(text, AllOf(HasSubstr("stream 7 has"), Not(HasSubstr("stream 8 has")),
                          HasSubstr("and 12 more")));
}

}  // namespace
}  // namespace sr2l
