#include "replay/core/memory_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "replay/core/validate_table.h"
#include "tests/replay/chunks.h"

namespace sr2l {
namespace {

const StreamId kStream{{"e", 0}, 0};

class MemoryLogTest : public ::testing::Test {
 protected:
  MemoryLogTest() { EXPECT_TRUE(log_.CreateTables({spec_}).ok()); }

  // What a chunk adds: its encoding and, once per stream, its token.
  static uint64_t Encoded(const ChunkPtr& chunk) { return chunk->SerializeAsString().size(); }

  const v1::TableSpec spec_ = MakeSpec("e", 0, 2, 8);
  const ChunkPtr first_ = ShareChunk(spec_, {.first_step = 0, .num_steps = 4});
  const ChunkPtr second_ = ShareChunk(spec_, {.first_step = 4, .num_steps = 4});
  MemoryLog log_{1 << 20};
};

TEST_F(MemoryLogTest, BytesAreTheEncodedChunksAndTheNewestToken) {
  ASSERT_TRUE(log_.Append(kStream, first_).ok());
  EXPECT_EQ(log_.bytes(), Encoded(first_) + first_->resume_token().size());
  ASSERT_TRUE(log_.Append(kStream, second_).ok());
  EXPECT_EQ(log_.bytes(), Encoded(first_) + Encoded(second_) + second_->resume_token().size());
}

TEST_F(MemoryLogTest, ReleaseFreesChunksAndKeepsCountersAndToken) {
  ASSERT_TRUE(log_.Append(kStream, first_).ok());
  ASSERT_TRUE(log_.Append(kStream, second_).ok());
  ASSERT_TRUE(log_.Release(kStream.table, 8).ok());
  EXPECT_EQ(log_.bytes(), second_->resume_token().size());
  EXPECT_EQ(*log_.ReadToken(kStream), second_->resume_token());
  const auto tables = log_.Describe();
  ASSERT_TRUE(tables.ok());
  EXPECT_EQ(tables->at(0).streams[0].next_step, 8);
  EXPECT_EQ(tables->at(0).released_end, 8);
  EXPECT_TRUE(log_.Read(kStream, 0, 8)->empty());
}

TEST_F(MemoryLogTest, ReleaseKeepsAChunkThatReachesBeyond) {
  ASSERT_TRUE(log_.Append(kStream, first_).ok());
  ASSERT_TRUE(log_.Append(kStream, second_).ok());
  ASSERT_TRUE(log_.Release(kStream.table, 7).ok());
  EXPECT_THAT(*log_.Read(kStream, 0, 8), ::testing::ElementsAre(second_));
}

TEST_F(MemoryLogTest, ReadSharesChunksOfTheAskedSteps) {
  ASSERT_TRUE(log_.Append(kStream, first_).ok());
  ASSERT_TRUE(log_.Append(kStream, second_).ok());
  EXPECT_THAT(*log_.Read(kStream, 0, 8), ::testing::ElementsAre(first_, second_));
  EXPECT_THAT(*log_.Read(kStream, 0, 4), ::testing::ElementsAre(first_));
  EXPECT_THAT(*log_.Read(kStream, 4, 8), ::testing::ElementsAre(second_));
}

TEST_F(MemoryLogTest, AChunkBeyondTheBudgetChangesNothing) {
  const uint64_t one = Encoded(first_) + first_->resume_token().size();
  MemoryLog small(one);
  ASSERT_TRUE(small.CreateTables({spec_}).ok());
  ASSERT_TRUE(small.Append(kStream, first_).ok());
  const absl::Status full = small.Append(kStream, second_);
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(small.bytes(), one);
  EXPECT_EQ(*small.ReadToken(kStream), first_->resume_token());
  EXPECT_EQ(small.Describe()->at(0).streams[0].next_step, 4);
}

TEST(MemoryLogOfRingsTest, TokensHavePlaceInWhatIsSetAside) {
  v1::TableSpec spec = MakeSpec("e", 0, 2, 8);
  spec.set_capacity(16);
  MemoryLog log(RingBytes(spec));
  ASSERT_TRUE(log.CreateTables({spec}).ok());
  EXPECT_EQ(log.set_aside_bytes(), RingBytes(spec));
  for (const uint32_t stream : {0, 1}) {
    v1::Chunk chunk = MakeChunk(spec, {.stream = stream, .num_steps = 4});
    chunk.set_resume_token(std::string(MostTokenBytes(spec), 't'));
    EXPECT_TRUE(log.Append({{"e", 0}, stream}, std::make_shared<const v1::Chunk>(chunk)).ok());
    chunk.set_first_step(4);
    chunk.mutable_resume_token()->push_back('t');
    EXPECT_TRUE(absl::IsResourceExhausted(
        log.Append({{"e", 0}, stream}, std::make_shared<const v1::Chunk>(chunk))));
  }
  EXPECT_EQ(log.bytes(), 0);
}

TEST_F(MemoryLogTest, DropFreesTheExperimentAlone) {
  const v1::TableSpec other = MakeSpec("f", 0, 1, 8);
  ASSERT_TRUE(log_.CreateTables({other}).ok());
  const ChunkPtr kept = ShareChunk(other, {.num_steps = 2});
  ASSERT_TRUE(log_.Append(kStream, first_).ok());
  ASSERT_TRUE(log_.Append({{"f", 0}, 0}, kept).ok());
  ASSERT_TRUE(log_.Drop("e").ok());
  EXPECT_EQ(log_.bytes(), Encoded(kept) + kept->resume_token().size());
  EXPECT_EQ(log_.Append(kStream, first_).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(log_.Describe()->size(), 1);
}

TEST_F(MemoryLogTest, CreateTablesCreatesAllOrNone) {
  const v1::TableSpec other = MakeSpec("f", 0, 1, 8);
  EXPECT_EQ(log_.CreateTables({other, spec_}).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(log_.Describe()->size(), 1);
}

}  // namespace
}  // namespace sr2l
