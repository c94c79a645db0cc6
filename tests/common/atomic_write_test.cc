#include "common/files/atomic_write.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/files/file_descriptor.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

class AtomicWriteTest : public ::testing::Test {
 protected:
  AtomicWriteTest() {
    std::string folder = ::testing::TempDir() + "sr2l-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  ~AtomicWriteTest() override { fs::remove_all(folder_); }

  static std::string Read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  fs::path folder_;
};

TEST_F(AtomicWriteTest, ReplacesWhatWasThereAndLeavesNothingElse) {
  const std::string path = folder_ / "file";
  const std::string content("new\0\n\xff", 6);
  ASSERT_EQ(WriteFileAtomically(path, "a longer text that was there before"), absl::OkStatus());
  ASSERT_EQ(WriteFileAtomically(path, content), absl::OkStatus());
  EXPECT_EQ(Read(path), content);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(AtomicWriteTest, TheDurableWriteDoesTheSame) {
  const std::string path = folder_ / "file";
  ASSERT_EQ(WriteFileDurably(path, "before"), absl::OkStatus());
  ASSERT_EQ(WriteFileDurably(path, "after"), absl::OkStatus());
  EXPECT_EQ(Read(path), "after");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(AtomicWriteTest, AFullDiskIsToldApartAndLeavesNoHalfFile) {
  const std::string path = folder_ / "full";
  fs::create_symlink("/dev/full", path + ".tmp");
  const absl::Status status = WriteFileAtomically(path, "x");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(AtomicWriteTest, AnErrorNamesTheFileAndKeepsWhatWasThere) {
  const std::string missing = folder_ / "nothing/file";
  const absl::Status status = WriteFileAtomically(missing, "x");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(missing));

  const std::string path = folder_ / "file";
  ASSERT_EQ(WriteFileAtomically(path, "before"), absl::OkStatus());
  fs::create_directory(path + ".tmp");
  EXPECT_EQ(WriteFileAtomically(path, "after").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Read(path), "before");
}

TEST_F(AtomicWriteTest, WhatCannotBeAppendedAsAWholeIsNotAppended) {
  const std::string path = folder_ / "file";
  ASSERT_EQ(WriteFileAtomically(path, std::string(60, 'a')), absl::OkStatus());
  const FileDescriptor file(open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  // Of a larger file the system writes what there is room for.
  signal(SIGXFSZ, SIG_IGN);
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit limit = {.rlim_cur = 100, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  const absl::Status status = AppendWhole(file.get(), std::string(50, 'b'), path);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(path));
  EXPECT_EQ(Read(path), std::string(60, 'a'));
  EXPECT_EQ(AppendWhole(file.get(), "c", path), absl::OkStatus());
  EXPECT_EQ(SyncFile(file.get(), path), absl::OkStatus());
  EXPECT_EQ(Read(path), absl::StrCat(std::string(60, 'a'), "c"));
}

}  // namespace
}  // namespace sr2l
