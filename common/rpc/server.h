#ifndef SR2L_COMMON_RPC_SERVER_H_
#define SR2L_COMMON_RPC_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/credentials.h"

namespace sr2l {

// A gRPC server with health (SERVING until Shutdown), reflection, keepalive and message
// limits. Thread-safe.
class RpcServer {
 public:
  // Starts listening. The services are borrowed and must outlive the server. A call with
  // a message of more than `max_received_bytes` ends with RESOURCE_EXHAUSTED. A Unix
  // socket's file that nobody listens on is removed first. Unavailable: the address is in use, or
  // not permitted.
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(
      const std::string& address, const TransportSecurity& security,
      const std::vector<grpc::Service*>& services, int max_received_bytes = kMaxMessageBytes);

  // Calls Shutdown.
  ~RpcServer();

  // What clients connect to: the address with the port that was chosen for ":0".
  const std::string& address() const { return address_; }

  // Answers health checks with NOT_SERVING, cancels what is running after `grace`, and
  // returns when no handler runs any more. Further calls do nothing.
  void Shutdown(absl::Duration grace = absl::Seconds(1));

 private:
  RpcServer(std::unique_ptr<grpc::Server> server, std::string address)
      : server_(std::move(server)), address_(std::move(address)) {}

  std::unique_ptr<grpc::Server> server_;
  const std::string address_;
};

}  // namespace sr2l

#endif  // SR2L_COMMON_RPC_SERVER_H_
