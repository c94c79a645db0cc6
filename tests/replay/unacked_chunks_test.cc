#include "replay/client/unacked_chunks.h"

#include <gtest/gtest.h>

#include "tests/replay/chunks.h"

namespace sr2l {
namespace {

using Verdict = UnackedChunks::Verdict;

const absl::Time kNow = absl::FromUnixSeconds(1000);

class UnackedChunksTest : public ::testing::Test {
 protected:
  UnackedChunks::ChunkPtr Add(uint32_t stream, uint64_t first_step) {
    const auto chunk = ShareChunk(spec_, {.stream = stream, .first_step = first_step});
    unacked_.Add(chunk);
    return chunk;
  }

  static v1::AppendResponse Answer(const UnackedChunks::ChunkPtr& chunk,
                                   v1::AppendResponse::Outcome outcome) {
    v1::AppendResponse response;
    *response.mutable_key() = chunk->key();
    response.set_first_step(chunk->first_step());
    response.set_outcome(outcome);
    response.set_retry_after_seconds(2);
    return response;
  }

  const v1::TableSpec spec_ = MakeSpec("e", 0, 4, 8);
  UnackedChunks unacked_;
};

TEST_F(UnackedChunksTest, ChunksGoOutInOrderAndAreHeldUntilSettled) {
  const auto a = Add(0, 0);
  const auto b = Add(1, 0);
  EXPECT_EQ(unacked_.bytes(), a->SerializeAsString().size() + b->SerializeAsString().size());
  EXPECT_EQ(unacked_.TakeNext(kNow), a);
  EXPECT_EQ(unacked_.TakeNext(kNow), b);
  EXPECT_EQ(unacked_.TakeNext(kNow), nullptr);
  EXPECT_EQ(unacked_.OnAnswer(Answer(a, v1::AppendResponse::STORED), kNow), Verdict::kSettled);
  EXPECT_EQ(unacked_.size(), 2);
  unacked_.Settle();
  EXPECT_EQ(unacked_.bytes(), b->SerializeAsString().size());
  EXPECT_EQ(unacked_.OnAnswer(Answer(b, v1::AppendResponse::GAP), kNow), Verdict::kSettled);
  unacked_.Settle();
  EXPECT_TRUE(unacked_.empty());
  EXPECT_EQ(unacked_.bytes(), 0);
}

TEST_F(UnackedChunksTest, WhatWasOutGoesOutAgainFirstAfterADisconnection) {
  const auto a = Add(0, 0);
  const auto b = Add(0, 1);
  const auto c = Add(0, 2);
  unacked_.TakeNext(kNow);
  unacked_.TakeNext(kNow);
  unacked_.SendAllAgain();
  EXPECT_EQ(unacked_.TakeNext(kNow), a);
  EXPECT_EQ(unacked_.TakeNext(kNow), b);
  EXPECT_EQ(unacked_.TakeNext(kNow), c);
}

TEST_F(UnackedChunksTest, FullPausesEverythingAndComesBackBeforeItsSuccessors) {
  const auto a = Add(0, 0);
  const auto b = Add(0, 1);
  const auto other = Add(1, 0);
  for (int i = 0; i < 3; ++i) unacked_.TakeNext(kNow);
  EXPECT_EQ(unacked_.OnAnswer(Answer(a, v1::AppendResponse::FULL), kNow), Verdict::kPaused);
  // b came too early only because a was not stored; the other stream has no such excuse.
  EXPECT_EQ(unacked_.OnAnswer(Answer(b, v1::AppendResponse::GAP), kNow), Verdict::kOvertaken);
  EXPECT_EQ(unacked_.OnAnswer(Answer(other, v1::AppendResponse::GAP), kNow), Verdict::kSettled);
  unacked_.Settle();
  EXPECT_EQ(unacked_.pause_end(), kNow + absl::Seconds(2));
  EXPECT_EQ(unacked_.TakeNext(kNow + absl::Seconds(1)), nullptr);
  const absl::Time later = kNow + absl::Seconds(2);
  unacked_.EndPause(later);
  EXPECT_EQ(unacked_.pause_end(), absl::InfiniteFuture());
  EXPECT_EQ(unacked_.TakeNext(later), a);
  EXPECT_EQ(unacked_.TakeNext(later), b);
}

TEST_F(UnackedChunksTest, LimitedHoldsBackItsStreamAlone) {
  const auto a = Add(0, 0);
  const auto b = Add(0, 1);
  for (int i = 0; i < 2; ++i) unacked_.TakeNext(kNow);
  EXPECT_EQ(unacked_.OnAnswer(Answer(a, v1::AppendResponse::LIMITED), kNow), Verdict::kPaused);
  EXPECT_EQ(unacked_.OnAnswer(Answer(b, v1::AppendResponse::GAP), kNow), Verdict::kOvertaken);
  const auto other = Add(1, 0);
  EXPECT_EQ(unacked_.TakeNext(kNow), other);
  EXPECT_EQ(unacked_.TakeNext(kNow), nullptr);
  EXPECT_EQ(unacked_.pause_end(), kNow + absl::Seconds(2));
  const absl::Time later = kNow + absl::Seconds(2);
  unacked_.EndPause(later);
  EXPECT_EQ(unacked_.pause_end(), absl::InfiniteFuture());
  EXPECT_EQ(unacked_.TakeNext(later), a);
  EXPECT_EQ(unacked_.TakeNext(later), b);
}

TEST_F(UnackedChunksTest, AStalePolicySettlesItsChunkAndTheGapsBehindIt) {
  const auto a = Add(0, 0);
  const auto b = Add(0, 1);
  for (int i = 0; i < 2; ++i) unacked_.TakeNext(kNow);
  EXPECT_EQ(unacked_.OnAnswer(Answer(a, v1::AppendResponse::STALE_POLICY), kNow),
            Verdict::kSettled);
  unacked_.Settle();
  EXPECT_EQ(unacked_.OnAnswer(Answer(b, v1::AppendResponse::GAP), kNow), Verdict::kSettled);
  unacked_.Settle();
  EXPECT_TRUE(unacked_.empty());
}

TEST_F(UnackedChunksTest, AnswersToAnotherChunkAreUnexpected) {
  const auto a = Add(0, 0);
  const auto b = Add(0, 1);
  EXPECT_EQ(unacked_.OnAnswer(Answer(a, v1::AppendResponse::STORED), kNow),
            Verdict::kUnexpected);
  unacked_.TakeNext(kNow);
  EXPECT_EQ(unacked_.OnAnswer(Answer(b, v1::AppendResponse::STORED), kNow),
            Verdict::kUnexpected);
  EXPECT_EQ(unacked_.size(), 2);
}

TEST_F(UnackedChunksTest, TheOldestThatIsOutSetsTheTimer) {
  EXPECT_EQ(unacked_.oldest_sent(), absl::InfiniteFuture());
  const auto a = Add(0, 0);
  Add(0, 1);
  unacked_.TakeNext(kNow);
  unacked_.TakeNext(kNow + absl::Seconds(1));
  EXPECT_EQ(unacked_.oldest_sent(), kNow);
  unacked_.OnAnswer(Answer(a, v1::AppendResponse::STORED), kNow);
  EXPECT_EQ(unacked_.oldest_sent(), kNow + absl::Seconds(1));
}

}  // namespace
}  // namespace sr2l
