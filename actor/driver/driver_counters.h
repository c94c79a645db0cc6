#ifndef SR2L_ACTOR_DRIVER_DRIVER_COUNTERS_H_
#define SR2L_ACTOR_DRIVER_DRIVER_COUNTERS_H_

#include <cstdint>
#include <map>

#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// What a driver did since it was made. A plain value.
struct DriverCounters {
  uint64_t env_steps = 0;            // also those that were taken again
  uint64_t steps_retaken = 0;        // thrown away when a stream was opened again
  uint64_t episodes_terminated = 0;  // by the task's own rule
  uint64_t episodes_truncated = 0;
  uint64_t episodes_diverged = 0;
  uint64_t chunks_sent = 0;
  uint64_t chunk_bytes = 0;  // of the columns and tokens sent
  std::map<v1::AppendResponse::Outcome, uint64_t> answers;
  double simulation_seconds = 0;
  double inference_seconds = 0;
  double transport_seconds = 0;  // building chunks and handing them over
  uint64_t policy_version = 0;   // of the newest policy that came
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_DRIVER_DRIVER_COUNTERS_H_
