// Sampling through the store: what is waited for, what comes, what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "replay/core/memory_log.h"
#include "replay/core/replay_store.h"
#include "replay/core/validate_table.h"
#include "tests/replay/random_streams.h"

namespace sr2l {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1000);

struct Answer {
  absl::Status status;
  std::vector<v1::SampleResponse> parts;

  // Of one member, one after the other.
  std::vector<PlainTransition> Rows(const v1::TableSpec& spec) const {
    std::vector<PlainTransition> rows;
    for (const v1::SampleResponse& part : parts) {
      if (!part.has_rows() || part.rows().member() != spec.member()) continue;
      EXPECT_LE(part.ByteSizeLong(), size_t{1} << 20);
      for (size_t i = 0; i < part.rows().num_rows(); ++i) {
        rows.push_back(RowOf(spec, part.rows(), i));
      }
    }
    return rows;
  }

  std::string Bytes() const {
    std::string bytes;
    for (const v1::SampleResponse& part : parts) bytes += part.SerializeAsString();
    return bytes;
  }
};

class SampleTest : public ::testing::Test {
 protected:
  static constexpr size_t kSteps = 600;

  v1::TableSpec AddTable(uint32_t member, uint64_t capacity,
                         const std::optional<v1::TableLimits>& limits = {}) {
    v1::TableSpec spec = MakeSpec("e", member, 2, 50);
    if (capacity > 0) spec.set_capacity(capacity);
    if (limits.has_value()) *spec.mutable_limits() = *limits;
    EXPECT_EQ(store_->CreateTables({spec}), absl::OkStatus());
    for (uint32_t i = 0; i < 2; ++i) {
      EXPECT_TRUE(store_->OpenStream(MakeKey(spec, i), 1).ok());
    }
    return spec;
  }

  static v1::TableLimits Limits() {
    v1::TableLimits limits;
    limits.set_minimum_size(100);
    limits.set_samples_per_insert(1);
    limits.set_tolerance(100);
    limits.set_samples_per_version(50);
    limits.set_max_staleness(6);
    return limits;
  }

  static std::vector<PlainTransition> Steps(const v1::TableSpec& spec, uint32_t stream) {
    return MakeSteps(spec, 5 + spec.member(), stream, kSteps, 20);
  }

  // Without limits: contents that end before the round of `step` are asked for no more.
  void Release(const v1::TableSpec& spec, uint64_t step) {
    const uint64_t released = step - step % spec.steps_per_round();
    if (spec.has_limits() || !spec.has_capacity() || released == 0) return;
    v1::SampleRequest request = Request({spec.member()}, 0);
    request.set_up_to_step(released);
    request.set_released_step(released);
    Sample(request);
  }

  // Stores steps [first, end), releasing those before, and returns the last answer.
  AppendResult Fill(const v1::TableSpec& spec, uint32_t stream, uint64_t first, uint64_t end) {
    AppendResult result;
    for (const v1::Chunk& chunk : CutChunks(spec, stream, Steps(spec, stream), first, end, 1)) {
      Release(spec, chunk.first_step());
      result = *store_->Append(std::make_shared<v1::Chunk>(chunk), kNow);
      if (result.outcome != v1::AppendResponse::STORED) return result;
    }
    return result;
  }

  static v1::SampleRequest Request(const std::vector<uint32_t>& members, uint32_t num_draws) {
    v1::SampleRequest request;
    request.set_experiment_id("e");
    for (const uint32_t member : members) {
      v1::MemberSample& sample = *request.add_members();
      sample.set_member(member);
      sample.set_seed(70 + member);
    }
    request.set_num_draws(num_draws);
    return request;
  }

  // Unavailable: it still waits, and waits no more.
  Answer Sample(const v1::SampleRequest& request) {
    Answer answer{.status = absl::UnavailableError("waits"), .parts = {}};
    const auto id = store_->WaitForSample(request, [&answer](absl::StatusOr<SampleReader> reader) {
      ReadAll(std::move(reader), answer);
    });
    store_->CancelWait(id);
    return answer;
  }

  static void ReadAll(absl::StatusOr<SampleReader> reader, Answer& answer) {
    answer.status = reader.status();
    if (!reader.ok()) return;
    v1::SampleResponse part;
    absl::StatusOr<bool> more = reader->Next(part);
    for (; more.ok() && *more; more = reader->Next(part)) answer.parts.push_back(part);
    answer.status = more.status();
  }

  std::string Refusal(const std::function<void(v1::SampleRequest&)>& spoil) {
    v1::SampleRequest request = Request({0}, 10);
    request.set_up_to_step(50);
    spoil(request);
    const Answer answer = Sample(request);
    EXPECT_EQ(answer.status.code(), absl::StatusCode::kInvalidArgument) << answer.status;
    return std::string(answer.status.message());
  }

  MemoryLog log_{uint64_t{64} << 20};
  std::unique_ptr<ReplayStore> store_ = *ReplayStore::Open(log_);
};

TEST_F(SampleTest, DrawsAreRowsOfTheContentsAndDoNotDependOnHowTheyAreAskedFor) {
  const v1::TableSpec spec = AddTable(0, 300);
  Fill(spec, 0, 0, 400);
  Fill(spec, 1, 0, 400);
  v1::SampleRequest request = Request({0}, 5000);
  request.set_up_to_step(400);
  const Answer whole = Sample(request);
  ASSERT_EQ(whole.status, absl::OkStatus());
  EXPECT_EQ(whole.Bytes(), Sample(request).Bytes());
  const auto rows = whole.Rows(spec);
  ASSERT_EQ(rows.size(), 5000);
  std::vector<PlainTransition> split;
  for (const auto& [first, count] : {std::pair{0, 1234}, {1234, 1}, {1235, 3765}}) {
    request.set_first_draw(static_cast<uint64_t>(first));
    request.set_num_draws(static_cast<uint32_t>(count));
    for (const auto& row : Sample(request).Rows(spec)) split.push_back(row);
  }
  ASSERT_EQ(split.size(), rows.size());
  size_t found = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    ASSERT_TRUE(SameRow(rows[i], split[i]));
    for (uint32_t stream = 0; stream < 2 && i < 500; ++stream) {
      static const std::vector<PlainTransition> all[2] = {Steps(spec, 0), Steps(spec, 1)};
      for (size_t t = 250; t < 400; ++t) found += SameRow(rows[i], all[stream][t]) ? 1 : 0;
    }
  }
  EXPECT_EQ(found, 500);
}

TEST_F(SampleTest, LargeAnswersComeInPartsOfAtMostAMebibyte) {
  const v1::TableSpec spec = AddTable(0, 300);
  Fill(spec, 0, 0, 50);
  Fill(spec, 1, 0, 50);
  v1::SampleRequest request = Request({0}, 100000);
  request.set_up_to_step(50);
  const Answer answer = Sample(request);
  EXPECT_EQ(answer.Rows(spec).size(), 100000);
  EXPECT_GE(answer.parts.size(), 1 + 4);  // 37 bytes a row
}

TEST_F(SampleTest, MembersComeInOrderEachWithItsSummaryFirst) {
  for (const uint32_t member : {0, 2}) {
    const v1::TableSpec spec = AddTable(member, 300);
    Fill(spec, 0, 0, 50);
    Fill(spec, 1, 0, 50);
  }
  v1::SampleRequest request = Request({0, 2}, 5);
  request.set_up_to_step(50);
  const Answer answer = Sample(request);
  ASSERT_EQ(answer.parts.size(), 4);
  EXPECT_EQ(answer.parts[0].summary().member(), 0);
  EXPECT_EQ(answer.parts[0].summary().observations().count(), 100);
  EXPECT_EQ(answer.parts[1].rows().member(), 0);
  EXPECT_EQ(answer.parts[2].summary().member(), 2);
  EXPECT_EQ(answer.parts[3].rows().member(), 2);
  request.set_num_draws(0);
  EXPECT_EQ(Sample(request).parts.size(), 2);
}

TEST_F(SampleTest, WithoutLimitsADrawWaitsForWholeRoundsAndSaysWhoIsBehind) {
  const v1::TableSpec spec = AddTable(0, 300);
  Fill(spec, 0, 0, 100);
  Fill(spec, 1, 0, 99);
  v1::SampleRequest request = Request({0}, 5);
  request.set_up_to_step(100);
  Answer answer;
  int calls = 0;
  store_->WaitForSample(request, [&](absl::StatusOr<SampleReader> reader) {
    ++calls;
    ReadAll(std::move(reader), answer);
  });
  EXPECT_THAT(store_->DescribeWait(request, kNow + absl::Seconds(3)),
              AllOf(HasSubstr("draw 0 of experiment e from the steps before 100 waits for 1 of 2 "
                              "streams: member 0 stream 1 has 49 of 50 steps (epoch 1, last "
                              "chunk 3.0 s ago)"),
                    HasSubstr("The replay holds")));
  EXPECT_EQ(calls, 0);
  Fill(spec, 1, 99, 100);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(answer.Rows(spec).size(), 5);
}

TEST_F(SampleTest, StepsThatWereForgottenAreOutOfRange) {
  const v1::TableSpec spec = AddTable(0, 100);
  Fill(spec, 0, 0, 400);
  Fill(spec, 1, 0, 400);
  v1::SampleRequest request = Request({0}, 5);
  request.set_up_to_step(100);
  const Answer answer = Sample(request);
  EXPECT_EQ(answer.status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(answer.status.message()), HasSubstr("are not held any more"));
}

TEST_F(SampleTest, DroppingTheExperimentEndsItsDrawsAndFreesItsMemory) {
  const v1::TableSpec spec = AddTable(0, 300);
  Fill(spec, 0, 0, 100);
  EXPECT_GT(store_->bytes(), 100 * 25);
  absl::Status ended;
  v1::SampleRequest request = Request({0}, 5);
  request.set_up_to_step(100);
  store_->WaitForSample(request, [&](auto reader) { ended = reader.status(); });
  ASSERT_EQ(store_->DropExperiment("e"), absl::OkStatus());
  EXPECT_EQ(ended.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(ended.message(), "experiment e was dropped while draw 0 was waited for");
  EXPECT_EQ(store_->bytes(), 0);
}

TEST_F(SampleTest, WithLimitsAnInsertWakesTheLearnerAndADrawTheActors) {
  const v1::TableSpec spec = AddTable(0, 1000, Limits());
  v1::SampleRequest request = Request({0}, 50);
  Answer answer;
  int calls = 0;
  store_->WaitForSample(request, [&](absl::StatusOr<SampleReader> reader) {
    ++calls;
    ReadAll(std::move(reader), answer);
  });
  EXPECT_THAT(store_->DescribeWait(request, kNow),
              HasSubstr("draw 0 of experiment e waits for 1 of 1 members: member 0 draws wait: 0 "
                        "of at least 100 transitions"));
  EXPECT_EQ(store_->Totals(kNow).learner_waits_for_minimum_size, true);
  EXPECT_THAT(store_->Describe("e")->tables(0).limiter().waiting(), HasSubstr("minimum_size"));
  Fill(spec, 0, 0, 99);
  EXPECT_EQ(calls, 0);
  Fill(spec, 1, 0, 1);
  ASSERT_EQ(calls, 1);
  EXPECT_EQ(answer.Rows(spec).size(), 50);
  EXPECT_EQ(answer.parts[0].summary().end_step(0), 99);
  EXPECT_EQ(answer.parts[0].summary().end_step(1), 1);

  const AppendResult limited = Fill(spec, 0, 99, 400);
  EXPECT_EQ(limited.outcome, v1::AppendResponse::LIMITED);
  EXPECT_GT(limited.retry_after_seconds, 0);
  EXPECT_TRUE(store_->Totals(kNow).actors_wait_for_balance);
  EXPECT_GT(store_->Totals(kNow).balance, 0);
  request.set_first_draw(50);
  ASSERT_EQ(Sample(request).status, absl::OkStatus());
  EXPECT_EQ(Fill(spec, 0, limited.next_step, limited.next_step + 10).outcome,
            v1::AppendResponse::STORED);
  EXPECT_FALSE(store_->Totals(kNow).actors_wait_for_balance);
}

TEST_F(SampleTest, NewLimitsWakeALearnerThatWaits) {
  const v1::TableSpec spec = AddTable(0, 1000, Limits());
  Fill(spec, 0, 0, 60);
  Answer answer{.status = absl::UnavailableError("waits"), .parts = {}};
  store_->WaitForSample(Request({0}, 50), [&](absl::StatusOr<SampleReader> reader) {
    ReadAll(std::move(reader), answer);
  });
  v1::SetLimitsRequest request;
  request.set_experiment_id("e");
  request.add_members(0);
  *request.mutable_limits() = Limits();
  request.mutable_limits()->set_minimum_size(60);
  EXPECT_EQ(answer.status.code(), absl::StatusCode::kUnavailable);
  ASSERT_EQ(store_->SetLimits(request), absl::OkStatus());
  EXPECT_EQ(answer.status, absl::OkStatus());
  EXPECT_EQ(store_->Describe("e")->tables(0).limiter().limits().minimum_size(), 60);
  request.mutable_limits()->set_tolerance(10);
  EXPECT_THAT(std::string(store_->SetLimits(request).message()),
              HasSubstr("limits.tolerance must be at least 50"));
  request.mutable_limits()->set_tolerance(100);
  request.add_members(1);
  EXPECT_EQ(store_->SetLimits(request).code(), absl::StatusCode::kNotFound);
  AddTable(1, 300);
  EXPECT_EQ(store_->SetLimits(request).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SampleTest, TheEndOfACallOrAnOpenedStreamLetsTheLearnerGoOn) {
  const v1::TableSpec spec = AddTable(0, 1000, Limits());
  Fill(spec, 0, 0, 100);
  const auto chunk = std::make_shared<v1::Chunk>(CutChunk(spec, 1, Steps(spec, 1), 0, 10));
  ASSERT_EQ(store_->Append(chunk, Arrival{.now = kNow, .call = 9})->outcome,
            v1::AppendResponse::STORED);
  v1::SampleRequest request = Request({0}, 50);
  request.set_policy_version(20);
  Answer answer{.status = absl::UnavailableError("waits"), .parts = {}};
  store_->WaitForSample(
      request, [&](absl::StatusOr<SampleReader> reader) { ReadAll(std::move(reader), answer); });
  ASSERT_TRUE(store_->OpenStream(MakeKey(spec, 0), 1).ok());
  EXPECT_EQ(answer.status.code(), absl::StatusCode::kUnavailable);
  store_->EndCall(9);
  EXPECT_EQ(answer.status, absl::OkStatus());
  EXPECT_EQ(Fill(spec, 0, 100, 110).outcome, v1::AppendResponse::STALE_POLICY);
}

TEST_F(SampleTest, RequestsOutsideTheirLimitsAreRefusedByName) {
  AddTable(0, 300);
  EXPECT_THAT(Refusal([](auto& r) { r.set_experiment_id(""); }), HasSubstr("experiment_id"));
  EXPECT_THAT(Refusal([](auto& r) { r.clear_members(); }), HasSubstr("members must list 1 to"));
  EXPECT_THAT(Refusal([](auto& r) { *r.add_members() = r.members(0); }),
              HasSubstr("members must be distinct"));
  EXPECT_THAT(Refusal([](auto& r) {
                r.mutable_members(0)->set_member(4);
                r.add_members()->set_member(0);
              }),
              HasSubstr("members[1].member must be above 4"));
  EXPECT_THAT(Refusal([](auto& r) { r.mutable_members(0)->add_since_step(1); }),
              HasSubstr("members[0].since_step must have 0 or num_streams 2 elements, got 1"));
  EXPECT_THAT(Refusal([](auto& r) { r.clear_up_to_step(); }),
              HasSubstr("up_to_step must be a multiple of steps_per_round 50, got none"));
  EXPECT_THAT(Refusal([](auto& r) { r.set_up_to_step(49); }), HasSubstr("got 49"));
  EXPECT_THAT(Refusal([](auto& r) { r.set_up_to_step(0); }),
              HasSubstr("up_to_step must be at least steps_per_round 50 to draw 10 rows, got 0"));
  EXPECT_THAT(Refusal([](auto& r) { r.set_up_to_step(~uint64_t{0}); }),
              HasSubstr("up_to_step must be at most"));
  EXPECT_THAT(Refusal([](auto& r) { r.set_num_draws(10000001); }),
              HasSubstr("num_draws must be at most 10000000, got 10000001"));
  EXPECT_THAT(Refusal([](auto& r) { r.set_num_draws(~uint32_t{0}); }), HasSubstr("num_draws"));
  EXPECT_THAT(Refusal([](auto& r) { r.set_first_draw(~uint64_t{0}); }), HasSubstr("first_draw"));
  EXPECT_THAT(Refusal([](auto& r) { r.set_policy_version(~uint64_t{0}); }),
              HasSubstr("policy_version"));
  AddTable(1, 1000, Limits());
  EXPECT_THAT(Refusal([](auto& r) { r.mutable_members(0)->set_member(1); }),
              HasSubstr("up_to_step must be absent: the table of member 1 has limits; got 50"));
  EXPECT_THAT(Refusal([](auto& r) {
                r.mutable_members(0)->set_member(1);
                r.clear_up_to_step();
                r.set_num_draws(151);
              }),
              HasSubstr("num_draws must be at most 150"));
  EXPECT_EQ(Sample(Request({5}, 1)).status.code(), absl::StatusCode::kNotFound);
}

TEST_F(SampleTest, TablesWithAndWithoutACapacityAreNotMistakenForEachOther) {
  AddTable(0, 300);
  AddTable(1, 0);
  v1::SampleRequest request = Request({0, 1}, 5);
  request.set_up_to_step(50);
  const Answer answer = Sample(request);
  EXPECT_EQ(answer.status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(answer.status.message()),
              HasSubstr("the table of member 1 of experiment e has no capacity"));
  absl::Status round;
  store_->WaitForRound({.experiment_id = "e", .members = {0}, .round = 0},
                       [&](auto reader) { round = reader.status(); });
  EXPECT_EQ(round.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(round.message()), HasSubstr("member 0 of experiment e has a capacity"));
  EXPECT_EQ(store_->ReleaseRounds("e", {0}, 0).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SampleTest, CapacitiesAreCheckedAndSetAsideFromTheBudget) {
  v1::TableSpec spec = MakeSpec("f", 0, 4, 50);
  spec.set_capacity(3);
  EXPECT_THAT(
      std::string(store_->CreateTables({spec}).message()),
      HasSubstr("tables[0].capacity must be in [4, 1000000000], num_streams or more, got 3"));
  spec.clear_capacity();
  *spec.mutable_limits() = Limits();
  EXPECT_THAT(std::string(store_->CreateTables({spec}).message()),
              HasSubstr("tables[0].limits must be absent without a capacity"));
  spec.clear_limits();
  spec.set_capacity(10000000);
  const absl::Status refused = store_->CreateTables({spec});
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()),
              AllOf(HasSubstr("the transitions of all tables can take 346987296 bytes"),
                    HasSubstr("but the replay may hold 67108864: give it more memory, a smaller "
                              "capacity, fewer members or")));
  spec.set_capacity(100000);
  ASSERT_EQ(store_->CreateTables({spec}), absl::OkStatus());
  spec.set_capacity(100001);
  EXPECT_THAT(std::string(store_->CreateTables({spec}).message()),
              HasSubstr("exists with capacity 100000, got 100001"));
}

TEST_F(SampleTest, TransitionsNeverTakeMoreThanWasSetAside) {
  for (const uint64_t capacity : {2, 64, 300, 1000}) {
    ASSERT_EQ(store_->DropExperiment("e"), absl::OkStatus());
    const v1::TableSpec spec = AddTable(0, capacity);
    for (uint64_t step = 0; step < 550; step += 50) {
      Fill(spec, 0, step, step + 50);
      Fill(spec, 1, step, step + 50);
      EXPECT_LE(store_->bytes(), RingBytes(spec));
    }
    const auto description = store_->Describe("e")->tables(0);
    EXPECT_EQ(description.transitions(), std::min<uint64_t>(capacity, 1100));
    EXPECT_GE(description.payload_bytes(), description.transitions() * 25);
    EXPECT_EQ(description.bytes(), store_->bytes());
    EXPECT_EQ(store_->Totals(kNow).transitions, description.transitions());
  }
}

}  // namespace
}  // namespace sr2l
