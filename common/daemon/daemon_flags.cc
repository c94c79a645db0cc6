#include "common/daemon/daemon_flags.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "common/files/atomic_write.h"

namespace sr2l {

void AddSecurityFlags(CLI::App& app, TransportSecurity& security) {
  app.add_option("--tls-ca", security.ca_file, "PEM file: who may sign the peer's certificate");
  app.add_option("--tls-certificate", security.certificate_file, "PEM file: own certificate");
  app.add_option("--tls-key", security.key_file, "PEM file: own private key");
  app.add_flag("--insecure", security.insecure,
               "Plain text even beyond this machine: anyone on the network can read and write");
}

void AddDaemonFlags(CLI::App& app, DaemonFlags& flags) {
  app.add_option("--metrics", flags.metrics_address,
                 "Serve Prometheus metrics at this host:port (port 0: a free one)");
  app.add_option("--address-file", flags.address_file,
                 "Write the addresses that are served to this file, when they are");
  app.add_option("--log-format", flags.log_format, "text or json")
      ->transform(CLI::CheckedTransformer(std::map<std::string, LogFormat>{
          {"text", LogFormat::kText}, {"json", LogFormat::kJson}}));
  AddSecurityFlags(app, flags.security);
}

absl::StatusOr<std::unique_ptr<MetricsServer>> StartMetrics(
    const DaemonFlags& flags, const std::string& process_name,
    std::shared_ptr<prometheus::Registry> registry) {
  if (flags.metrics_address.empty()) return nullptr;
  return MetricsServer::Start(flags.metrics_address, process_name, std::move(registry));
}

absl::Status WriteAddressFile(const DaemonFlags& flags, const std::string& listen_address,
                              const MetricsServer* metrics) {
  if (flags.address_file.empty()) return absl::OkStatus();
  std::string lines;
  if (!listen_address.empty()) absl::StrAppend(&lines, "listen=", listen_address, "\n");
  if (metrics != nullptr) absl::StrAppend(&lines, "metrics=", metrics->address(), "\n");
  return WriteFileAtomically(flags.address_file, lines);
}

}  // namespace sr2l
