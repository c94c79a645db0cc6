#ifndef SR2L_TESTS_REPLAY_BURIED_DAMAGE_H_
#define SR2L_TESTS_REPLAY_BURIED_DAMAGE_H_

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "replay/core/log_format.h"

namespace sr2l {

inline void FlipByte(const std::string& path, uint64_t offset) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(offset));
  const int before = file.get();
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(static_cast<char>(before ^ 1));
  EXPECT_TRUE(file.flush().good());
}

// Of table files in a log that is not open.
struct BuriedChunks {
  uint64_t table = 0;  // number of one that is not used any more, or not yet
  int files = 1;       // four are due for a compaction
};

// Leaves table files behind with chunks that a last one deletes as a range, and flips a byte in
// the middle of one of them; its path. No reader of the log meets it.
inline std::string BuryDamage(const std::string& folder, const BuriedChunks& buried) {
  constexpr uint64_t kChunks = 200;  // of a file
  rocksdb::Options options = LogOptions();
  options.disable_auto_compactions = true;
  rocksdb::DB* opened = nullptr;
  EXPECT_TRUE(rocksdb::DB::Open(options, folder, &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  for (int file = 0; file < buried.files; ++file) {
    EXPECT_TRUE(db->Flush({}).ok());
    for (uint64_t step = 0; step < kChunks; ++step) {
      EXPECT_TRUE(db->Put({}, ChunkKey(buried.table, 0, step), std::string(1000, 'x')).ok());
    }
  }
  EXPECT_TRUE(db->Flush({}).ok());
  EXPECT_TRUE(db->DeleteRange({}, db->DefaultColumnFamily(), ChunkKey(buried.table, 0, 0),
                              ChunkKey(buried.table + 1, 0, 0))
                  .ok());
  EXPECT_TRUE(db->Flush({}).ok());
  std::vector<rocksdb::LiveFileMetaData> files;
  db->GetLiveFilesMetaData(&files);
  const auto file = std::find_if(files.begin(), files.end(),
                                 [](const auto& file) { return file.num_entries == kChunks; });
  if (file == files.end()) {
    ADD_FAILURE() << "no file holds these chunks alone";
    return "";
  }
  FlipByte(file->db_path + file->name, file->size / 2);
  return file->db_path + file->name;
}

}  // namespace sr2l

#endif  // SR2L_TESTS_REPLAY_BURIED_DAMAGE_H_
