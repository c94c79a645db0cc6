#include "actor/fleet/actor_metrics.h"

#include <string>

#include "absl/strings/ascii.h"
#include "actor/environment/mujoco_call.h"

namespace sr2l {
namespace {

prometheus::Counter& AddCounter(prometheus::Registry& registry, const char* name,
                                const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Gauge& AddGauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

// Raises a counter to a total that is kept elsewhere.
void RaiseTo(prometheus::Counter& counter, double total) {
  counter.Increment(total - counter.Value());
}

}  // namespace

ActorMetrics::ActorMetrics(prometheus::Registry& registry)
    : env_steps_(AddCounter(registry, "sr2l_actor_env_steps_total",
                            "Environment steps taken, by all streams.")),
      steps_retaken_(AddCounter(registry, "sr2l_actor_steps_retaken_total",
                                "Steps thrown away and taken again, because the replay found "
                                "their policy too old or steps before them missing.")),
      episodes_(prometheus::BuildCounter()
                    .Name("sr2l_actor_episodes_total")
                    .Help("Episodes that ended, by how; diverged: the simulation blew up.")
                    .Register(registry)),
      episodes_terminated_(episodes_.Add({{"outcome", "terminated"}})),
      episodes_truncated_(episodes_.Add({{"outcome", "truncated"}})),
      episodes_diverged_(episodes_.Add({{"outcome", "diverged"}})),
      physics_warnings_(AddCounter(registry, "sr2l_actor_physics_warnings_total",
                                   "Warnings that MuJoCo raised.")),
      chunks_sent_(
          AddCounter(registry, "sr2l_actor_chunks_sent_total", "Chunks handed over for sending.")),
      chunk_bytes_(AddCounter(registry, "sr2l_actor_chunk_bytes_total", "Bytes of those chunks.")),
      phases_(prometheus::BuildCounter()
                  .Name("sr2l_actor_phase_seconds_total")
                  .Help("How the stepping thread's time divides.")
                  .Register(registry)),
      simulation_(phases_.Add({{"phase", "simulation"}})),
      inference_(phases_.Add({{"phase", "inference"}})),
      transport_(phases_.Add({{"phase", "transport"}})),
      waiting_(phases_.Add({{"phase", "waiting"}})),
      policy_version_(AddGauge(registry, "sr2l_actor_policy_version",
                               "Version of the newest policy that came.")),
      streams_(AddGauge(registry, "sr2l_actor_streams", "Streams that this actor holds.")) {
  auto& answers = prometheus::BuildCounter()
                      .Name("sr2l_actor_chunk_answers_total")
                      .Help("The replay's answers to chunks, by outcome.")
                      .Register(registry);
  for (int i = v1::AppendResponse::Outcome_MIN + 1; i <= v1::AppendResponse::Outcome_MAX; ++i) {
    const auto outcome = static_cast<v1::AppendResponse::Outcome>(i);
    const std::string label = absl::AsciiStrToLower(v1::AppendResponse::Outcome_Name(outcome));
    answers_[outcome] = &answers.Add({{"outcome", label}});
  }
}

void ActorMetrics::Update(const Driver& driver, double waiting_seconds) {
  const DriverCounters& counters = driver.counters();
  RaiseTo(env_steps_, static_cast<double>(counters.env_steps));
  RaiseTo(steps_retaken_, static_cast<double>(counters.steps_retaken));
  RaiseTo(episodes_terminated_, static_cast<double>(counters.episodes_terminated));
  RaiseTo(episodes_truncated_, static_cast<double>(counters.episodes_truncated));
  RaiseTo(episodes_diverged_, static_cast<double>(counters.episodes_diverged));
  RaiseTo(physics_warnings_, static_cast<double>(MujocoWarnings()));
  RaiseTo(chunks_sent_, static_cast<double>(counters.chunks_sent));
  RaiseTo(chunk_bytes_, static_cast<double>(counters.chunk_bytes));
  for (const auto& [outcome, count] : counters.answers) {
    const auto found = answers_.find(outcome);
    if (found != answers_.end()) RaiseTo(*found->second, static_cast<double>(count));
  }
  RaiseTo(simulation_, counters.simulation_seconds);
  RaiseTo(inference_, counters.inference_seconds);
  RaiseTo(transport_, counters.transport_seconds);
  RaiseTo(waiting_, waiting_seconds);
  policy_version_.Set(static_cast<double>(counters.policy_version));
  streams_.Set(driver.num_streams());
}

}  // namespace sr2l
