#include "common/digest/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace sr2l {
namespace {

// The vectors of RFC 3720, appendix B.4, and the customary "check" value.
TEST(Crc32cTest, GivesThePublishedValues) {
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(Crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  std::string ascending;
  for (char c = 0; c < 32; ++c) ascending.push_back(c);
  EXPECT_EQ(Crc32c(ascending), 0x46DD794EU);
  EXPECT_EQ(Crc32c(""), 0U);
}

TEST(Crc32cTest, OfTwoPartsIsThatOfTheWhole) {
  EXPECT_EQ(ExtendCrc32c(Crc32c("1234"), "56789"), 0xE3069283U);
  EXPECT_EQ(ExtendCrc32c(Crc32c(""), "123456789"), 0xE3069283U);
  EXPECT_EQ(ExtendCrc32c(Crc32c("123456789"), ""), 0xE3069283U);
}

}  // namespace
}  // namespace sr2l
