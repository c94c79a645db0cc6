#ifndef SR2L_COMMON_METRICS_METRICS_SERVER_H_
#define SR2L_COMMON_METRICS_METRICS_SERVER_H_

#include <prometheus/registry.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace sr2l {

class TextHttpServer;

// Serves a registry at http://ADDRESS/metrics, with the standard process_* metrics and
// sr2l_build_info beside it. Plain HTTP: keep it on loopback or behind a network policy.
class MetricsServer {
 public:
  // `address`: host:port, port 0 for a free one. `registry` is shared with the scraper.
  // Unavailable when the address cannot be bound.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(
      const std::string& address, const std::string& process_name,
      std::shared_ptr<prometheus::Registry> registry);

  ~MetricsServer();

  // host:port that was bound.
  const std::string& address() const { return address_; }

 private:
  MetricsServer(std::string address, std::unique_ptr<TextHttpServer> server);

  const std::string address_;
  const std::unique_ptr<TextHttpServer> server_;
};

}  // namespace sr2l

#endif  // SR2L_COMMON_METRICS_METRICS_SERVER_H_
