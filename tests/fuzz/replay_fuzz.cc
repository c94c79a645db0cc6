// Any bytes as requests to a replay store, which never contradicts a plain model of it.
#include "tests/fuzz/replay_fuzz.h"

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/status/check.h"
#include "replay/core/memory_log.h"
#include "replay/core/replay_store.h"
#include "tests/fuzz/records.h"
#include "tests/replay/chunks.h"

namespace sr2l {
namespace {

constexpr uint32_t kStreams = 3;
constexpr uint32_t kStepsPerRound = 8;
constexpr uint64_t kByteBudget = 46500;
constexpr uint64_t kCapacity = 24;
constexpr uint32_t kOwnTables = 3;

std::array<uint64_t, v1::AppendResponse::Outcome_ARRAYSIZE>& Outcomes() {
  static std::array<uint64_t, v1::AppendResponse::Outcome_ARRAYSIZE> outcomes{};
  return outcomes;
}

uint64_t& Rows() {
  static uint64_t rows = 0;
  return rows;
}

v1::TableSpec OwnTable(uint32_t member) {
  v1::TableSpec spec = MakeSpec("e", member, kStreams, kStepsPerRound);
  if (member > 0) spec.set_capacity(kCapacity);
  if (member < 2) return spec;
  v1::TableLimits& limits = *spec.mutable_limits();
  limits.set_minimum_size(4);
  limits.set_samples_per_insert(1);
  limits.set_tolerance(20);
  limits.set_samples_per_version(4);
  limits.set_max_staleness(12);
  return spec;
}

// What the store must know of each stream, kept in the plainest way.
struct StreamModel {
  uint64_t epoch = 0;
  uint64_t next_step = 0;
};

// A store and its model, fed with the same records.
class Subject {
 public:
  Subject() : store_(*ReplayStore::Open(log_)) {
    CreateOwnTables();
    for (uint32_t member = 0; member < kOwnTables; ++member) {
      for (uint32_t stream = 0; stream < kStreams; ++stream) {
        SR2L_CHECK(store_->OpenStream(MakeKey(OwnTable(member), stream), 1).ok());
        models_[member][stream].epoch = 1;
      }
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
      case FuzzRecord::kCreateTables:
        return CreateTables(content);
      case FuzzRecord::kDropExperiment:
        return DropExperiment(content);
      case FuzzRecord::kDescribeTables:
        return DescribeTables(content);
      case FuzzRecord::kSample:
        return Sample(content);
      case FuzzRecord::kSetLimits:
        return SetLimits(content);
    }
  }

 private:
  using TableKey = std::pair<std::string, uint32_t>;  // experiment id, member

  void CreateOwnTables() {
    for (uint32_t member = 0; member < kOwnTables; ++member) {
      SR2L_CHECK(store_->CreateTables({OwnTable(member)}).ok());
      models_[member].assign(kStreams, {});
      tables_.insert({OwnTable(member).experiment_id(), member});
    }
    released_ = 0;
  }

  static bool IsOwn(const v1::StreamKey& key) {
    return key.experiment_id() == FuzzTable().experiment_id() && key.member() < kOwnTables;
  }

  // Chunks go to the own tables only: they are those that the models know.
  void Append(const std::string& content) {
    auto chunk = std::make_shared<v1::Chunk>();
    if (!chunk->ParseFromString(content)) return;
    if (!IsOwn(chunk->key()) && tables_.contains({chunk->key().experiment_id(),
                                                  chunk->key().member()})) {
      return;
    }
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
    StreamModel& model = models_[chunk->key().member()][stream];
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
    SR2L_CHECK(chunk.final_observations().size() ==
               12 * static_cast<size_t>(chunk.episodes_size()));
  }

  void OpenStream(const std::string& content) {
    v1::OpenStreamRequest request;
    if (!request.ParseFromString(content)) return;
    const auto opened = store_->OpenStream(request.key(), request.lease_epoch());
    if (!opened.ok() || !IsOwn(request.key())) return;
    StreamModel& model = models_[request.key().member()][request.key().stream()];
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
    for (const uint32_t member : request.members()) {
      SR2L_CHECK(tables_.contains({request.experiment_id(), member}));
      if (request.experiment_id() != FuzzTable().experiment_id()) continue;
      SR2L_CHECK(member == 0);  // the others keep no rounds
      SR2L_CHECK(request.before_round() <= CompleteRounds());
      released_ = std::max(released_, request.before_round());
    }
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

  void CreateTables(const std::string& content) {
    v1::CreateTablesRequest request;
    if (!request.ParseFromString(content)) return;
    const absl::Status created =
        store_->CreateTables({request.tables().begin(), request.tables().end()});
    if (!created.ok()) {
      SR2L_CHECK(!created.message().empty());
      SR2L_CHECK(NumTables("") == tables_.size());
      return;
    }
    for (const v1::TableSpec& spec : request.tables()) {
      SR2L_CHECK(spec.num_streams() >= 1 && spec.num_streams() <= 1024);
      SR2L_CHECK(spec.observation_dim() >= 1 && spec.observation_dim() <= 10000);
      SR2L_CHECK(spec.action_dim() >= 1 && spec.action_dim() <= 1000);
      SR2L_CHECK(spec.steps_per_round() >= 1 && spec.steps_per_round() <= 1000000);
      tables_.insert({spec.experiment_id(), spec.member()});
    }
    SR2L_CHECK(NumTables("") == tables_.size());
  }

  // Without its own table the target would learn nothing more: it is created again.
  void DropExperiment(const std::string& content) {
    v1::DropExperimentRequest request;
    if (!request.ParseFromString(content)) return;
    const absl::Status dropped = store_->DropExperiment(request.experiment_id());
    if (!dropped.ok()) {
      SR2L_CHECK(NumTables("") == tables_.size());
      return;
    }
    std::erase_if(tables_, [&request](const TableKey& key) {
      return key.first == request.experiment_id();
    });
    SR2L_CHECK(NumTables("") == tables_.size());
    if (!tables_.contains({FuzzTable().experiment_id(), FuzzTable().member()})) {
      SR2L_CHECK(store_->bytes() == 0);  // only the own tables ever hold chunks
      CreateOwnTables();
    }
  }

  void DescribeTables(const std::string& content) {
    v1::DescribeTablesRequest request;
    if (!request.ParseFromString(content)) return;
    const auto described = store_->Describe(request.experiment_id());
    if (!described.ok()) return;
    SR2L_CHECK(described->bytes() == log_.bytes() + log_.set_aside_bytes());
    for (const v1::TableDescription& table : described->tables()) {
      SR2L_CHECK(tables_.contains({table.spec().experiment_id(), table.spec().member()}));
      if (!IsOwn(MakeKey(table.spec(), 0))) continue;
      const std::vector<StreamModel>& model = models_[table.spec().member()];
      for (uint32_t stream = 0; stream < kStreams; ++stream) {
        SR2L_CHECK(table.next_step(static_cast<int>(stream)) == model[stream].next_step);
        SR2L_CHECK(table.lease_epoch(static_cast<int>(stream)) == model[stream].epoch);
      }
      if (table.spec().has_capacity()) SR2L_CHECK(table.transitions() == Held(model));
    }
  }

  static uint64_t Held(const std::vector<StreamModel>& model) {
    uint64_t held = 0;
    for (const StreamModel& stream : model) {
      held += std::min(stream.next_step, kCapacity / kStreams);
    }
    return held;
  }

  // Reads the first parts of the answer only: a request may ask for millions of rows.
  void Sample(const std::string& content) {
    v1::SampleRequest request;
    if (!request.ParseFromString(content)) return;
    SR2L_CHECK(!store_->DescribeWait(request, absl::UnixEpoch()).empty());
    const auto id = store_->WaitForSample(request, [&](absl::StatusOr<SampleReader> reader) {
      if (!reader.ok()) {
        SR2L_CHECK(!reader.status().message().empty());
        return;
      }
      v1::SampleResponse part;
      for (int i = 0; i < 4; ++i) {
        const absl::StatusOr<bool> more = reader->Next(part);
        if (!more.ok() || !*more) return;
        CheckPart(request, part);
      }
    });
    store_->CancelWait(id);
  }

  void CheckPart(const v1::SampleRequest& request, const v1::SampleResponse& part) {
    SR2L_CHECK(part.ByteSizeLong() <= size_t{1} << 20);
    if (part.has_summary()) {
      const v1::SampleSummary& summary = part.summary();
      SR2L_CHECK(tables_.contains({request.experiment_id(), summary.member()}));
      if (request.experiment_id() != FuzzTable().experiment_id()) return;
      const std::vector<StreamModel>& model = models_[summary.member()];
      SR2L_CHECK(summary.observations().count() <= Held(model));
      for (uint32_t i = 0; i < kStreams; ++i) {
        const uint64_t end = summary.end_step(static_cast<int>(i));
        SR2L_CHECK(request.has_up_to_step() ? end == request.up_to_step()
                                            : end == model[i].next_step);
      }
      return;
    }
    const v1::SampledRows& rows = part.rows();
    Rows() += rows.num_rows();
    SR2L_CHECK(rows.num_rows() >= 1 && rows.num_rows() <= request.num_draws());
    SR2L_CHECK(rows.flags().size() == rows.num_rows());
    SR2L_CHECK(rows.observations().size() == rows.next_observations().size());
  }

  void SetLimits(const std::string& content) {
    v1::SetLimitsRequest request;
    if (!request.ParseFromString(content)) return;
    const absl::Status set = store_->SetLimits(request);
    SR2L_CHECK(set.ok() || !set.message().empty());
  }

  size_t NumTables(const std::string& experiment_id) const {
    return static_cast<size_t>(store_->Describe(experiment_id)->tables_size());
  }

  uint64_t CompleteRounds() const {
    uint64_t steps = models_[0][0].next_step;
    for (const StreamModel& stream : models_[0]) steps = std::min(steps, stream.next_step);
    return steps / kStepsPerRound;
  }

  MemoryLog log_{kByteBudget};
  const std::unique_ptr<ReplayStore> store_;
  std::array<std::vector<StreamModel>, kOwnTables> models_;  // by member
  uint64_t released_ = 0;
  std::set<TableKey> tables_;
};

}  // namespace

v1::TableSpec FuzzTable() { return OwnTable(0); }
v1::TableSpec FuzzRing() { return OwnTable(1); }
v1::TableSpec FuzzLimited() { return OwnTable(2); }

uint64_t FuzzRows() { return Rows(); }

const std::array<uint64_t, v1::AppendResponse::Outcome_ARRAYSIZE>& FuzzOutcomes() {
  return Outcomes();
}

}  // namespace sr2l

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  sr2l::Subject subject;
  sr2l::ForEachRecord(bytes, size, [&subject](uint8_t kind, const std::string& content) {
    subject.Apply(static_cast<sr2l::FuzzRecord>(kind % sr2l::kFuzzRecords), content);
  });
  return 0;
}
