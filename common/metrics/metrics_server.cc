#include "common/metrics/metrics_server.h"

#include <prometheus/text_serializer.h>

#include <iterator>

#include "absl/strings/str_cat.h"
#include "common/metrics/process_collector.h"
#include "common/metrics/text_http_server.h"

namespace sr2l {

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(
    const std::string& address, const std::string& process_name,
    std::shared_ptr<prometheus::Registry> registry) {
  const auto process = std::make_shared<ProcessCollector>(process_name);
  auto server = TextHttpServer::Start(address, "/metrics", [registry, process] {
    std::vector<prometheus::MetricFamily> families = registry->Collect();
    std::vector<prometheus::MetricFamily> more = process->Collect();
    std::move(more.begin(), more.end(), std::back_inserter(families));
    return prometheus::TextSerializer().Serialize(families);
  });
  if (!server.ok()) {
    return absl::Status(server.status().code(),
                        absl::StrCat("cannot serve metrics: ", server.status().message()));
  }
  std::string bound = absl::StrCat(address.substr(0, address.rfind(':')), ":", (*server)->port());
  return std::unique_ptr<MetricsServer>(
      new MetricsServer(std::move(bound), *std::move(server)));
}

MetricsServer::MetricsServer(std::string address, std::unique_ptr<TextHttpServer> server)
    : address_(std::move(address)), server_(std::move(server)) {}

MetricsServer::~MetricsServer() = default;

}  // namespace sr2l
