#include "actor/fleet/evaluation_worker.h"

#include <utility>

#include "actor/environment/environment.h"
#include "actor/evaluation/episode_runner.h"
#include "actor/evaluation/evaluation.h"
#include "common/log/log.h"
#include "common/policy/policy.h"
#include "common/status/status_macros.h"

namespace sr2l {

EvaluationWorker::EvaluationWorker(Report report)
    : report_(std::move(report)), thread_([this] { Run(); }) {}

EvaluationWorker::~EvaluationWorker() { Close(); }

void EvaluationWorker::Start(std::shared_ptr<const CompiledTask> task, v1::EvaluationGrant grant) {
  auto job = std::make_shared<Job>();
  job->task = std::move(task);
  job->grant = std::move(grant);
  absl::MutexLock lock(&mu_);
  if (!closed_) jobs_.push_back(std::move(job));
}

void EvaluationWorker::End(const std::string& experiment_id) {
  absl::MutexLock lock(&mu_);
  const auto is_of = [&experiment_id](const std::shared_ptr<Job>& job) {
    return job != nullptr && job->grant.experiment_id() == experiment_id;
  };
  std::erase_if(jobs_, is_of);
  if (is_of(running_)) running_->dropped = true;
}

void EvaluationWorker::Close() {
  {
    absl::MutexLock lock(&mu_);
    closed_ = true;
    jobs_.clear();
    if (running_ != nullptr) running_->dropped = true;
  }
  std::call_once(joined_, [this] { thread_.join(); });
}

void EvaluationWorker::Run() {
  while (true) {
    std::shared_ptr<Job> job;
    {
      absl::MutexLock lock(&mu_, absl::Condition(this, &EvaluationWorker::HasWork));
      if (closed_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
      running_ = job;
    }
    v1::ReportEvaluationRequest report;
    report.set_experiment_id(job->grant.experiment_id());
    report.set_member(job->grant.member());
    report.set_round(job->grant.round());
    report.set_epoch(job->grant.epoch());
    const absl::Status status = RunEpisodes(*job, report);
    {
      absl::MutexLock lock(&mu_);
      running_.reset();
      if (job->dropped) continue;
    }
    if (!status.ok()) {
      SR2L_WARNING("member {} cannot be evaluated after round {}: {}", job->grant.member(),
                   job->grant.round(), std::string(status.message()));
      report.clear_returns();
      report.clear_lengths();
      report.set_error(std::string(status.message()));
    }
    report_(report);
  }
}

absl::Status EvaluationWorker::RunEpisodes(const Job& job, v1::ReportEvaluationRequest& report) {
  if (job.task == nullptr) {
    return absl::FailedPreconditionError("the actor cannot drive the experiment");
  }
  SR2L_ASSIGN_OR_RETURN(const auto policy, Policy::Create(job.grant.policy()));
  SR2L_RETURN_IF_ERROR(CheckFits(*policy, *job.task));
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<Environment> environment,
                        Environment::Create(job.task));
  // The episodes that `sr2l evaluate` runs with mean actions and this seed; what it measures
  // beside their returns is not needed here.
  EpisodeOptions options;
  options.probe_states = false;
  options.seed = job.grant.seed();
  EpisodeRunner runner(*environment, *policy, options);
  for (uint32_t episode = 0; episode < job.grant.episodes(); ++episode) {
    SR2L_ASSIGN_OR_RETURN(const EpisodeResult result,
                          runner.Run(episode, [&job](const Environment&) -> absl::StatusOr<bool> {
                            if (job.dropped) return absl::CancelledError("dropped");
                            return true;
                          }));
    report.add_returns(result.return_);
    report.add_lengths(result.length);
  }
  return absl::OkStatus();
}

}  // namespace sr2l
