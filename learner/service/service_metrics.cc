#include "learner/service/service_metrics.h"

#include "absl/strings/ascii.h"

namespace sr2l {

ServiceMetrics::ServiceMetrics(prometheus::Registry& registry)
    : actors_(prometheus::BuildGauge()
                  .Name("sr2l_actors_connected")
                  .Help("Actors that are joined to the fleet.")
                  .Register(registry)
                  .Add({})),
      leases_(prometheus::BuildGauge()
                  .Name("sr2l_fleet_leases")
                  .Help("Streams that an actor drives now.")
                  .Register(registry)
                  .Add({})),
      leases_granted_(prometheus::BuildCounter()
                          .Name("sr2l_fleet_leases_granted_total")
                          .Help("Leases granted, first ones and moves.")
                          .Register(registry)
                          .Add({})),
      experiments_(prometheus::BuildGauge()
                       .Name("sr2l_experiments")
                       .Help("Experiments in the store, by state.")
                       .Register(registry)) {}

void ServiceMetrics::Update(const Fleet& fleet, const ExperimentStore& store) {
  actors_.Set(fleet.num_actors());
  leases_.Set(fleet.num_leases());
  leases_granted_.Increment(static_cast<double>(fleet.leases_granted()) -
                            leases_granted_.Value());
  for (const v1::ExperimentState state :
       {v1::QUEUED, v1::RUNNING, v1::SUCCEEDED, v1::FAILED, v1::CANCELLED}) {
    const absl::StatusOr<int64_t> count = store.Count(state);
    if (!count.ok()) continue;
    experiments_.Add({{"state", absl::AsciiStrToLower(v1::ExperimentState_Name(state))}})
        .Set(static_cast<double>(*count));
  }
}

}  // namespace sr2l
