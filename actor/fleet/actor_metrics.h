#ifndef SR2L_ACTOR_FLEET_ACTOR_METRICS_H_
#define SR2L_ACTOR_FLEET_ACTOR_METRICS_H_

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <map>

#include "actor/driver/driver.h"

namespace sr2l {

// What an actor shows of itself. Owned by the registry, which must outlive this; written
// by one thread.
class ActorMetrics {
 public:
  explicit ActorMetrics(prometheus::Registry& registry);

  // Brings all numbers up to date. `waiting_seconds`: since the start, in which no stream
  // could take a step.
  void Update(const Driver& driver, double waiting_seconds);

 private:
  prometheus::Counter& env_steps_;
  prometheus::Counter& steps_retaken_;
  prometheus::Family<prometheus::Counter>& episodes_;
  prometheus::Counter& episodes_terminated_;
  prometheus::Counter& episodes_truncated_;
  prometheus::Counter& episodes_diverged_;
  prometheus::Counter& physics_warnings_;
  prometheus::Counter& chunks_sent_;
  prometheus::Counter& chunk_bytes_;
  std::map<v1::AppendResponse::Outcome, prometheus::Counter*> answers_;
  prometheus::Family<prometheus::Counter>& phases_;
  prometheus::Counter& simulation_;
  prometheus::Counter& inference_;
  prometheus::Counter& transport_;
  prometheus::Counter& waiting_;
  prometheus::Gauge& policy_version_;
  prometheus::Gauge& streams_;
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_FLEET_ACTOR_METRICS_H_
