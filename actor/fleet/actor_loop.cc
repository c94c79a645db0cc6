#include "actor/fleet/actor_loop.h"

#include <utility>

#include "absl/time/clock.h"
#include "common/log/log.h"

namespace sr2l {
namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(4);
// Metrics are this fresh at worst.
constexpr absl::Duration kMetricsPeriod = absl::Milliseconds(500);
// An actor that waits this long says for what.
constexpr absl::Duration kWaitToMention = absl::Seconds(30);

v1::JoinRequest MakeRequest(const ActorLoopOptions& options) {
  v1::JoinRequest request;
  request.set_actor_name(options.name);
  request.set_max_streams(options.max_streams);
  return request;
}

}  // namespace

ActorLoop::ActorLoop(const std::shared_ptr<grpc::Channel>& learner,
                     const std::shared_ptr<grpc::Channel>& replay, const ActorLoopOptions& options,
                     ActorMetrics& metrics)
    : options_(options),
      metrics_(metrics),
      ports_(*this),
      driver_(ports_, {.jitter_seed = options.jitter_seed}),
      last_step_(absl::Now()),
      mentioned_(last_step_),
      updated_(last_step_),
      sender_(replay,
              {.jitter_seed = options.jitter_seed,
               .lost = [this] { Post([](Driver& driver) { driver.OnReplayLost(); }); }},
              [this](const v1::AppendResponse& answer) {
                Post([answer](Driver& driver) { driver.OnAnswer(answer); });
              }),
      fleet_(learner, replay, MakeRequest(options), options.jitter_seed,
             {.event =
                  [this](std::shared_ptr<const v1::FleetEvent> event) {
                    Post([event](Driver& driver) { driver.OnFleetEvent(*event); });
                  },
              .left = [this] { Post([](Driver& driver) { driver.OnLeft(); }); }}),
      evaluations_([this](const v1::ReportEvaluationRequest& report) {
        calls_.After(absl::ZeroDuration(), [this, report](const std::stop_token& stop) {
          TryReport(report, std::make_shared<Backoff>(options_.jitter_seed), stop);
        });
      }),
      thread_([this] { Run(); }) {}

ActorLoop::~ActorLoop() { Stop(absl::ZeroDuration()); }

void ActorLoop::Stop(absl::Duration flush_timeout) {
  std::call_once(stopping_, [this, flush_timeout] {
    const absl::Time deadline = absl::Now() + flush_timeout;
    {
      absl::MutexLock lock(&mu_);
      stopped_ = true;
    }
    evaluations_.Close();
    thread_.join();
    // What they would have told is asked or met again elsewhere; the time is for the answers to
    // the steps.
    calls_.Close();
    // While still in the fleet: no other actor takes these streams up too early.
    const absl::Status flushed = sender_.Flush(deadline);
    const DriverCounters& counters = driver_.counters();
    SR2L_INFO("took {} steps, {} of them again; {}", counters.env_steps, counters.steps_retaken,
              flushed.ok() ? "the replay has answered for all" : flushed.ToString());
    fleet_.Close();
    sender_.Close();
  });
}

void ActorLoop::Post(Event event) {
  absl::MutexLock lock(&mu_);
  if (!stopped_) events_.push_back(std::move(event));
}

bool ActorLoop::TakeEvents(absl::Duration timeout, std::vector<Event>& events) {
  events.clear();
  absl::MutexLock lock(&mu_);
  if (timeout > absl::ZeroDuration()) {
    mu_.AwaitWithTimeout(absl::Condition(this, &ActorLoop::HasNews), timeout);
  }
  events.swap(events_);
  return !stopped_;
}

void ActorLoop::Run() {
  std::vector<Event> events;
  bool idle = true;
  absl::Time now = absl::Now();
  while (TakeEvents(idle ? kMetricsPeriod : absl::ZeroDuration(), events)) {
    const absl::Time woken = absl::Now();
    if (idle) waited_ += woken - now;
    for (const Event& event : events) event(driver_);
    idle = driver_.Step() == 0;
    now = absl::Now();
    if (!idle) last_step_ = mentioned_ = now;
    if (idle || now - updated_ > kMetricsPeriod) Show(now);
  }
  driver_.SendPending();
  Show(absl::Now());
}

void ActorLoop::Show(absl::Time now) {
  updated_ = now;
  metrics_.Update(driver_, absl::ToDoubleSeconds(waited_));
  if (now - mentioned_ < kWaitToMention) return;
  mentioned_ = now;
  SR2L_INFO("waiting since {} s for {}", absl::ToInt64Seconds(now - last_step_),
            driver_.DescribeWait());
}

void ActorLoop::TryReport(const std::string& experiment_id, const absl::Status& reason,
                          std::shared_ptr<Backoff> backoff, const std::stop_token& stop) {
  const absl::Status status =
      fleet_.ReportFailure(experiment_id, reason, absl::Now() + kCallTimeout, stop);
  // NotFound: the experiment has ended anyway.
  if (status.ok() || absl::IsNotFound(status) || stop.stop_requested()) return;
  SR2L_WARNING("cannot report to the learner, trying again: {}", status.ToString());
  calls_.After(backoff->Next(), [this, experiment_id, reason, backoff](const auto& stop) {
    TryReport(experiment_id, reason, backoff, stop);
  });
}

void ActorLoop::TryReport(const v1::ReportEvaluationRequest& report,
                          std::shared_ptr<Backoff> backoff, const std::stop_token& stop) {
  const absl::Status status = fleet_.ReportEvaluation(report, absl::Now() + kCallTimeout, stop);
  if (status.ok() || stop.stop_requested()) return;
  if (absl::IsNotFound(status) || absl::IsFailedPrecondition(status)) {
    SR2L_INFO("not needed: {}", std::string(status.message()));
    return;
  }
  SR2L_WARNING("cannot report to the learner, trying again: {}", status.ToString());
  calls_.After(backoff->Next(), [this, report, backoff](const std::stop_token& stop) {
    TryReport(report, backoff, stop);
  });
}

void ActorLoop::Ports::OpenStream(const v1::StreamKey& key, uint64_t epoch, uint64_t ticket,
                                  absl::Duration delay) {
  loop_.calls_.After(delay, [this, key, epoch, ticket](const std::stop_token& stop) {
    auto opened = loop_.sender_.OpenStream(key, epoch, absl::Now() + kCallTimeout, stop);
    loop_.Post([key, ticket, opened = std::move(opened)](Driver& driver) {
      driver.OnOpened(key, ticket, opened);
    });
  });
}

absl::Status ActorLoop::Ports::Send(std::shared_ptr<const v1::Chunk> chunk) {
  return loop_.sender_.Send(std::move(chunk));
}

void ActorLoop::Ports::StepAside(const std::string& reason) { loop_.fleet_.StepAside(reason); }

void ActorLoop::Ports::ReportFailure(const std::string& experiment_id,
                                     const absl::Status& reason) {
  loop_.calls_.After(absl::ZeroDuration(), [this, experiment_id, reason](const auto& stop) {
    loop_.TryReport(experiment_id, reason, std::make_shared<Backoff>(loop_.options_.jitter_seed),
                    stop);
  });
}

void ActorLoop::Ports::StartEvaluation(std::shared_ptr<const CompiledTask> task,
                                       const v1::EvaluationGrant& grant) {
  loop_.evaluations_.Start(std::move(task), grant);
}

void ActorLoop::Ports::EndEvaluations(const std::string& experiment_id) {
  loop_.evaluations_.End(experiment_id);
}

}  // namespace sr2l
