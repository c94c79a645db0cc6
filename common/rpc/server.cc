#include "common/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/rpc/address.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

void SetLimits(grpc::ServerBuilder& builder, int max_received_bytes) {
  builder.SetMaxReceiveMessageSize(max_received_bytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 5000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 4000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  // A second server on a port that is in use fails instead of sharing it.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

}  // namespace

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(
    const std::string& address, const TransportSecurity& security,
    const std::vector<grpc::Service*>& services, int max_received_bytes) {
  SR2L_ASSIGN_OR_RETURN(const AddressKind kind, ClassifyAddress(address));
  SR2L_ASSIGN_OR_RETURN(auto credentials, MakeServerCredentials(address, security));
  if (kind == AddressKind::kUnixSocket) unlink(address.c_str() + 5);

  grpc::EnableDefaultHealthCheckService(true);
  static const bool reflection = [] {
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    return true;
  }();
  static_cast<void>(reflection);

  grpc::ServerBuilder builder;
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
