#include "common/status/status_macros.h"

#include <memory>
#include <string>

#include "common/status/check.h"
#include "gtest/gtest.h"

namespace sr2l {
namespace {

absl::StatusOr<std::unique_ptr<int>> Half(int value) {
  if (value % 2 != 0) return absl::InvalidArgumentError("odd");
  return std::make_unique<int>(value / 2);
}

absl::StatusOr<int> Quarter(int value) {
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<int> half, Half(value));
  SR2L_ASSIGN_OR_RETURN(std::unique_ptr<int> quarter, Half(*half));
  return *quarter;
}

absl::Status CountIfOk(const absl::Status& status, int& count) {
  SR2L_RETURN_IF_ERROR(status);
  ++count;
  return absl::OkStatus();
}

TEST(StatusMacrosTest, AnErrorReturnsAndAValueMovesOn) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_EQ(Quarter(6).status(), absl::InvalidArgumentError("odd"));
  int count = 0;
  EXPECT_TRUE(CountIfOk(absl::OkStatus(), count).ok());
  EXPECT_EQ(CountIfOk(absl::NotFoundError("x"), count), absl::NotFoundError("x"));
  EXPECT_EQ(count, 1);
}

TEST(CheckDeathTest, ABrokenInvariantAbortsWithItsText) {
  SR2L_CHECK(1 + 1 == 2);
  EXPECT_DEATH(SR2L_CHECK(1 + 1 == 3), "check failed: 1 \\+ 1 == 3");
}

}  // namespace
}  // namespace sr2l
