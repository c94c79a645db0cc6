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

}  // namespace

ReplayMetrics::ReplayMetrics(prometheus::Registry& registry)
    : chunks_family_(prometheus::BuildCounter()
                         .Name("sr2l_replay_chunks_total")
                         .Help("Chunks received, by how they were answered.")
                         .Register(registry)),
      chunks_undecodable(chunks_family_.Add({{"outcome", "undecodable"}})),
      steps_inserted(AddCounter(registry, "sr2l_replay_steps_inserted_total",
                                "Environment steps stored.")),
      bytes_received(AddCounter(registry, "sr2l_replay_bytes_received_total",
                                "Bytes of chunks received, as encoded, stored or not.")),
      stored_bytes(AddGauge(registry, "sr2l_replay_stored_bytes",
                            "Bytes of chunks and resume tokens held.")),
      byte_budget(AddGauge(registry, "sr2l_replay_byte_budget_bytes",
                           "The most bytes of chunks and resume tokens that may be held.")),
      rounds_read(AddCounter(registry, "sr2l_replay_rounds_read_total",
                             "Rounds sent in full to a learner.")),
      round_wait(prometheus::BuildHistogram()
                     .Name("sr2l_replay_round_wait_seconds")
                     .Help("Time from a learner's request until its round was complete.")
                     .Register(registry)
                     .Add({}, prometheus::Histogram::BucketBoundaries{
                                  0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60})),
      streams_fenced(AddCounter(registry, "sr2l_replay_streams_fenced_total",
                                "Streams taken over from an actor with an older lease.")),
      append_streams(
          AddGauge(registry, "sr2l_replay_append_streams", "Append calls that are open.")) {
  for (int i = v1::AppendResponse::STORED; i < v1::AppendResponse::Outcome_ARRAYSIZE; ++i) {
    const auto outcome = static_cast<v1::AppendResponse::Outcome>(i);
    chunks_[i] = &chunks_family_.Add(
        {{"outcome", absl::AsciiStrToLower(v1::AppendResponse::Outcome_Name(outcome))}});
  }
}

prometheus::Counter& ReplayMetrics::chunks(v1::AppendResponse::Outcome outcome) const {
  return *chunks_[outcome];
}

}  // namespace sr2l
