#include "replay/core/durable_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "replay/core/memory_log.h"
#include "replay/core/replay_store.h"
#include "tests/replay/chunks.h"
#include "tests/replay/log_folder.h"

namespace sr2l {
namespace {

constexpr uint64_t kBudget = uint64_t{64} << 20;

// All that a log tells of itself, as text: two logs that tell the same hold the same.
std::string Tell(const TrajectoryLog& log) {
  std::string text = absl::StrCat("bytes ", log.bytes(), "\n");
  const auto tables = log.Describe();
  for (const TableState& table : *tables) {
    const TableId id{table.spec.experiment_id(), table.spec.member()};
    absl::StrAppend(&text, table.spec.ShortDebugString(), " released ", table.released_end,
                    " bytes ", table.bytes, " damage ", table.damage.size(), "\n");
    for (uint32_t i = 0; i < table.streams.size(); ++i) {
      absl::StrAppend(&text, "stream ", i, " epoch ", table.streams[i].epoch, " next ",
                      table.streams[i].next_step, " token ", *log.ReadToken({id, i}), "\n");
      const auto chunks = log.Read({id, i}, 0, table.streams[i].next_step);
      for (const ChunkPtr& chunk : *chunks) {
        absl::StrAppend(&text, chunk->SerializeAsString(), "\n");
      }
    }
  }
  return text;
}

// One random change, made to both logs.
void Change(std::mt19937& random, TrajectoryLog& a, TrajectoryLog& b) {
  const auto pick = [&](uint64_t below) {
    return std::uniform_int_distribution<uint64_t>(0, below - 1)(random);
  };
  const std::string experiment = pick(2) == 0 ? "e" : "f";
  const auto member = static_cast<uint32_t>(pick(2));
  v1::TableSpec spec = MakeSpec(experiment, member, 2, 8);
  if (member == 1) spec.set_capacity(64);
  const StreamId id{{experiment, member}, static_cast<uint32_t>(pick(2))};
  const auto tables = *a.Describe();
  const auto table = std::find_if(tables.begin(), tables.end(), [&](const TableState& state) {
    return state.spec.experiment_id() == experiment && state.spec.member() == member;
  });
  if (table == tables.end()) {
    EXPECT_EQ(a.CreateTables({spec}), b.CreateTables({spec}));
    return;
  }
  const StreamState& stream = table->streams[id.stream];
  const uint64_t kind = pick(40);
  if (kind == 0) {
    EXPECT_EQ(a.Drop(experiment), b.Drop(experiment));
  } else if (kind < 5) {
    EXPECT_EQ(a.Fence(id, stream.epoch + 1), b.Fence(id, stream.epoch + 1));
  } else if (kind == 5 && spec.has_capacity()) {
    v1::TableLimits limits;
    limits.set_minimum_size(1 + pick(64));
    limits.set_samples_per_insert(1);
    limits.set_tolerance(1000);
    limits.set_samples_per_version(50);
    limits.set_max_staleness(100);
    EXPECT_EQ(a.SetLimits({id.table}, limits), b.SetLimits({id.table}, limits));
  } else if (kind < 8) {
    const uint64_t end = pick(stream.next_step + 1);
    EXPECT_EQ(a.Release(id.table, end), b.Release(id.table, end));
  } else {
    const ChunkPtr chunk =
        ShareChunk(spec, {.stream = id.stream,
                          .first_step = stream.next_step,
                          .num_steps = static_cast<uint32_t>(1 + pick(8 - stream.next_step % 8)),
                          .epoch = stream.epoch});
    EXPECT_EQ(a.Append(id, chunk), b.Append(id, chunk));
  }
}

TEST(DurableLogTest, HoldsWhatAMemoryLogHoldsThroughRandomChangesAndReopenings) {
  for (uint32_t seed = 0; seed < 4; ++seed) {
    std::mt19937 random(seed);
    const LogFolder folder;
    auto log = folder.Open();
    ASSERT_TRUE(log.ok()) << log.status();
    MemoryLog oracle(kBudget);
    for (int i = 0; i < 400; ++i) {
      Change(random, oracle, **log);
      if (random() % 50 != 0) continue;
      log->reset();
      log = folder.Open();
      ASSERT_TRUE(log.ok()) << log.status();
      ASSERT_EQ(Tell(**log), Tell(oracle)) << "seed " << seed << " change " << i;
    }
  }
}

// Changes the log's database behind its back.
void Tamper(const LogFolder& folder, const std::function<void(rocksdb::DB&)>& change) {
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(LogOptions(), folder.path(), &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  change(*db);
}

// Moves the WAL's records to a table file.
void FlushToTableFile(const LogFolder& folder) {
  Tamper(folder, [](rocksdb::DB& db) { ASSERT_TRUE(db.Flush({}).ok()); });
}

TEST(DurableLogTest, AFolderThatCannotBeLookedIntoIsRefusedByName) {
  const LogFolder folder;
  std::filesystem::create_directory(folder.path());
  const std::string loop = folder.path() + "/CURRENT";
  std::filesystem::create_symlink("CURRENT", loop);
  const auto log = folder.Open();
  EXPECT_EQ(log.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(log.status().message()), ::testing::HasSubstr(loop));
}

// Two tables of one stream each; where the log's WAL ended after each chunk of either.
class CrashPointTest : public ::testing::Test {
 protected:
  static constexpr int kChunks = 12;

  CrashPointTest() {
    auto log = folder_.Open();
    EXPECT_TRUE(log.ok()) << log.status();
    EXPECT_TRUE((*log)->CreateTables({specs_[0], specs_[1]}).ok());
    wal_ = std::filesystem::path(folder_.Files(".log").at(0)).filename();
    wal_ends_.push_back(WalBytes());
    for (int i = 0; i < kChunks; ++i) {
      EXPECT_TRUE((*log)->Append(Id(i % 2), Chunk(i)).ok());
      wal_ends_.push_back(WalBytes());
    }
  }

  uint64_t WalBytes() const { return std::filesystem::file_size(folder_.path() + "/" + wal_); }
  static StreamId Id(uint32_t member) { return {{"e", member}, 0}; }
  ChunkPtr Chunk(int i) const {
    return ShareChunk(specs_[i % 2], {.first_step = static_cast<uint64_t>(i / 2) * 4,
                                      .num_steps = 4});
  }

  // That the log holds the first chunks in the order in which they came, and no other; their
  // number. Damaged tables are only counted.
  int CountPrefix(const TrajectoryLog& log) const {
    const auto tables = *log.Describe();
    if (tables.empty()) return -1;
    int count = 0;
    for (uint32_t member = 0; member < 2; ++member) {
      const uint64_t next_step = tables[member].streams[0].next_step;
      if (!tables[member].damage.empty()) continue;
      const auto chunks = log.Read(Id(member), 0, next_step);
      EXPECT_EQ(chunks->size() * 4, next_step);
      for (size_t i = 0; i < chunks->size(); ++i) {
        EXPECT_EQ((*chunks)[i]->SerializeAsString(),
                  Chunk(static_cast<int>(2 * i + member))->SerializeAsString());
      }
      count += static_cast<int>(chunks->size());
    }
    const bool whole = tables[0].damage.empty() && tables[1].damage.empty();
    const uint64_t ahead = tables[0].streams[0].next_step - tables[1].streams[0].next_step;
    if (whole) {
      EXPECT_THAT(ahead, ::testing::AnyOf(0, 4)) << "not in the order of writing";
    }
    return count;
  }

  static void Flip(const std::string& path, uint64_t offset) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    const char byte = static_cast<char>(file.get() ^ 0x20);
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(byte);
  }

  // Chunks of more than a block of a table file each.
  static v1::TableSpec WideSpec(uint32_t member) {
    v1::TableSpec spec = MakeSpec("e", member, 1, 8);
    spec.set_observation_dim(300);
    return spec;
  }

  const v1::TableSpec specs_[2] = {WideSpec(0), WideSpec(1)};
  const LogFolder folder_;
  const LogFolder copy_;
  std::string wal_;
  std::vector<uint64_t> wal_ends_;
};

TEST_F(CrashPointTest, ACutWalThatWasNotSyncedGivesWhatWasWhollyWritten) {
  for (int chunk = 1; chunk <= kChunks; ++chunk) {
    for (const int offset : {-1, 0, 1}) {
      folder_.CopyTo(copy_);
      std::filesystem::remove(copy_.path() + "/SYNCED");
      const uint64_t size = std::min(wal_ends_[chunk] + offset, wal_ends_[kChunks]);
      std::filesystem::resize_file(copy_.path() + "/" + wal_, size);
      const auto log = copy_.Open();
      ASSERT_TRUE(log.ok()) << log.status();
      EXPECT_EQ(CountPrefix(**log), offset < 0 ? chunk - 1 : chunk);
    }
  }
}

TEST_F(CrashPointTest, ACutWalThatWasSyncedIsRefused) {
  folder_.CopyTo(copy_);
  std::filesystem::resize_file(copy_.path() + "/" + wal_, wal_ends_[kChunks] - 1);
  const auto log = copy_.Open();
  EXPECT_EQ(log.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(log.status().message()), ::testing::HasSubstr("SYNCED"));
}

TEST_F(CrashPointTest, AFlippedByteInTheWalIsRefusedOrLeavesAPrefix) {
  for (uint64_t offset = 0; offset < wal_ends_[kChunks]; offset += 1511) {
    for (const bool synced : {true, false}) {
      folder_.CopyTo(copy_);
      if (!synced) std::filesystem::remove(copy_.path() + "/SYNCED");
      Flip(copy_.path() + "/" + wal_, offset);
      const auto log = copy_.Open();
      if (synced) {
        EXPECT_EQ(log.status().code(), absl::StatusCode::kDataLoss) << "offset " << offset;
      } else if (log.ok()) {
        CountPrefix(**log);
      }
    }
  }
}

TEST_F(CrashPointTest, AFlippedByteInATableFileIsRefusedOrNamedAndNeverServed) {
  FlushToTableFile(folder_);
  const std::vector<std::string> files = folder_.Files(".sst");
  ASSERT_FALSE(files.empty());
  int named = 0;
  for (const std::string& file : files) {
    const std::string name = std::filesystem::path(file).filename();
    for (uint64_t offset = 0; offset < std::filesystem::file_size(file); offset += 1201) {
      folder_.CopyTo(copy_);
      Flip(copy_.path() + "/" + name, offset);
      const auto log = copy_.Open();
      if (!log.ok()) continue;
      const int held = CountPrefix(**log);
      const auto tables = *(*log)->Describe();
      const size_t damage = tables[0].damage.size() + tables[1].damage.size();
      if (damage == 0) {
        EXPECT_EQ(held, kChunks) << "offset " << offset;
      } else {
        ++named;
      }
    }
  }
  EXPECT_GT(named, 0);
}

TEST_F(CrashPointTest, AMissingFileIsRefusedOrLeavesAPrefix) {
  for (const bool in_tables : {false, true}) {
    if (in_tables) FlushToTableFile(folder_);
    for (const std::string& file : folder_.Files("")) {
      folder_.CopyTo(copy_);
      std::filesystem::remove(copy_.path() + "/" + std::filesystem::path(file).filename().string());
      const auto log = copy_.Open();
      if (log.ok()) {
        EXPECT_EQ(CountPrefix(**log), kChunks) << file;
      }
    }
  }
}

// ---- damage, as the store answers

TEST_F(CrashPointTest, AStreamWithoutOneOfItsChunksAnswersDataLossAndOthersGoOn) {
  Tamper(folder_, [](rocksdb::DB& db) { db.Delete({}, ChunkKey(1, 0, 8)); });
  const auto log = folder_.Open();
  ASSERT_TRUE(log.ok()) << log.status();
  const auto store = *ReplayStore::Open(**log);
  const absl::Status damaged = store->OpenStream(MakeKey(specs_[0], 0), 5).status();
  EXPECT_EQ(damaged.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(damaged.message()),
              ::testing::HasSubstr("member 0 is damaged: stream 0, steps 8 to 12: missing"));
  EXPECT_EQ(store->Append(Chunk(0), absl::Now()).status().code(), absl::StatusCode::kDataLoss);
  absl::Status read;
  store->WaitForRound({"e", {0}, 0}, [&](auto reader) { read = reader.status(); });
  EXPECT_EQ(read.code(), absl::StatusCode::kDataLoss);
  const auto description = store->Describe("e");
  EXPECT_THAT(description->tables(0).damage(),
              ::testing::ElementsAre("stream 0, steps 8 to 12: missing"));
  EXPECT_TRUE(description->tables(1).damage().empty());
  EXPECT_EQ(store->OpenStream(MakeKey(specs_[1], 0), 5)->next_step, kChunks / 2 * 4);
}

// ---- transitions

class DurableRingTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kRound = 16;

  DurableRingTest() { spec_.set_capacity(2 * 64); }

  void Open() {
    store_.reset();
    log_.reset();
    auto log = folder_.Open();
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
    store_ = *ReplayStore::Open(*log_);
  }

  v1::AppendResponse::Outcome AppendRound(uint32_t stream, uint64_t round) {
    return store_
        ->Append(ShareChunk(spec_, {.stream = stream,
                                    .first_step = round * kRound,
                                    .num_steps = kRound,
                                    .ends = {3, 7}}),
                 absl::Now())
        ->outcome;
  }

  // All parts of a draw from the steps before the end of `rounds`, or why there are none.
  std::string Draw(uint64_t rounds, std::optional<uint64_t> released_step = std::nullopt) {
    v1::SampleRequest request;
    request.set_experiment_id("e");
    request.add_members()->set_seed(3);
    request.set_up_to_step(rounds * kRound);
    request.set_num_draws(100);
    if (released_step.has_value()) request.set_released_step(*released_step);
    std::string text = "no answer";
    const auto id = store_->WaitForSample(request, [&](absl::StatusOr<SampleReader> reader) {
      text = std::string(reader.status().message());
      v1::SampleResponse part;
      while (reader.ok()) {
        const auto more = reader->Next(part);
        if (!more.ok()) text = std::string(more.status().message());
        if (!more.ok() || !*more) return;
        text += part.SerializeAsString();
      }
    });
    store_->CancelWait(id);
    return text;
  }

  // Fills both streams until one is full; the rounds that were taken.
  uint64_t Fill(uint64_t round) {
    while (AppendRound(0, round) == v1::AppendResponse::STORED) {
      EXPECT_EQ(AppendRound(1, round), v1::AppendResponse::STORED);
      ++round;
    }
    return round;
  }

  v1::TableSpec spec_ = MakeSpec("e", 0, 2, kRound);
  const LogFolder folder_;
  std::unique_ptr<DurableLog> log_;
  std::unique_ptr<ReplayStore> store_;
};

TEST_F(DurableRingTest, ContentsStayUntilReleasedAndDrawTheSameAfterAReopening) {
  Open();
  ASSERT_TRUE(store_->CreateTables({spec_}).ok());
  for (const uint32_t stream : {0, 1}) {
    ASSERT_TRUE(store_->OpenStream(MakeKey(spec_, stream), 1).ok());
  }
  // A capacity of 64 steps of each stream, 96 for margin and a block of 32: twelve rounds.
  EXPECT_EQ(Fill(0), 12);
  std::vector<std::string> draws;
  for (uint64_t round = 1; round <= 12; ++round) draws.push_back(Draw(round));
  Open();
  for (uint64_t round = 1; round <= 12; ++round) {
    EXPECT_TRUE(Draw(round) == draws[round - 1]) << round;
  }
  EXPECT_EQ(AppendRound(0, 12), v1::AppendResponse::FULL);

  // Contents that end before step 96 need nothing before step 32: a block goes.
  EXPECT_TRUE(Draw(7, 96) == draws[6]);
  EXPECT_EQ(Fill(12), 14);
  EXPECT_TRUE(Draw(6) == draws[5]);
  EXPECT_THAT(Draw(4), ::testing::HasSubstr("not held any more"));
  Open();
  EXPECT_TRUE(Draw(6) == draws[5]);
  EXPECT_TRUE(Draw(7) == draws[6]);
  EXPECT_EQ(AppendRound(0, 14), v1::AppendResponse::FULL);
  EXPECT_EQ(Draw(9, 200), "released_step must be at most up_to_step 144, got 200");
}

}  // namespace
}  // namespace sr2l
