#ifndef SR2L_ACTOR_FLEET_ACTOR_LOOP_H_
#define SR2L_ACTOR_FLEET_ACTOR_LOOP_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "actor/driver/driver.h"
#include "actor/fleet/actor_metrics.h"
#include "actor/fleet/evaluation_worker.h"
#include "actor/fleet/fleet_client.h"
#include "actor/fleet/timed_calls.h"
#include "common/rpc/backoff.h"
#include "replay/client/chunk_sender.h"
#include "sr2l/v1/fleet.pb.h"

namespace sr2l {

struct ActorLoopOptions {
  std::string name;  // for people; [1, 128] characters
  uint32_t max_streams = v1::JoinRequest().max_streams();  // that it offers to drive
  uint64_t jitter_seed = 0;  // spreads the retries of many actors; give each its own
};

// A whole actor but for its process: connects a Driver to a learner and a replay and gives
// it a thread. That thread alone touches the driver; all others post it events. It sleeps
// while no stream can take a step. Evaluations run beside it. Thread-safe.
class ActorLoop {
 public:
  // Starts at once. `metrics` is borrowed.
  ActorLoop(const std::shared_ptr<grpc::Channel>& learner,
            const std::shared_ptr<grpc::Channel>& replay, const ActorLoopOptions& options,
            ActorMetrics& metrics);

  // Calls Stop without waiting for answers.
  ~ActorLoop();

  // Takes no more steps, drops evaluations, sends what is pending, waits up to `flush_timeout` for
  // the replay's answers, and leaves the fleet. Further calls do nothing.
  void Stop(absl::Duration flush_timeout);

 private:
  // The driver's ports, served from the loop's own thread.
  class Ports : public DriverPorts {
   public:
    explicit Ports(ActorLoop& loop) : loop_(loop) {}
    void OpenStream(const v1::StreamKey& key, uint64_t epoch, uint64_t ticket,
                    absl::Duration delay) override;
    absl::Status Send(std::shared_ptr<const v1::Chunk> chunk) override;
    void StepAside(const std::string& reason) override;
    void ReportFailure(const std::string& experiment_id, const absl::Status& reason) override;
    void StartEvaluation(std::shared_ptr<const CompiledTask> task,
                         const v1::EvaluationGrant& grant) override;
    void EndEvaluations(const std::string& experiment_id) override;

   private:
    ActorLoop& loop_;
  };
  using Event = std::function<void(Driver&)>;

  void Post(Event event) ABSL_LOCKS_EXCLUDED(mu_);
  // Waits up to `timeout` for events. False once stopped.
  bool TakeEvents(absl::Duration timeout, std::vector<Event>& events) ABSL_LOCKS_EXCLUDED(mu_);
  bool HasNews() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return stopped_ || !events_.empty(); }
  void Run();
  // Brings metrics up to date and, now and then, says what is waited for.
  void Show(absl::Time now);
  // On the thread of calls_, again until the learner has heard it.
  void TryReport(const std::string& experiment_id, const absl::Status& reason,
                 std::shared_ptr<Backoff> backoff, const std::stop_token& stop);
  // Likewise.
  void TryReport(const v1::ReportEvaluationRequest& report, std::shared_ptr<Backoff> backoff,
                 const std::stop_token& stop);

  const ActorLoopOptions options_;
  ActorMetrics& metrics_;
  Ports ports_;
  // Of thread_ alone.
  Driver driver_;
  absl::Duration waited_;  // in all
  absl::Time last_step_;
  absl::Time mentioned_;  // when it was last said what is waited for
  absl::Time updated_;    // the metrics
  std::once_flag stopping_;
  absl::Mutex mu_;
  std::vector<Event> events_ ABSL_GUARDED_BY(mu_);
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  // These post events; each has a thread of its own.
  TimedCalls calls_;
  ChunkSender sender_;
  FleetClient fleet_;
  EvaluationWorker evaluations_;
  std::thread thread_;  // last: uses everything above
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_FLEET_ACTOR_LOOP_H_
