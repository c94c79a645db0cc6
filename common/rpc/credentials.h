#ifndef SR2L_COMMON_RPC_CREDENTIALS_H_
#define SR2L_COMMON_RPC_CREDENTIALS_H_

#include <grpcpp/grpcpp.h>

#include <initializer_list>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sr2l {

// How a process proves who it is. Files are PEM and are read again when they change.
struct TransportSecurity {
  std::string ca_file;           // who may sign the other side's certificate
  std::string certificate_file;  // this side's
  std::string key_file;          // this side's private key
  bool insecure = false;         // plain text even beyond loopback

  // One file given means that TLS is wanted, and that the others must be given, too.
  bool has_tls() const {
    return !ca_file.empty() || !certificate_file.empty() || !key_file.empty();
  }
};

// Mutual TLS where files are given; plain text on Unix sockets, on loopback, and beyond
// it only if `security.insecure`. InvalidArgument says what is missing.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const std::string& address, const TransportSecurity& security);
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(
    const std::string& address, const TransportSecurity& security);

// A channel with keepalive (a dead peer is noticed within 10 s), bounded reconnection
// delays and the project's message limit. Connects lazily; thread-safe.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const std::string& address,
                                                           const TransportSecurity& security);

// Largest message that any service accepts or sends, bytes.
inline constexpr int kMaxMessageBytes = 40 * 1024 * 1024;

// Both ends of a connection ping after this long without a message, and give the connection
// up when the answer takes this long: a peer that is dead or stopped, or a network that
// swallows everything, is noticed within 9 s.
inline constexpr int kKeepaliveTimeMs = 5000;
inline constexpr int kKeepaliveTimeoutMs = 4000;

// OK when the peer's certificate carries one of `roles` ("actor", "learner",
// "operator") as its common name, or as the last part of its SPIFFE id; and on
// connections without TLS, where the transport itself is what is trusted.
absl::Status RequireRole(const grpc::ServerContextBase& context,
                         std::initializer_list<absl::string_view> roles);

grpc::Status ToGrpcStatus(const absl::Status& status);
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace sr2l

#endif  // SR2L_COMMON_RPC_CREDENTIALS_H_
