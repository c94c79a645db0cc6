#ifndef SR2L_COMMON_METRICS_PROCESS_COLLECTOR_H_
#define SR2L_COMMON_METRICS_PROCESS_COLLECTOR_H_

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <string>
#include <vector>

namespace sr2l {

// The conventional process_* metrics, read from /proc/self at each scrape, and
// sr2l_build_info{process,version} = 1. Thread-safe.
class ProcessCollector : public prometheus::Collectable {
 public:
  explicit ProcessCollector(std::string process_name)
      : process_name_(std::move(process_name)) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::string process_name_;
};

}  // namespace sr2l

#endif  // SR2L_COMMON_METRICS_PROCESS_COLLECTOR_H_
