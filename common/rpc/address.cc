#include "common/rpc/address.h"

#include <arpa/inet.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace sr2l {
namespace {

absl::Status Invalid(const std::string& address, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(
      "address \"", address, "\": ", why, "; expected unix:/path or host:port"));
}

// By address, not by prefix: 127.example.com is a host anywhere in the world.
bool IsLoopback(const std::string& host) {
  if (host == "localhost" || host == "[::1]") return true;
  in_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

}  // namespace

absl::StatusOr<AddressKind> ClassifyAddress(const std::string& address) {
  if (absl::StartsWith(address, "unix:")) {
    const size_t length = address.size() - 5;
    if (length == 0) return Invalid(address, "empty path");
    if (length > kUnixPathLimit) {
      return Invalid(address, absl::StrCat("a socket's path may have at most ", kUnixPathLimit,
                                           " bytes, this has ", length));
    }
    return AddressKind::kUnixSocket;
  }
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) return Invalid(address, "no port");
  int port = 0;
  if (!absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 0 || port > 65535) {
    return Invalid(address, "the port is not a number from 0 to 65535");
  }
  if (IsLoopback(address.substr(0, colon))) return AddressKind::kLoopback;
  return AddressKind::kNetwork;
}

}  // namespace sr2l
