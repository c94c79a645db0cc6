#include "replay/service/replay_metrics.h"

#include <string>

#include "absl/strings/ascii.h"

namespace sr2l {
namespace {

prometheus::Counter& AddCounter(prometheus::Registry& registry, const std::string& name,
                                const std::string& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Gauge& AddGauge(prometheus::Registry& registry, const std::string& name,
                            const std::string& help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Histogram& AddWait(prometheus::Registry& registry, const std::string& name,
                               const std::string& help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add(
      {}, prometheus::Histogram::BucketBoundaries{0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30,
                                                  60});
}

}  // namespace

ReplayMetrics::ReplayMetrics(prometheus::Registry& registry)
    : chunks_family_(prometheus::BuildCounter()
                         .Name("sr2l_replay_chunks_total")
                         .Help("Chunks received, by how they were answered.")
                         .Register(registry)),
      blocked_family_(prometheus::BuildGauge()
                          .Name("sr2l_replay_limiter_blocked")
                          .Help("1 while a side waits for a limit of some table.")
                          .Register(registry)),
      chunks_undecodable(chunks_family_.Add({{"outcome", "undecodable"}})),
      steps_inserted(
          AddCounter(registry, "sr2l_replay_steps_inserted_total", "Environment steps stored.")),
      bytes_received(AddCounter(registry, "sr2l_replay_bytes_received_total",
                                "Bytes of chunks received, as encoded, stored or not.")),
      stored_bytes(AddGauge(registry, "sr2l_replay_stored_bytes",
                            "Bytes of chunks, transitions and resume tokens held.")),
      byte_budget(
          AddGauge(registry, "sr2l_replay_byte_budget_bytes", "The most bytes that may be held.")),
      rounds_read(AddCounter(registry, "sr2l_replay_rounds_read_total",
                             "Rounds sent in full to a learner.")),
      round_wait(AddWait(registry, "sr2l_replay_round_wait_seconds",
                         "Time from a learner's request until its round was complete.")),
      streams_fenced(AddCounter(registry, "sr2l_replay_streams_fenced_total",
                                "Streams taken over from an actor with an older lease.")),
      append_streams(
          AddGauge(registry, "sr2l_replay_append_streams", "Append calls that are open.")),
      samples(AddCounter(registry, "sr2l_replay_samples_total",
                         "Rows drawn; with limits, those that were not drawn before.")),
      sample_wait(AddWait(registry, "sr2l_replay_sample_wait_seconds",
                          "Time from a learner's request until its rows could be drawn.")),
      transitions(
          AddGauge(registry, "sr2l_replay_transitions", "Transitions that can be sampled.")),
      payload_bytes(AddGauge(registry, "sr2l_replay_transition_payload_bytes",
                             "Bytes of the columns of the transitions that can be sampled.")),
      transition_bytes(AddGauge(registry, "sr2l_replay_transition_bytes",
                                "Memory held for transitions, bytes.")),
      log_full(AddGauge(registry, "sr2l_replay_log_full",
                        "1 while the log's disk is full: no chunk is taken.")),
      log_errors(AddCounter(registry, "sr2l_replay_log_errors_total",
                            "Writes and syncs of the log that failed, but for a full disk.")),
      balance(AddGauge(registry, "sr2l_replay_limiter_balance",
                       "Samples that inserted steps stand for, less those drawn, of the member "
                       "for which it is largest against its tolerance.")),
      tolerance(AddGauge(registry, "sr2l_replay_limiter_tolerance",
                         "The tolerance of that member's balance, samples.")),
      staleness(AddGauge(registry, "sr2l_replay_policy_staleness_versions",
                         "Largest staleness at which a step was stored, of all members.")),
      learner_waits_for_minimum_size(
          blocked_family_.Add({{"side", "learner"}, {"limit", "minimum_size"}})),
      learner_waits_for_balance(blocked_family_.Add({{"side", "learner"}, {"limit", "balance"}})),
      learner_waits_for_staleness(
          blocked_family_.Add({{"side", "learner"}, {"limit", "staleness"}})),
      actors_wait_for_balance(blocked_family_.Add({{"side", "actor"}, {"limit", "balance"}})) {
  for (int i = v1::AppendResponse::STORED; i < v1::AppendResponse::Outcome_ARRAYSIZE; ++i) {
    const auto outcome = static_cast<v1::AppendResponse::Outcome>(i);
    chunks_[i] = &chunks_family_.Add(
        {{"outcome", absl::AsciiStrToLower(v1::AppendResponse::Outcome_Name(outcome))}});
  }
}

prometheus::Counter& ReplayMetrics::chunks(v1::AppendResponse::Outcome outcome) const {
  return *chunks_[outcome];
}

void ReplayMetrics::Set(const ReplayTotals& totals) {
  stored_bytes.Set(static_cast<double>(totals.bytes));
  transitions.Set(static_cast<double>(totals.transitions));
  payload_bytes.Set(static_cast<double>(totals.payload_bytes));
  transition_bytes.Set(static_cast<double>(totals.transition_bytes));
  log_full.Set(totals.log_full ? 1 : 0);
  const auto errors = static_cast<double>(totals.log_errors);
  if (errors > log_errors.Value()) log_errors.Increment(errors - log_errors.Value());
  balance.Set(totals.balance);
  tolerance.Set(totals.tolerance);
  staleness.Set(static_cast<double>(totals.staleness));
  learner_waits_for_minimum_size.Set(totals.learner_waits_for_minimum_size ? 1 : 0);
  learner_waits_for_balance.Set(totals.learner_waits_for_balance ? 1 : 0);
  learner_waits_for_staleness.Set(totals.learner_waits_for_staleness ? 1 : 0);
  actors_wait_for_balance.Set(totals.actors_wait_for_balance ? 1 : 0);
}

}  // namespace sr2l
