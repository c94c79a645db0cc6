// A log that was synced in full and of which a small file was damaged afterwards: it serves all,
// or it refuses by name and leaves everything as it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "replay/core/audit_log.h"
#include "tests/replay/chunks.h"
#include "tests/replay/disk_syncs.h"
#include "tests/replay/log_folder.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

constexpr uint32_t kSteps = 4;  // of a chunk

std::string ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Where the records of a MANIFEST end: a header of checksum (4 bytes), length (2) and type (1),
// then so many bytes.
std::vector<size_t> RecordEnds(const std::string& manifest) {
  std::vector<size_t> ends;
  constexpr size_t kHeader = 7;
  for (size_t at = 0; at + kHeader <= manifest.size();) {
    const auto low = static_cast<uint8_t>(manifest[at + 4]);
    const auto high = static_cast<uint8_t>(manifest[at + 5]);
    at += kHeader + (size_t{high} << 8 | low);
    ends.push_back(at);
  }
  return ends;
}

// Whether the chunks lie in the WAL alone, or in table files, too.
enum class Place { kWal, kTables };

class DamagedLogTest : public ::testing::TestWithParam<Place> {
 protected:
  DamagedLogTest() {
    DiskSyncs::Skip();
    spec_.set_observation_dim(1000);  // 20 kB for a chunk
    Fill(4);
    if (GetParam() == Place::kTables) Fill(60);
    EXPECT_EQ(folder_.Files(".sst").empty(), GetParam() == Place::kWal);
  }
  ~DamagedLogTest() override { DiskSyncs::Pass(); }

  static absl::StatusOr<std::unique_ptr<DurableLog>> Open(const LogFolder& folder) {
    return DurableLog::Open({.folder = folder.path(),
                             .byte_budget = uint64_t{64} << 20,
                             .write_buffer_bytes = GetParam() == Place::kTables
                                                       ? size_t{256} << 10
                                                       : kWriteBufferBytes});
  }

  ChunkPtr Chunk(uint64_t first_step) const {
    return ShareChunk(spec_, {.first_step = first_step, .num_steps = kSteps});
  }

  // Opens the log, appends up to so many chunks and closes it.
  void Fill(int chunks) {
    const auto log = Open(folder_);
    ASSERT_TRUE(log.ok()) << log.status();
    if (steps_ == 0) {
      EXPECT_TRUE((*log)->CreateTables({spec_}).ok());
    }
    for (; steps_ < static_cast<uint64_t>(chunks) * kSteps; steps_ += kSteps) {
      // The log may be behind its disk for a moment.
      while (!(*log)->Append(id_, Chunk(steps_)).ok()) std::this_thread::yield();
    }
  }

  void ExpectAll(const DurableLog& log, const std::string& what) const {
    const auto tables = *log.Describe();
    ASSERT_EQ(tables.size(), 1U) << what;
    EXPECT_TRUE(tables[0].damage.empty()) << what;
    ASSERT_EQ(tables[0].streams[0].next_step, steps_) << what;
    const auto chunks = *log.Read(id_, 0, steps_);
    ASSERT_EQ(chunks.size() * kSteps, steps_) << what;
    for (size_t i = 0; i < chunks.size(); ++i) {
      EXPECT_TRUE(chunks[i]->SerializeAsString() == Chunk(i * kSteps)->SerializeAsString()) << what;
    }
  }

  // Opens a copy in which the file holds `bytes` instead. Whether it was refused; then, too, it
  // is refused again, and serves all once the file is as it was.
  bool IsRefused(const std::string& name, const std::string& bytes, const std::string& what) {
    folder_.CopyTo(copy_);
    const std::string path = copy_.path() + "/" + name;
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    EXPECT_EQ(IsAuditRefused(what), IsOpenRefused(what)) << what;
    if (!IsOpenRefused(what)) return false;
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        << ReadBytes(folder_.path() + "/" + name);
    EXPECT_FALSE(IsOpenRefused(what)) << what;
    return true;
  }

  bool IsOpenRefused(const std::string& what) const {
    const auto log = Open(copy_);
    if (log.ok()) {
      ExpectAll(**log, what);
    } else {
      EXPECT_THAT(std::string(log.status().message()), HasSubstr(copy_.path())) << what;
    }
    return !log.ok();
  }
  bool IsAuditRefused(const std::string& what) const {
    const auto streams = AuditLog(copy_.path());
    if (!streams.ok()) return true;
    EXPECT_EQ(streams->size(), 1U) << what;
    EXPECT_EQ(streams->at(0).scan.steps, steps_) << what;
    return false;
  }

  // How many of the damages were refused.
  int CountFlipsRefused(const std::string& name, const std::vector<size_t>& offsets) {
    std::string bytes = ReadBytes(folder_.path() + "/" + name);
    int refused = 0;
    for (const size_t offset : offsets) {
      const char before = bytes[offset];
      bytes[offset] = static_cast<char>(before ^ (1 << random_() % 8));
      if (IsRefused(name, bytes, absl::StrCat(name, " flipped at ", offset))) ++refused;
      bytes[offset] = before;
    }
    return refused;
  }
  int CountCutsRefused(const std::string& name, const std::vector<size_t>& sizes) {
    const std::string bytes = ReadBytes(folder_.path() + "/" + name);
    int refused = 0;
    for (const size_t size : sizes) {
      const std::string what = absl::StrCat(name, " cut at ", size, " of ", bytes.size());
      if (IsRefused(name, bytes.substr(0, size), what)) ++refused;
    }
    return refused;
  }

  // All numbers below the size of a file.
  std::vector<size_t> AllOffsets(const std::string& name) const {
    std::vector<size_t> offsets(std::filesystem::file_size(folder_.path() + "/" + name));
    for (size_t i = 0; i < offsets.size(); ++i) offsets[i] = i;
    return offsets;
  }

  std::string Manifest() const {
    for (const std::string& file : folder_.Files("")) {
      const std::string name = std::filesystem::path(file).filename();
      if (name.starts_with("MANIFEST")) return name;
    }
    ADD_FAILURE() << "no MANIFEST";
    return "";
  }

  v1::TableSpec spec_ = MakeSpec("e", 0, 1, kSteps);
  const StreamId id_{{"e", 0}, 0};
  uint64_t steps_ = 0;  // that the log has
  const LogFolder folder_;
  const LogFolder copy_;
  std::mt19937 random_{3};
};

TEST_P(DamagedLogTest, ServesAllWhenNothingIsDamaged) {
  folder_.CopyTo(copy_);
  EXPECT_FALSE(IsOpenRefused("copy"));
}

TEST_P(DamagedLogTest, ADamagedCurrentIsRefused) {
  const std::vector<size_t> offsets = AllOffsets("CURRENT");
  EXPECT_EQ(CountFlipsRefused("CURRENT", offsets), offsets.size());
  EXPECT_EQ(CountCutsRefused("CURRENT", offsets), offsets.size());
}

// It is a second witness: without it the log is as good as before.
TEST_P(DamagedLogTest, ADamagedSyncedTakesNothingFromAWholeLog) {
  const std::vector<size_t> offsets = AllOffsets("SYNCED");
  ASSERT_FALSE(offsets.empty());
  EXPECT_EQ(CountFlipsRefused("SYNCED", offsets), 0);
  EXPECT_EQ(CountCutsRefused("SYNCED", offsets), 0);
}

TEST_P(DamagedLogTest, AFlippedByteInTheManifestIsRefused) {
  std::vector<size_t> offsets = AllOffsets(Manifest());
  std::shuffle(offsets.begin(), offsets.end(), random_);
  offsets.resize(std::min<size_t>(offsets.size(), 60));
  EXPECT_EQ(CountFlipsRefused(Manifest(), offsets), offsets.size());
}

// The length of the last record: what follows a wrong one looks like the end of the file.
TEST_P(DamagedLogTest, AFlippedLengthInTheManifestIsRefused) {
  const std::vector<size_t> ends = RecordEnds(ReadBytes(folder_.path() + "/" + Manifest()));
  ASSERT_GE(ends.size(), 2U);
  const size_t last = ends[ends.size() - 2];
  EXPECT_EQ(CountFlipsRefused(Manifest(), {last + 4, last + 5}), 2);
}

TEST_P(DamagedLogTest, ACutManifestIsRefused) {
  const std::vector<size_t> ends = RecordEnds(ReadBytes(folder_.path() + "/" + Manifest()));
  std::vector<size_t> sizes = {0, 1, 6, 7, 8};
  for (const size_t end : ends) {
    for (const size_t size : {end - 1, end, end + 1, end + 7}) {
      if (size < ends.back()) sizes.push_back(size);
    }
  }
  EXPECT_EQ(CountCutsRefused(Manifest(), sizes), sizes.size());
}

INSTANTIATE_TEST_SUITE_P(Places, DamagedLogTest, ::testing::Values(Place::kWal, Place::kTables),
                         [](const auto& place) {
                           return place.param == Place::kWal ? "wal" : "tables";
                         });

}  // namespace
}  // namespace sr2l
