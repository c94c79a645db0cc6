#ifndef SR2L_LEARNER_SERVICE_SERVICE_METRICS_H_
#define SR2L_LEARNER_SERVICE_SERVICE_METRICS_H_

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "learner/service/experiment_store.h"
#include "learner/fleet/fleet.h"

namespace sr2l {

// What the learner's services export: actors, leases, experiments by state.
class ServiceMetrics {
 public:
  explicit ServiceMetrics(prometheus::Registry& registry);

  // Brings the figures up to date; called about once a second.
  void Update(const Fleet& fleet, const ExperimentStore& store);

 private:
  prometheus::Gauge& actors_;
  prometheus::Gauge& leases_;
  prometheus::Counter& leases_granted_;
  prometheus::Family<prometheus::Gauge>& experiments_;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_SERVICE_SERVICE_METRICS_H_
