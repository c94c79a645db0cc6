#ifndef SR2L_COMMON_DAEMON_DAEMON_FLAGS_H_
#define SR2L_COMMON_DAEMON_DAEMON_FLAGS_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/log/log.h"
#include "common/metrics/metrics_server.h"
#include "common/rpc/credentials.h"

namespace sr2l {

// The flags that every process of the service has.
struct DaemonFlags {
  std::string metrics_address;  // host:port of /metrics; empty: none
  std::string address_file;     // see WriteAddressFile; empty: none
  LogFormat log_format = LogFormat::kText;
  TransportSecurity security;
};

// Declares them: --metrics, --address-file, --log-format, --tls-ca, --tls-certificate,
// --tls-key, --insecure. `flags` must outlive `app`.
void AddDaemonFlags(CLI::App& app, DaemonFlags& flags);

// The TLS part alone, for clients.
void AddSecurityFlags(CLI::App& app, TransportSecurity& security);

// Starts the metrics server if one was asked for; otherwise a null pointer.
absl::StatusOr<std::unique_ptr<MetricsServer>> StartMetrics(
    const DaemonFlags& flags, const std::string& process_name,
    std::shared_ptr<prometheus::Registry> registry);

// Tells whoever started the process that it serves, and where: writes the lines
// "listen=ADDRESS" and "metrics=ADDRESS" (those that are not empty) to
// flags.address_file in one atomic step. Does nothing without the flag.
absl::Status WriteAddressFile(const DaemonFlags& flags, const std::string& listen_address,
                              const MetricsServer* metrics);

}  // namespace sr2l

#endif  // SR2L_COMMON_DAEMON_DAEMON_FLAGS_H_
