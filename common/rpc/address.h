#ifndef SR2L_COMMON_RPC_ADDRESS_H_
#define SR2L_COMMON_RPC_ADDRESS_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace sr2l {

// Where a server listens or a client connects: "unix:/path" or "host:port" ("[::1]:0").
enum class AddressKind {
  kUnixSocket,
  kLoopback,  // 127.0.0.0/8, ::1 or localhost
  kNetwork,   // any other: needs mutual TLS or an explicit --insecure
};

// Longest path of a Unix socket, bytes: sun_path of <sys/un.h> without its final zero.
inline constexpr size_t kUnixPathLimit = 107;

// InvalidArgument names the address and what is allowed.
absl::StatusOr<AddressKind> ClassifyAddress(const std::string& address);

}  // namespace sr2l

#endif  // SR2L_COMMON_RPC_ADDRESS_H_
