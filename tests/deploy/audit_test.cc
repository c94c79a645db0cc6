// sr2l audit on logs that are whole and on logs that were changed behind the replay's back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "replay/core/durable_log.h"
#include "tests/deploy/run_program.h"
#include "tests/replay/buried_damage.h"
#include "tests/replay/chunks.h"
#include "tests/replay/log_folder.h"

namespace sr2l {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class AuditTest : public ::testing::Test {
 protected:
  AuditTest() {
    const auto log = folder_.Open();
    EXPECT_TRUE(log.ok()) << log.status();
    EXPECT_TRUE((*log)->CreateTables({spec_}).ok());
    for (uint64_t step = 0; step < 32; step += 4) {
      EXPECT_TRUE((*log)->Append({{"e", 3}, 0}, Chunk(step)).ok());
    }
    EXPECT_TRUE((*log)->Release({"e", 3}, 8).ok());
  }

  ChunkPtr Chunk(uint64_t step) const {
    return ShareChunk(spec_, {.first_step = step, .num_steps = 4});
  }

  void Tamper(const std::function<void(rocksdb::DB&)>& change) const {
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(LogOptions(), folder_.path(), &opened).ok());
    const std::unique_ptr<rocksdb::DB> db(opened);
    change(*db);
  }

  const v1::TableSpec spec_ = MakeSpec("e", 3, 1, 8);
  const LogFolder folder_;
};

TEST_F(AuditTest, AWholeLogHasOneLineForEachStreamAndExitsWithZero) {
  const ProgramResult result = RunProgram({Binary("sr2l"), "audit", folder_.path()});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, ::testing::ContainsRegex(
                                 "e +3 +0 +0 +32 +24 +8 +31 +0 +0 +0"));
  EXPECT_EQ(result.errors, "");
}

TEST_F(AuditTest, AnEndedExperimentStillTellsHowFarItsStreamsCame) {
  {
    const auto log = folder_.Open();
    ASSERT_TRUE(log.ok()) << log.status();
    ASSERT_TRUE((*log)->Drop("e").ok());
    EXPECT_THAT(*(*log)->Describe(), ::testing::IsEmpty());
    // A table of the same name is another one.
    ASSERT_TRUE((*log)->CreateTables({spec_}).ok());
  }
  const ProgramResult result = RunProgram({Binary("sr2l"), "audit", folder_.path()});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, ::testing::ContainsRegex("e +3 +0 +0 +32 +0 +- +- +0 +0 +0"));
  EXPECT_THAT(result.output, ::testing::ContainsRegex("e +3 +0 +0 +0 +0 +- +- +0 +0 +0"));
}

TEST_F(AuditTest, ALogThatAReplayHasOpenIsReadToo) {
  const auto log = folder_.Open();
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(RunProgram({Binary("sr2l"), "audit", folder_.path()}).exit_code, 0);
}

TEST_F(AuditTest, AMissingChunkIsAGap) {
  Tamper([](rocksdb::DB& db) { ASSERT_TRUE(db.Delete({}, ChunkKey(1, 0, 12)).ok()); });
  const ProgramResult result = RunProgram({Binary("sr2l"), "audit", folder_.path()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, ::testing::ContainsRegex("20 +8 +31 +4 +0 +0"));
  EXPECT_THAT(result.errors, HasSubstr("experiment e member 3 stream 0, steps 12 to 16: missing"));
}

TEST_F(AuditTest, StepsThatAreThereTwiceAreDuplicates) {
  Tamper([&](rocksdb::DB& db) {
    const std::string chunk =
        ShareChunk(spec_, {.first_step = 14, .num_steps = 2})->SerializeAsString();
    ASSERT_TRUE(db.Put({}, ChunkKey(1, 0, 14), chunk).ok());
  });
  const ProgramResult result = RunProgram({Binary("sr2l"), "audit", folder_.path()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, ::testing::ContainsRegex("26 +8 +31 +0 +2 +0"));
  EXPECT_THAT(result.errors, HasSubstr("steps 14 to 16: stored twice"));
}

TEST_F(AuditTest, AChunkThatDoesNotDecodeIsCorrupt) {
  Tamper([](rocksdb::DB& db) { ASSERT_TRUE(db.Put({}, ChunkKey(1, 0, 12), "no chunk").ok()); });
  const ProgramResult result = RunProgram({Binary("sr2l"), "audit", folder_.path()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, ::testing::ContainsRegex("20 +8 +31 +0 +0 +1"));
  EXPECT_THAT(result.errors, HasSubstr("steps 12 to 16: it does not decode"));
}

// Of released chunks only the count is left.
TEST_F(AuditTest, ACountThatIsNotTheNextStepShowsWhatReleasedChunksHid) {
  Tamper([](rocksdb::DB& db) {
    const StreamRecord record{
        .state = {.epoch = 0, .next_step = 32}, .appended_steps = 36, .resume_token = "t"};
    ASSERT_TRUE(db.Put({}, StreamKey(1, 0), Encode(record)).ok());
  });
  const ProgramResult result = RunProgram({Binary("sr2l"), "audit", folder_.path()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("36 steps were stored in all"));
}

// Nobody misses it, but a replay does not compact such a log.
TEST_F(AuditTest, DamageInWhatNoStreamNeedsIsAWarningThatNamesTheFile) {
  const std::string file = BuryDamage(folder_.path(), {.table = 7});
  const ProgramResult result = RunProgram({Binary("sr2l"), "audit", folder_.path()});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, ::testing::ContainsRegex("e +3 +0 +0 +32 +24 +8 +31 +0 +0 +0"));
  EXPECT_THAT(result.errors, AllOf(HasSubstr("warning: " + file), HasSubstr("checksum"),
                                   HasSubstr("every stream is whole")));
}

TEST_F(AuditTest, APathThatCannotBeLookedAtIsAnErrorThatNamesIt) {
  const std::string loop = folder_.root() + "/loop";
  std::filesystem::create_symlink("loop", loop);
  for (const std::string& path : {loop, "/tmp/" + std::string(300, 'x'), std::string(5000, 'x')}) {
    const ProgramResult result = RunProgram({Binary("sr2l"), "audit", path});
    EXPECT_EQ(result.exit_code, 1) << path;
    EXPECT_THAT(result.errors, HasSubstr("sr2l: " + path));
    EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << result.errors;
  }
}

TEST_F(AuditTest, AFolderWithoutALogIsAnError) {
  const ProgramResult result = RunProgram({Binary("sr2l"), "audit", folder_.root()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("holds no log"));
}

}  // namespace
}  // namespace sr2l
