// A byte that flipped in chunks that nobody needs any more: no reader meets it, but a compaction
// does, which stops the database.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "replay/core/audit_log.h"
#include "tests/replay/buried_damage.h"
#include "tests/replay/chunks.h"
#include "tests/replay/eventually.h"
#include "tests/replay/log_folder.h"

namespace sr2l {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint32_t kSteps = 4;              // of a chunk
constexpr size_t kBufferBytes = 256 << 10;  // of a table file
constexpr int kCompactedFiles = 4;          // so many begin a compaction
constexpr uint64_t kEndedTable = 1;         // the first one's number

class DamagedCompactionTest : public ::testing::Test {
 protected:
  DamagedCompactionTest() {
    spec_.set_observation_dim(1000);  // 20 kB for a chunk
    const auto log = Open();
    EXPECT_TRUE(log->CreateTables({MakeSpec("dead", 0, 1, kSteps), spec_}).ok());
    AppendTo(*log, kSteps);
    EXPECT_TRUE(log->Drop("dead").ok());
  }

  std::unique_ptr<DurableLog> Open() const {
    auto log = DurableLog::Open({.folder = folder_.path(),
                                 .byte_budget = uint64_t{64} << 20,
                                 .sync = {.interval = absl::Milliseconds(5)},
                                 .write_buffer_bytes = kBufferBytes});
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }

  ChunkPtr Chunk(uint64_t first_step) const {
    return ShareChunk(spec_, {.first_step = first_step, .num_steps = kSteps});
  }

  // Appends up to this step; what is refused is sent again.
  void AppendTo(DurableLog& log, uint64_t end_step) {
    for (; steps_ < end_step && !HasFailure(); steps_ += kSteps) {
      Eventually([&] { return log.Append(id_, Chunk(steps_)).ok(); });
    }
  }

  // Appends until a compaction has met the damage and the log goes on, and then several table
  // files more.
  void AppendPastTheDamage(DurableLog& log) {
    Eventually([&] {
      AppendTo(log, steps_ + kSteps);
      return log.health().errors > 0;
    });
    AppendTo(log, steps_ + 100 * kSteps);
    EXPECT_EQ(log.health().errors, 1);
    EXPECT_EQ(log.health().refusal, "");
  }

  void ExpectAll(const DurableLog& log) const {
    const TableState table = log.Describe()->at(0);
    EXPECT_TRUE(table.damage.empty());
    ASSERT_EQ(table.streams[0].next_step, steps_);
    const auto chunks = *log.Read(id_, 0, steps_);
    ASSERT_EQ(chunks.size() * kSteps, steps_);
    for (size_t i = 0; i < chunks.size(); ++i) {
      EXPECT_TRUE(chunks[i]->SerializeAsString() == Chunk(i * kSteps)->SerializeAsString()) << i;
    }
  }

  v1::TableSpec spec_ = MakeSpec("e", 0, 1, kSteps);
  const StreamId id_{{"e", 0}, 0};
  uint64_t steps_ = 0;  // that the log has taken
  const LogFolder folder_;
};

TEST_F(DamagedCompactionTest, TheLogGoesOnWithoutCompactionsAndLosesNothing) {
  BuryDamage(folder_.path(), {.table = kEndedTable, .files = kCompactedFiles});
  // Also after a restart, which does not know of the damage.
  for (int start = 0; start < 2; ++start) {
    const auto log = Open();
    ExpectAll(*log);
    AppendPastTheDamage(*log);
    ExpectAll(*log);
    EXPECT_GE(folder_.Files(".sst").size(), kCompactedFiles + 4) << "nothing was written since";
  }
  ExpectAll(*Open());
}

TEST_F(DamagedCompactionTest, AnAuditNamesTheFileThatNoStreamNeeds) {
  EXPECT_THAT(*FindDamagedFiles(folder_.path()), IsEmpty());
  const std::string file =
      BuryDamage(folder_.path(), {.table = kEndedTable, .files = kCompactedFiles});
  const auto streams = AuditLog(folder_.path());
  ASSERT_TRUE(streams.ok()) << streams.status();
  ASSERT_EQ(streams->size(), 2U);
  for (const AuditedStream& stream : *streams) EXPECT_TRUE(stream.whole());
  EXPECT_THAT(*FindDamagedFiles(folder_.path()),
              ElementsAre(AllOf(HasSubstr(file), HasSubstr("checksum"))));
}

}  // namespace
}  // namespace sr2l
