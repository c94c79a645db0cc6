#include "common/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/rpc/address.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

// Calls that a peer may have open on one connection; further ones wait at the peer.
constexpr int kMaxCallsPerConnection = 256;
// For all connections together: what was received and not yet taken by a handler, and what
// was not yet sent. Beyond it the peers' windows shrink, and then connections are closed.
constexpr size_t kMaxTransportBytes = size_t{1} << 30;
// Until a new connection has said something sensible.
constexpr int kHandshakeTimeoutMs = 10 * 1000;
// How long a connection without calls stays open.
constexpr int kIdleTimeoutMs = 10 * 60 * 1000;
// A peer may ping this often, and that many times in a row more often.
constexpr int kMinPingIntervalMs = 100;
constexpr int kMaxEarlyPings = 100;

void SetKeepalive(grpc::ServerBuilder& builder) {
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, kMaxEarlyPings);
}

void SetLimits(grpc::ServerBuilder& builder, int max_received_bytes) {
  builder.SetMaxReceiveMessageSize(max_received_bytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  builder.SetResourceQuota(grpc::ResourceQuota("sr2l").Resize(kMaxTransportBytes));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxCallsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleTimeoutMs);
  // A second server on a port that is in use fails instead of sharing it.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

// gRPC's listener gives up for good when the process has too many files open: take all that
// the system allows.
void AllowManyConnections() {
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == files.rlim_max) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

// The number of the error of connecting to a Unix socket; zero: somebody answers.
int Connect(const std::string& path) {
  sockaddr_un name = {};
  if (path.size() >= sizeof(name.sun_path)) return ENAMETOOLONG;
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, path.size());
  const int peer = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (peer < 0) return errno;
  const bool connected = connect(peer, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0;
  const int error = connected ? 0 : errno;
  close(peer);
  return error;
}

// Makes way for a listener on a Unix socket whose last one is gone.
absl::Status RemoveStaleSocket(const std::string& address) {
  const std::string path = address.substr(5);
  if (access(path.c_str(), F_OK) != 0) return absl::OkStatus();  // listening tells what is wrong
  const int error = Connect(path);
  if (error == ECONNREFUSED) {
    unlink(path.c_str());
    return absl::OkStatus();
  }
  // EAGAIN: a listener that has no room for another connection.
  const std::string why = error == 0 || error == EAGAIN ? "another server answers there"
                                                        : std::strerror(error);
  return absl::UnavailableError(absl::StrCat("cannot listen on ", address, ": ", why));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(
    const std::string& address, const TransportSecurity& security,
    const std::vector<grpc::Service*>& services, int max_received_bytes) {
  SR2L_ASSIGN_OR_RETURN(const AddressKind kind, ClassifyAddress(address));
  SR2L_ASSIGN_OR_RETURN(auto credentials, MakeServerCredentials(address, security));
  if (kind == AddressKind::kUnixSocket) SR2L_RETURN_IF_ERROR(RemoveStaleSocket(address));
  AllowManyConnections();

  grpc::EnableDefaultHealthCheckService(true);
  static const bool reflection = [] {
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    return true;
  }();
  static_cast<void>(reflection);

  grpc::ServerBuilder builder;
  SetKeepalive(builder);
  SetLimits(builder, max_received_bytes);
  int port = 0;
  builder.AddListeningPort(address, credentials, &port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  // gRPC reports port 1 for a Unix socket.
  if (server == nullptr || port == 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address, ": in use, or not permitted"));
  }
  server->GetHealthCheckService()->SetServingStatus(true);
  std::string listening = address;
  if (kind != AddressKind::kUnixSocket) {
    listening = absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
  }
  return std::unique_ptr<RpcServer>(new RpcServer(std::move(server), std::move(listening)));
}

RpcServer::~RpcServer() { Shutdown(); }

void RpcServer::Shutdown(absl::Duration grace) {
  server_->GetHealthCheckService()->SetServingStatus(false);
  server_->Shutdown(absl::ToChronoTime(absl::Now() + grace));
  server_->Wait();
}

}  // namespace sr2l
