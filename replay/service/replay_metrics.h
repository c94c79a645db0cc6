#ifndef SR2L_REPLAY_SERVICE_REPLAY_METRICS_H_
#define SR2L_REPLAY_SERVICE_REPLAY_METRICS_H_

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>

#include "replay/core/replay_totals.h"
#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// What a replay server counts. Thread-safe; `registry` must outlive it.
class ReplayMetrics {
 public:
  explicit ReplayMetrics(prometheus::Registry& registry);

  // sr2l_replay_chunks_total{outcome}: how a chunk was answered.
  prometheus::Counter& chunks(v1::AppendResponse::Outcome outcome) const;

  // Sets the gauges that describe tables and their log.
  void Set(const ReplayTotals& totals);

 private:
  prometheus::Family<prometheus::Counter>& chunks_family_;
  std::array<prometheus::Counter*, v1::AppendResponse::Outcome_ARRAYSIZE> chunks_{};
  prometheus::Family<prometheus::Gauge>& blocked_family_;

 public:
  prometheus::Counter& chunks_undecodable;  // sr2l_replay_chunks_total{outcome="undecodable"}
  prometheus::Counter& steps_inserted;      // sr2l_replay_steps_inserted_total
  prometheus::Counter& bytes_received;      // sr2l_replay_bytes_received_total
  prometheus::Gauge& stored_bytes;          // sr2l_replay_stored_bytes
  prometheus::Gauge& byte_budget;           // sr2l_replay_byte_budget_bytes
  prometheus::Counter& rounds_read;         // sr2l_replay_rounds_read_total
  prometheus::Histogram& round_wait;        // sr2l_replay_round_wait_seconds
  prometheus::Counter& streams_fenced;      // sr2l_replay_streams_fenced_total
  prometheus::Gauge& append_streams;        // sr2l_replay_append_streams
  prometheus::Counter& samples;             // sr2l_replay_samples_total
  prometheus::Histogram& sample_wait;       // sr2l_replay_sample_wait_seconds
  prometheus::Gauge& transitions;           // sr2l_replay_transitions
  prometheus::Gauge& payload_bytes;         // sr2l_replay_transition_payload_bytes
  prometheus::Gauge& transition_bytes;      // sr2l_replay_transition_bytes
  prometheus::Gauge& log_full;              // sr2l_replay_log_full, 0 or 1
  prometheus::Counter& log_errors;          // sr2l_replay_log_errors_total
  // Of the member whose balance is largest against its tolerance.
  prometheus::Gauge& balance;    // sr2l_replay_limiter_balance, samples
  prometheus::Gauge& tolerance;  // sr2l_replay_limiter_tolerance, samples
  prometheus::Gauge& staleness;  // sr2l_replay_policy_staleness_versions
  // sr2l_replay_limiter_blocked{side,limit}: 1 while somebody waits.
  prometheus::Gauge& learner_waits_for_minimum_size;
  prometheus::Gauge& learner_waits_for_balance;
  prometheus::Gauge& learner_waits_for_staleness;
  prometheus::Gauge& actors_wait_for_balance;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_SERVICE_REPLAY_METRICS_H_
