#include "common/rpc/credentials.h"

#include <grpc/grpc.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/rpc/address.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

constexpr unsigned kCertificateRefreshSeconds = 10;

// gRPC shuts its library down when its last object goes, and may then wait 10 s for a
// poller that a large message started. Holding the library open lets a process end at once.
void KeepLibraryOpen() {
  static const bool held = [] {
    grpc_init();
    return true;
  }();
  static_cast<void>(held);
}

absl::Status CheckFiles(const TransportSecurity& security) {
  if (security.ca_file.empty() || security.certificate_file.empty() ||
      security.key_file.empty()) {
    return absl::InvalidArgumentError(
        "mutual TLS needs all of --tls-ca, --tls-certificate and --tls-key");
  }
  return absl::OkStatus();
}

// Whether the address may be used without TLS.
absl::Status CheckPlain(const std::string& address, const TransportSecurity& security) {
  SR2L_ASSIGN_OR_RETURN(const AddressKind kind, ClassifyAddress(address));
  if (kind != AddressKind::kNetwork || security.insecure) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "address ", address, " is neither a Unix socket nor loopback: give --tls-ca, ",
      "--tls-certificate and --tls-key, or --insecure to send everything in plain text"));
}

std::shared_ptr<grpc::experimental::FileWatcherCertificateProvider> WatchFiles(
    const TransportSecurity& security) {
  return std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      security.key_file, security.certificate_file, security.ca_file,
      kCertificateRefreshSeconds);
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const std::string& address, const TransportSecurity& security) {
  KeepLibraryOpen();
  if (!security.has_tls()) {
    SR2L_RETURN_IF_ERROR(CheckPlain(address, security));
    return grpc::InsecureServerCredentials();
  }
  SR2L_RETURN_IF_ERROR(CheckFiles(security));
  grpc::experimental::TlsServerCredentialsOptions options(WatchFiles(security));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(
    const std::string& address, const TransportSecurity& security) {
  KeepLibraryOpen();
  if (!security.has_tls()) {
    SR2L_RETURN_IF_ERROR(CheckPlain(address, security));
    return grpc::InsecureChannelCredentials();
  }
  SR2L_RETURN_IF_ERROR(CheckFiles(security));
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(WatchFiles(security));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  return grpc::experimental::TlsCredentials(options);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const std::string& address,
                                                           const TransportSecurity& security) {
  SR2L_ASSIGN_OR_RETURN(auto credentials, MakeChannelCredentials(address, security));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  // Between calls, too: the next call then finds a connection that works.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  // How long an attempt may take at least: some round trips, the handshake of TLS.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 3000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  // Channels to one address in one process do not share a connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

absl::Status RequireRole(const grpc::ServerContextBase& context,
                         std::initializer_list<absl::string_view> roles) {
  const std::shared_ptr<const grpc::AuthContext> peer = context.auth_context();
  if (peer == nullptr || !peer->IsPeerAuthenticated()) return absl::OkStatus();
  std::vector<std::string> names;
  for (const char* property : {"x509_common_name", "peer_spiffe_id"}) {
    for (const grpc::string_ref& value : peer->FindPropertyValues(property)) {
      names.emplace_back(value.data(), value.size());
    }
  }
  for (const std::string& name : names) {
    for (const absl::string_view role : roles) {
      if (name == role || absl::EndsWith(name, absl::StrCat("/", role))) {
        return absl::OkStatus();
      }
    }
  }
  return absl::PermissionDeniedError(
      absl::StrCat("this call needs a certificate with the role ", absl::StrJoin(roles, " or "),
                   "; the peer's names are: ", absl::StrJoin(names, ", ")));
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      std::string(status.message()));
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

}  // namespace sr2l
