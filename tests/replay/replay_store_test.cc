// Tables, their streams and the chunks that they take.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/replay/replay_store_fixture.h"

namespace sr2l {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr v1::AppendResponse::Outcome kStored = v1::AppendResponse::STORED;

const absl::Time kNow = absl::FromUnixSeconds(1000);

class ReplayStoreTest : public ReplayStoreFixture {};

TEST_F(ReplayStoreTest, ChunksInOrderAreStored) {
  const v1::TableSpec spec = AddTable("e", 0, 1);
  EXPECT_EQ(Append(spec, {.first_step = 0, .num_steps = 3}).outcome, kStored);
  const AppendResult second = Append(spec, {.first_step = 3, .num_steps = 5});
  EXPECT_EQ(second.outcome, kStored);
  EXPECT_EQ(second.next_step, 8);
  EXPECT_EQ(Append(spec, {.first_step = 8, .num_steps = 8}).next_step, 16);
}

TEST_F(ReplayStoreTest, AStoredChunkIsADuplicateAndChangesNothing) {
  const v1::TableSpec spec = AddTable("e", 0, 1);
  Append(spec, {.first_step = 0, .num_steps = 3});
  Append(spec, {.first_step = 3, .num_steps = 3});
  const uint64_t bytes = store_->bytes();
  const AppendResult again = Append(spec, {.first_step = 0, .num_steps = 3});
  EXPECT_EQ(again.outcome, v1::AppendResponse::DUPLICATE);
  EXPECT_EQ(again.next_step, 6);
  EXPECT_EQ(store_->bytes(), bytes);
}

TEST_F(ReplayStoreTest, AMissingStepIsAGapThatNamesIt) {
  const v1::TableSpec spec = AddTable("e", 0, 1);
  Append(spec, {.first_step = 0, .num_steps = 3});
  const AppendResult gap = Append(spec, {.first_step = 4, .num_steps = 3});
  EXPECT_EQ(gap.outcome, v1::AppendResponse::GAP);
  EXPECT_EQ(gap.next_step, 3);
  EXPECT_EQ(gap.message, "chunk.first_step must be 3, got 4");
}

TEST_F(ReplayStoreTest, APartlyStoredChunkIsMalformed) {
  const v1::TableSpec spec = AddTable("e", 0, 1);
  Append(spec, {.first_step = 0, .num_steps = 3});
  const AppendResult overlap = Append(spec, {.first_step = 2, .num_steps = 3});
  EXPECT_EQ(overlap.outcome, v1::AppendResponse::MALFORMED);
  EXPECT_EQ(overlap.next_step, 3);
  EXPECT_THAT(overlap.message, HasSubstr("chunk.first_step must be 3, got 2"));
}

TEST_F(ReplayStoreTest, AMalformedChunkIsNotStored) {
  const v1::TableSpec spec = AddTable("e", 0, 1);
  v1::Chunk chunk = MakeChunk(spec, {.num_steps = 3});
  chunk.clear_rewards();
  const auto result = store_->Append(std::make_shared<v1::Chunk>(chunk), kNow);
  EXPECT_EQ(result->outcome, v1::AppendResponse::MALFORMED);
  EXPECT_THAT(result->message, HasSubstr("chunk.rewards"));
  EXPECT_EQ(store_->bytes(), 0);
}

TEST_F(ReplayStoreTest, UnknownExperimentAndMemberAreUnknownTables) {
  AddTable("e", 0, 1);
  EXPECT_EQ(Append(MakeSpec("e", 1, 1, 8), {}).outcome, v1::AppendResponse::UNKNOWN_TABLE);
  EXPECT_EQ(Append(MakeSpec("f", 0, 1, 8), {}).outcome, v1::AppendResponse::UNKNOWN_TABLE);
}

TEST_F(ReplayStoreTest, AnOlderEpochIsFencedOff) {
  const v1::TableSpec spec = AddTable("e", 0, 1);
  Append(spec, {.first_step = 0, .num_steps = 3, .epoch = 1});
  const auto opened = store_->OpenStream(MakeKey(spec, 0), 5);
  ASSERT_TRUE(opened.ok());
  EXPECT_TRUE(opened->fenced);
  EXPECT_EQ(opened->next_step, 3);
  v1::ResumeToken token;
  ASSERT_TRUE(token.ParseFromString(opened->resume_token));
  EXPECT_EQ(token.next_step(), 3);

  const AppendResult stale = Append(spec, {.first_step = 3, .num_steps = 3, .epoch = 1});
  EXPECT_EQ(stale.outcome, v1::AppendResponse::STALE_EPOCH);
  EXPECT_THAT(stale.message, HasSubstr("chunk.lease_epoch must be 5"));
  EXPECT_EQ(Append(spec, {.first_step = 3, .num_steps = 3, .epoch = 5}).outcome, kStored);
}

TEST_F(ReplayStoreTest, AChunkNeverRaisesTheFence) {
  const v1::TableSpec spec = AddTable("e", 0, 1);
  const AppendResult early = Append(spec, {.epoch = 2});
  EXPECT_EQ(early.outcome, v1::AppendResponse::STALE_EPOCH);
  EXPECT_THAT(early.message, HasSubstr("OpenStream comes before"));
  EXPECT_EQ(Append(spec, {.epoch = 1}).outcome, kStored);
}

TEST_F(ReplayStoreTest, AStreamThatNobodyOpenedTakesNoChunk) {
  const v1::TableSpec spec = MakeSpec("e", 0, 1, 8);
  ASSERT_TRUE(store_->CreateTables({spec}).ok());
  EXPECT_EQ(Append(spec, {.epoch = 1}).outcome, v1::AppendResponse::STALE_EPOCH);
  EXPECT_EQ(Append(spec, {.epoch = 0}).outcome, v1::AppendResponse::STALE_EPOCH);
}

TEST_F(ReplayStoreTest, OpeningWithTheSameEpochChangesNothing) {
  const v1::TableSpec spec = AddTable("e", 0, 1);
  Append(spec, {.num_steps = 2});
  const auto opened = store_->OpenStream(MakeKey(spec, 0), 1);
  ASSERT_TRUE(opened.ok());
  EXPECT_FALSE(opened->fenced);
  EXPECT_EQ(opened->next_step, 2);
}

TEST_F(ReplayStoreTest, OpeningWithAnOlderEpochIsRefused) {
  const v1::TableSpec spec = AddTable("e", 0, 1);
  ASSERT_TRUE(store_->OpenStream(MakeKey(spec, 0), 4).ok());
  const auto refused = store_->OpenStream(MakeKey(spec, 0), 3);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("lease_epoch must be at least 4, got 3"));
}

TEST_F(ReplayStoreTest, OpeningNamesWhatDoesNotExist) {
  const v1::TableSpec spec = AddTable("e", 0, 1);
  EXPECT_EQ(store_->OpenStream(MakeKey(spec, 0), 0).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->OpenStream(MakeKey(spec, 1), 1).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->OpenStream(MakeKey(MakeSpec("f", 0, 1, 8), 0), 1).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(ReplayStoreTest, AnExperimentMayBeCreatedAgainAfterItWasDropped) {
  AddTable("e", 0, 1);
  ASSERT_EQ(store_->DropExperiment("e"), absl::OkStatus());
  const v1::TableSpec again = AddTable("e", 0, 1);
  EXPECT_EQ(Append(again, {.num_steps = 8}).outcome, kStored);
}

TEST_F(ReplayStoreTest, ABudgetBelowOneRoundIsRefusedWithBothNumbers) {
  MemoryLog log(10000);
  const auto store = *ReplayStore::Open(log);
  const absl::Status refused = store->CreateTables({MakeSpec("e", 0, 4, 1000)});
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()),
              AllOf(HasSubstr("the replay may hold 10000"), HasSubstr("can take ")));
  EXPECT_TRUE(store->Describe("")->tables().empty());
}

TEST_F(ReplayStoreTest, CreatingATableAgainKeepsItsSteps) {
  const v1::TableSpec spec = AddTable("e", 0, 1);
  Append(spec, {.num_steps = 4});
  EXPECT_EQ(store_->CreateTables({spec, MakeSpec("e", 1, 1, 8)}), absl::OkStatus());
  EXPECT_EQ(store_->OpenStream(MakeKey(spec, 0), 1)->next_step, 4);
  EXPECT_EQ(store_->Describe("e")->tables_size(), 2);
}

TEST_F(ReplayStoreTest, AnotherShapeIsRefusedWithBothValues) {
  AddTable("e", 0, 1);
  const absl::Status refused = store_->CreateTables({MakeSpec("e", 0, 1, 16)});
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr("exists with steps_per_round 8, got 16"));
}

TEST_F(ReplayStoreTest, SpecsOutsideTheirRangesAreRefused) {
  const auto refused = [this](void (*spoil)(v1::TableSpec&)) {
    v1::TableSpec spec = MakeSpec("e", 0, 1, 8);
    spoil(spec);
    const absl::Status status = store_->CreateTables({MakeSpec("e", 7, 1, 8), spec});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_THAT(refused([](v1::TableSpec& s) { s.set_num_streams(0); }),
              HasSubstr("tables[1].num_streams must be in [1, 1024], got 0"));
  EXPECT_THAT(refused([](v1::TableSpec& s) { s.set_num_streams(1025); }), HasSubstr("got 1025"));
  EXPECT_THAT(refused([](v1::TableSpec& s) { s.set_observation_dim(10001); }),
              HasSubstr("observation_dim must be in [1, 10000]"));
  EXPECT_THAT(refused([](v1::TableSpec& s) { s.set_action_dim(0); }),
              HasSubstr("action_dim must be in [1, 1000]"));
  EXPECT_THAT(refused([](v1::TableSpec& s) { s.set_steps_per_round(1000001); }),
              HasSubstr("steps_per_round must be in [1, 1000000]"));
  EXPECT_THAT(refused([](v1::TableSpec& s) { s.set_experiment_id(""); }),
              HasSubstr("tables[1].experiment_id must have 1 to 128"));
  EXPECT_THAT(refused([](v1::TableSpec& s) { s.set_experiment_id("a\nb"); }),
              HasSubstr("\"a\\nb\""));
  EXPECT_THAT(refused([](v1::TableSpec& s) { s.set_experiment_id(std::string(129, 'x')); }),
              HasSubstr("got 129 bytes"));
  EXPECT_TRUE(store_->Describe("")->tables().empty());
}

TEST_F(ReplayStoreTest, AStoreOpenedOnALogGoesOnWhereTheLastOneStopped) {
  const v1::TableSpec spec = AddTable("e", 0, 2);
  Append(spec, {.stream = 0, .first_step = 0, .num_steps = 8});
  Append(spec, {.stream = 1, .first_step = 0, .num_steps = 8});
  Append(spec, {.stream = 0, .first_step = 8, .num_steps = 8});
  ASSERT_EQ(store_->ReleaseRounds("e", {0}, 1), absl::OkStatus());
  store_ = *ReplayStore::Open(log_);
  EXPECT_EQ(ReadNow({.experiment_id = "e", .members = {0}, .round = 0}).status().code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ(Append(spec, {.stream = 0, .first_step = 8, .num_steps = 8}).outcome,
            v1::AppendResponse::DUPLICATE);
  EXPECT_EQ(Append(spec, {.stream = 1, .first_step = 8, .num_steps = 8}).outcome, kStored);
  auto reader = ReadNow({.experiment_id = "e", .members = {0}, .round = 1});
  ASSERT_TRUE(reader.ok());
  EXPECT_THAT(Places(*reader), ElementsAre("0/0/8", "0/1/8"));
}

TEST_F(ReplayStoreTest, DescribeListsCountersAndBytes) {
  const v1::TableSpec spec = AddTable("e", 0, 2);
  AddTable("f", 0, 1);
  Append(spec, {.stream = 1, .num_steps = 5});
  const auto description = store_->Describe("e");
  ASSERT_TRUE(description.ok());
  ASSERT_EQ(description->tables_size(), 1);
  EXPECT_THAT(description->tables(0).next_step(), ElementsAre(0, 5));
  EXPECT_THAT(description->tables(0).lease_epoch(), ElementsAre(1, 1));
  EXPECT_EQ(description->tables(0).bytes(), store_->bytes());
  EXPECT_EQ(description->byte_budget(), uint64_t{64} << 20);
  EXPECT_EQ(store_->Describe("")->tables_size(), 2);
}

}  // namespace
}  // namespace sr2l
