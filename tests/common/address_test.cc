#include "common/rpc/address.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

AddressKind Kind(const std::string& address) {
  const auto kind = ClassifyAddress(address);
  EXPECT_TRUE(kind.ok()) << kind.status();
  return kind.value_or(AddressKind::kNetwork);
}

TEST(ClassifyAddressTest, UnixSocketsAndLoopbackAreTold) {
  EXPECT_EQ(Kind("unix:/run/sr2l/learner.sock"), AddressKind::kUnixSocket);
  EXPECT_EQ(Kind("unix:relative.sock"), AddressKind::kUnixSocket);
  EXPECT_EQ(Kind("127.0.0.1:50051"), AddressKind::kLoopback);
  EXPECT_EQ(Kind("127.1.2.3:0"), AddressKind::kLoopback);
  EXPECT_EQ(Kind("localhost:1"), AddressKind::kLoopback);
  EXPECT_EQ(Kind("[::1]:65535"), AddressKind::kLoopback);
}

TEST(ClassifyAddressTest, EverythingElseIsTheNetwork) {
  for (const char* address : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "learner.example.com:443",
                              "128.0.0.1:1", "localhost.example.com:1"}) {
    EXPECT_EQ(Kind(address), AddressKind::kNetwork) << address;
  }
}

TEST(ClassifyAddressTest, AHostNameThatOnlyLooksLikeLoopbackIsTheNetwork) {
  for (const char* address : {"127.evil.example.com:1", "127.0.0.1.example.com:1", "127.0.0:1",
                              "127.0.0.1.1:1", "127.0.0.256:1", "127.:1", "127.0.0.x:1"}) {
    EXPECT_EQ(Kind(address), AddressKind::kNetwork) << address;
  }
}

TEST(ClassifyAddressTest, AWrongAddressIsRefusedWithWhatIsExpected) {
  for (const std::string& address :
       {std::string(""), std::string("learner"), std::string(":50051"), std::string("host:"),
        std::string("host:x"), std::string("host:-1"), std::string("host:65536"),
        std::string("unix:"), "unix:/" + std::string(107, 'x')}) {
    const auto kind = ClassifyAddress(address);
    EXPECT_EQ(kind.status().code(), absl::StatusCode::kInvalidArgument) << address;
    EXPECT_THAT(std::string(kind.status().message()), HasSubstr("address \"" + address + "\""));
    EXPECT_THAT(std::string(kind.status().message()), HasSubstr("unix:/path or host:port"));
  }
  EXPECT_EQ(Kind("unix:/" + std::string(106, 'x')), AddressKind::kUnixSocket);
}

}  // namespace
}  // namespace sr2l
