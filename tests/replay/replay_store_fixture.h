#ifndef SR2L_TESTS_REPLAY_REPLAY_STORE_FIXTURE_H_
#define SR2L_TESTS_REPLAY_REPLAY_STORE_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "replay/core/memory_log.h"
#include "replay/core/replay_store.h"
#include "tests/replay/chunks.h"

namespace sr2l {

// A store with tables for the test to fill.
class ReplayStoreFixture : public ::testing::Test {
 protected:
  ReplayStoreFixture() : store_(*ReplayStore::Open(log_)) {}

  // A table with every stream opened with epoch 1.
  v1::TableSpec AddTable(const std::string& experiment_id, uint32_t member,
                         uint32_t num_streams) {
    const v1::TableSpec spec = MakeSpec(experiment_id, member, num_streams, 8);
    EXPECT_EQ(store_->CreateTables({spec}), absl::OkStatus());
    for (uint32_t stream = 0; stream < num_streams; ++stream) {
      EXPECT_TRUE(store_->OpenStream(MakeKey(spec, stream), 1).ok());
    }
    return spec;
  }

  AppendResult Append(const v1::TableSpec& spec, const ChunkPlace& place,
                      absl::Time now = absl::FromUnixSeconds(1000)) {
    return *store_->Append(ShareChunk(spec, place), now);
  }

  // "member/stream/first_step" of every chunk, in the order of reading.
  static std::vector<std::string> Places(RoundReader& reader) {
    std::vector<std::string> places;
    while (true) {
      const auto chunk = reader.Next();
      EXPECT_TRUE(chunk.ok()) << chunk.status();
      if (!chunk.ok() || *chunk == nullptr) return places;
      places.push_back(absl::StrCat((*chunk)->key().member(), "/", (*chunk)->key().stream(),
                                    "/", (*chunk)->first_step()));
    }
  }

  // The answer to a wait that is over at once.
  absl::StatusOr<RoundReader> ReadNow(const RoundRequest& request) {
    std::optional<absl::StatusOr<RoundReader>> answer;
    const auto id = store_->WaitForRound(request, [&](auto reader) { answer = std::move(reader); });
    store_->CancelWait(id);
    return answer.value_or(absl::UnavailableError("not complete"));
  }

  MemoryLog log_{uint64_t{64} << 20};
  std::unique_ptr<ReplayStore> store_;
};

}  // namespace sr2l

#endif  // SR2L_TESTS_REPLAY_REPLAY_STORE_FIXTURE_H_
