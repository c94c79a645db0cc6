#include "actor/stream/actor_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/random/philox.h"
#include "common/status/check.h"
#include "common/status/status_macros.h"

namespace sr2l {

ActorStream::ActorStream(StreamIdentity identity, std::unique_ptr<Environment> environment)
    : identity_(std::move(identity)),
      environment_(std::move(environment)),
      noise_(identity_.noise, Philox(identity_.seed, Purpose::kExploration, identity_.key.stream()),
             environment_->action_dim()) {}

absl::StatusOr<std::unique_ptr<ActorStream>> ActorStream::Create(
    StreamIdentity identity, std::shared_ptr<const CompiledTask> task, uint64_t next_step,
    const std::string& resume_token) {
  SR2L_CHECK(identity.steps_per_round >= 1);
  SR2L_ASSIGN_OR_RETURN(std::unique_ptr<Environment> environment,
                        Environment::Create(std::move(task)));
  std::unique_ptr<ActorStream> stream(new ActorStream(std::move(identity), std::move(environment)));
  SR2L_RETURN_IF_ERROR(stream->Start(next_step, resume_token));
  return stream;
}

absl::Status ActorStream::Start(uint64_t next_step, const std::string& resume_token) {
  if (resume_token.empty()) {
    if (next_step == 0) return BeginEpisode();
    return absl::DataLossError(
        absl::StrCat("no resume token for a stream that is at step ", next_step));
  }
  v1::ResumeToken token;
  if (!token.ParseFromString(resume_token)) {
    return absl::DataLossError("resume token: not a ResumeToken message");
  }
  if (token.next_step() != next_step) {
    return absl::DataLossError(absl::StrCat("resume token: next_step must be ", next_step,
                                            ", where the stream is, got ", token.next_step()));
  }
  SR2L_RETURN_IF_ERROR(environment_->Restore(token));
  SR2L_RETURN_IF_ERROR(noise_.Restore(token));
  next_step_ = token.next_step();
  episode_ = token.episode();
  episode_return_ = token.episode_return();
  return absl::OkStatus();
}

absl::Status ActorStream::BeginEpisode() {
  episode_return_ = 0;
  noise_.Reset();
  return environment_->Reset(identity_.seed, identity_.key.stream(), episode_);
}

absl::StatusOr<StepResult> ActorStream::Step(const float* action) {
  SR2L_CHECK(!chunk_is_due());
  if (builder_.num_steps() == 0) {
    chunk_first_step_ = next_step_;
    chunk_first_episode_step_ = environment_->episode_step();
  }
  builder_.BeginStep(environment_->observation(), action, environment_->action_dim());
  SR2L_ASSIGN_OR_RETURN(const StepResult result, environment_->Step(action));
  builder_.EndStep(result);
  ++next_step_;
  episode_return_ += result.reward;
  if (result.terminated || result.truncated) {
    builder_.EndEpisode(environment_->observation(), result, environment_->episode_step(),
                        episode_return_);
    ++episode_;
    SR2L_RETURN_IF_ERROR(BeginEpisode());
  }
  return result;
}

bool ActorStream::chunk_is_due() const {
  return builder_.num_steps() > 0 && (builder_.is_full() || begins_round());
}

v1::Chunk ActorStream::TakeChunk(uint64_t policy_version) {
  v1::Chunk chunk = builder_.Take(environment_->observation());
  *chunk.mutable_key() = identity_.key;
  chunk.set_lease_epoch(identity_.lease_epoch);
  chunk.set_first_step(chunk_first_step_);
  chunk.set_policy_version(policy_version);
  chunk.set_first_episode_step(chunk_first_episode_step_);
  v1::ResumeToken token;
  environment_->Save(token);
  noise_.Save(token);
  token.set_next_step(next_step_);
  token.set_episode(episode_);
  token.set_episode_return(episode_return_);
  token.SerializeToString(chunk.mutable_resume_token());
  return chunk;
}

}  // namespace sr2l
