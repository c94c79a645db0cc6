#include "tests/fuzz/replay_fuzz.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "common/status/check.h"
#include "replay/core/memory_log.h"
#include "replay/core/replay_store.h"
#include "tests/replay/chunks.h"

namespace sr2l {
namespace {

constexpr uint32_t kStreams = 3;
constexpr uint32_t kStepsPerRound = 8;
constexpr uint64_t kByteBudget = 24000;

std::array<uint64_t, v1::AppendResponse::Outcome_ARRAYSIZE>& Outcomes() {
  static std::array<uint64_t, v1::AppendResponse::Outcome_ARRAYSIZE> outcomes{};
  return outcomes;
}

// What the store must know of each stream, kept in the plainest way.
struct StreamModel {
  uint64_t epoch = 0;
  uint64_t next_step = 0;
};

// A store and its model, fed with the same records.
class Subject {
 public:
  Subject() : store_(*ReplayStore::Open(log_)), model_(kStreams) {
    SR2L_CHECK(store_->CreateTables({FuzzTable()}).ok());
    for (uint32_t stream = 0; stream < kStreams; ++stream) {
      SR2L_CHECK(store_->OpenStream(MakeKey(FuzzTable(), stream), 1).ok());
      model_[stream].epoch = 1;
    }
  }

  void Apply(FuzzRecord kind, const std::string& content) {
    switch (kind) {
      case FuzzRecord::kAppend:
        return Append(content);
      case FuzzRecord::kOpenStream:
        return OpenStream(content);
      case FuzzRecord::kReleaseRounds:
        return ReleaseRounds(content);
      case FuzzRecord::kReadRound:
        return ReadRound(content);
    }
  }

 private:
  void Append(const std::string& content) {
    auto chunk = std::make_shared<v1::Chunk>();
    if (!chunk->ParseFromString(content)) return;
    const auto result = store_->Append(chunk, absl::UnixEpoch());
    SR2L_CHECK(result.ok());
    ++Outcomes()[result->outcome];
    SR2L_CHECK(store_->bytes() <= kByteBudget);
    if (result->outcome == v1::AppendResponse::UNKNOWN_TABLE) return;
    const uint32_t stream = chunk->key().stream();
    if (stream >= kStreams) {
      SR2L_CHECK(result->outcome == v1::AppendResponse::MALFORMED);
      return;
    }
    StreamModel& model = model_[stream];
    if (result->outcome == v1::AppendResponse::STORED) {
      CheckStored(*chunk, model);
      model.next_step += chunk->num_steps();
    } else if (result->outcome == v1::AppendResponse::DUPLICATE) {
      SR2L_CHECK(chunk->first_step() + chunk->num_steps() <= model.next_step);
    } else {
      SR2L_CHECK(!result->message.empty());
    }
    SR2L_CHECK(result->next_step == model.next_step);
  }

  static void CheckStored(const v1::Chunk& chunk, const StreamModel& model) {
    const uint64_t steps = chunk.num_steps();
    SR2L_CHECK(steps >= 1 && chunk.first_step() == model.next_step);
    SR2L_CHECK(chunk.lease_epoch() == model.epoch);
    SR2L_CHECK(chunk.first_step() / kStepsPerRound ==
               (chunk.first_step() + steps - 1) / kStepsPerRound);
    SR2L_CHECK(chunk.observations().size() == (steps + 1) * 12);
    SR2L_CHECK(chunk.actions().size() == steps * 8);
    SR2L_CHECK(chunk.rewards().size() == steps * 4);
    SR2L_CHECK(chunk.flags().size() == steps);
    SR2L_CHECK(chunk.final_observations().size() == 12 * static_cast<size_t>(chunk.episodes_size()));
  }

  void OpenStream(const std::string& content) {
    v1::OpenStreamRequest request;
    if (!request.ParseFromString(content)) return;
    const auto opened = store_->OpenStream(request.key(), request.lease_epoch());
    if (!opened.ok()) return;
    StreamModel& model = model_[request.key().stream()];
    SR2L_CHECK(request.lease_epoch() >= model.epoch);
    SR2L_CHECK(opened->next_step == model.next_step);
    model.epoch = request.lease_epoch();
  }

  void ReleaseRounds(const std::string& content) {
    v1::ReleaseRoundsRequest request;
    if (!request.ParseFromString(content)) return;
    const uint64_t bytes = store_->bytes();
    const absl::Status released = store_->ReleaseRounds(
        request.experiment_id(), {request.members().begin(), request.members().end()},
        request.before_round());
    if (!released.ok()) {
      SR2L_CHECK(store_->bytes() == bytes);
      return;
    }
    SR2L_CHECK(request.before_round() <= CompleteRounds());
    released_ = std::max(released_, request.before_round());
  }

  void ReadRound(const std::string& content) {
    v1::ReadRoundRequest request;
    if (!request.ParseFromString(content)) return;
    const RoundRequest round{.experiment_id = request.experiment_id(),
                             .members = {request.members().begin(), request.members().end()},
                             .round = request.round()};
    uint64_t steps = 0;
    bool complete = false;
    const auto id = store_->WaitForRound(round, [&](absl::StatusOr<RoundReader> reader) {
      if (!reader.ok()) return;
      complete = true;
      for (auto chunk = reader->Next(); *chunk != nullptr; chunk = reader->Next()) {
        steps += (*chunk)->num_steps();
      }
    });
    store_->CancelWait(id);
    if (!complete) return;
    SR2L_CHECK(steps == kStreams * kStepsPerRound);
    SR2L_CHECK(round.round >= released_ && round.round < CompleteRounds());
  }

  uint64_t CompleteRounds() const {
    uint64_t steps = model_[0].next_step;
    for (const StreamModel& stream : model_) steps = std::min(steps, stream.next_step);
    return steps / kStepsPerRound;
  }

  MemoryLog log_{kByteBudget};
  const std::unique_ptr<ReplayStore> store_;
  std::vector<StreamModel> model_;
  uint64_t released_ = 0;
};

}  // namespace

v1::TableSpec FuzzTable() { return MakeSpec("e", 0, kStreams, kStepsPerRound); }

std::string EncodeRecord(FuzzRecord kind, const std::string& content) {
  std::string record = {static_cast<char>(kind), static_cast<char>(content.size() & 0xff),
                        static_cast<char>(content.size() >> 8)};
  return record + content;
}

const std::array<uint64_t, v1::AppendResponse::Outcome_ARRAYSIZE>& FuzzOutcomes() {
  return Outcomes();
}

}  // namespace sr2l

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  sr2l::Subject subject;
  while (size >= 3) {
    const auto kind = static_cast<sr2l::FuzzRecord>(bytes[0] % 4);
    const size_t length = std::min<size_t>(size - 3, bytes[1] | bytes[2] << 8);
    subject.Apply(kind, std::string(reinterpret_cast<const char*>(bytes) + 3, length));
    bytes += 3 + length;
    size -= 3 + length;
  }
  return 0;
}
