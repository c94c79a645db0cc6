#include "replay/core/replay_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status/status_macros.h"
#include "replay/core/validate_table.h"

namespace sr2l {
namespace {

TableId IdOf(const v1::TableSpec& spec) { return {spec.experiment_id(), spec.member()}; }

std::string NoTableText(const TableId& id) {
  return absl::StrCat("experiment \"",
                      absl::CHexEscape(id.experiment_id.substr(0, kMaxIdBytes)),
                      "\" has no table of member ", id.member);
}

// Whether every table has the whole round; the first error otherwise.
absl::StatusOr<bool> AllComplete(const std::vector<std::shared_ptr<Table>>& tables,
                                 uint64_t round) {
  bool complete = true;
  for (const auto& table : tables) {
    SR2L_ASSIGN_OR_RETURN(const bool table_complete, table->IsComplete(round));
    complete = complete && table_complete;
  }
  return complete;
}

TableState EmptyState(const v1::TableSpec& spec) {
  return {.spec = spec,
          .released_end = 0,
          .bytes = 0,
          .streams = std::vector<StreamState>(spec.num_streams())};
}

}  // namespace

absl::StatusOr<std::unique_ptr<ReplayStore>> ReplayStore::Open(TrajectoryLog& log) {
  SR2L_ASSIGN_OR_RETURN(const std::vector<TableState> states, log.Describe());
  std::unique_ptr<ReplayStore> store(new ReplayStore(log));
  absl::MutexLock lock(&store->mu_);
  for (const TableState& state : states) {
    store->tables_[IdOf(state.spec)] = std::make_shared<Table>(state, log, store->ring_bytes_);
  }
  return store;
}

absl::StatusOr<std::vector<v1::TableSpec>> ReplayStore::PlanTables(
    const std::vector<v1::TableSpec>& specs) const {
  if (specs.empty() || specs.size() > kMaxMembers) {
    return absl::InvalidArgumentError(absl::StrCat("tables must list 1 to ", kMaxMembers,
                                                   " tables, got ", specs.size()));
  }
  std::map<TableId, v1::TableSpec> planned;
  absl::ReaderMutexLock lock(&mu_);
  for (size_t i = 0; i < specs.size(); ++i) {
    SR2L_RETURN_IF_ERROR(ValidateTable(absl::StrCat("tables[", i, "]"), specs[i]));
    const std::shared_ptr<Table> existing = Find(IdOf(specs[i]));
    const v1::TableSpec& known =
        existing ? existing->spec() : planned.emplace(IdOf(specs[i]), specs[i]).first->second;
    SR2L_RETURN_IF_ERROR(CheckSameShape(known, specs[i]));
  }
  std::vector<v1::TableSpec> missing;
  for (const auto& [id, spec] : planned) missing.push_back(spec);
  if (!missing.empty()) SR2L_RETURN_IF_ERROR(CheckBudget(missing));
  return missing;
}

absl::Status ReplayStore::CheckBudget(const std::vector<v1::TableSpec>& added) const {
  uint64_t round_bytes = 0;
  uint64_t ring_bytes = 0;
  const auto add = [&](const v1::TableSpec& spec) {
    (spec.has_capacity() ? ring_bytes : round_bytes) +=
        spec.has_capacity() ? RingBytes(spec) : RoundBytes(spec);
  };
  for (const auto& [id, table] : tables_) add(table->spec());
  for (const v1::TableSpec& spec : added) add(spec);
  if (round_bytes + ring_bytes <= log_.byte_budget()) return absl::OkStatus();
  std::string text;
  if (ring_bytes > 0) {
    absl::StrAppend(&text, "the transitions of all tables can take ", ring_bytes, " bytes");
  }
  if (round_bytes > 0) {
    absl::StrAppend(&text, text.empty() ? "" : " and ", "one round of all tables can take ",
                    round_bytes, " bytes");
  }
  absl::StrAppend(&text, ", but the replay may hold ", log_.byte_budget(),
                  ": give it more memory, ");
  return absl::FailedPreconditionError(absl::StrCat(
      text, ring_bytes > 0 ? "a smaller capacity, fewer members or" : "or use",
      " fewer streams or steps per round"));
}

absl::Status ReplayStore::CreateTables(const std::vector<v1::TableSpec>& specs) {
  absl::MutexLock admin_lock(&admin_mu_);
  SR2L_ASSIGN_OR_RETURN(const std::vector<v1::TableSpec> missing, PlanTables(specs));
  if (missing.empty()) return absl::OkStatus();
  SR2L_RETURN_IF_ERROR(log_.CreateTables(missing));
  absl::MutexLock lock(&mu_);
  for (const v1::TableSpec& spec : missing) {
    tables_[IdOf(spec)] = std::make_shared<Table>(EmptyState(spec), log_, ring_bytes_);
  }
  return absl::OkStatus();
}

absl::StatusOr<OpenedStream> ReplayStore::OpenStream(const v1::StreamKey& key, uint64_t epoch) {
  const TableId id{key.experiment_id(), key.member()};
  const std::shared_ptr<Table> table = FindTable(id);
  if (table == nullptr) return absl::NotFoundError(NoTableText(id));
  SR2L_ASSIGN_OR_RETURN(OpenedStream opened, table->Open(key.stream(), epoch));
  if (table->limiter() != nullptr) Wake();
  return opened;
}

absl::StatusOr<AppendResult> ReplayStore::Append(ChunkPtr chunk,
                                                   const Arrival& arrival) {
  const TableId id{chunk->key().experiment_id(), chunk->key().member()};
  const std::shared_ptr<Table> table = FindTable(id);
  if (table == nullptr) {
    AppendResult unknown;
    unknown.outcome = v1::AppendResponse::UNKNOWN_TABLE;
    unknown.message = NoTableText(id);
    return unknown;
  }
  SR2L_ASSIGN_OR_RETURN(AppendResult result, table->Append(std::move(chunk), arrival));
  if (result.completed_round || result.moved_limits) Wake();
  return result;
}

void ReplayStore::EndCall(uint64_t call) {
  bool moved = false;
  {
    absl::ReaderMutexLock lock(&mu_);
    for (const auto& [id, table] : tables_) {
      if (table->limiter() != nullptr && table->limiter()->EndCall(call)) moved = true;
    }
  }
  if (moved) Wake();
}

ReplayStore::WaitId ReplayStore::WaitForRound(const RoundRequest& request,
                                              RoundCallback ready) {
  const WaitId id = open_waits_->Begin();
  StartWait(id, request, OnceDurable<RoundReader>(id, std::move(ready)));
  return id;
}

ReplayStore::WaitId ReplayStore::WaitForSample(const v1::SampleRequest& request,
                                               SampleCallback ready) {
  if (request.has_released_step()) {
    const absl::Status released = ReleaseContents(request);
    if (!released.ok()) {
      ready(released);
      return 0;
    }
  }
  const WaitId id = open_waits_->Begin();
  StartWait(id, request, OnceDurable<SampleReader>(id, std::move(ready)));
  return id;
}

template <typename Reader>
std::function<void(absl::StatusOr<Reader>)> ReplayStore::OnceDurable(
    WaitId id, std::function<void(absl::StatusOr<Reader>)> ready) {
  return [&log = log_, waits = open_waits_, id,
          ready = std::move(ready)](absl::StatusOr<Reader> reader) {
    if (!reader.ok()) {
      if (waits->End(id)) ready(std::move(reader));
      return;
    }
    auto shared = std::make_shared<absl::StatusOr<Reader>>(std::move(reader));
    const std::weak_ptr<OpenWaits> weak = waits;
    const auto done = std::make_shared<const TrajectoryLog::Done>(
        [weak, id, ready, shared](const absl::Status& durable) {
          const auto open = weak.lock();
          if (open == nullptr || !open->End(id)) return;
          durable.ok() ? ready(std::move(*shared)) : ready(durable);
        });
    if (waits->Keep(id, done)) log.AwaitDurable(done);
  };
}

template <typename Request, typename Callback>
void ReplayStore::StartWait(WaitId id, const Request& request, Callback ready) {
  absl::StatusOr<Wait> wait;
  absl::StatusOr<bool> over;
  {
    absl::MutexLock lock(&mu_);
    wait = MakeWait(request, ready);
    if (wait.ok()) {
      over = wait->is_over();
      if (over.ok() && !*over) return waits_.Add(id, *std::move(wait));
    }
  }
  if (wait.ok()) {
    wait->ended(over.status());
  } else {
    ready(wait.status());
  }
}

absl::StatusOr<Wait> ReplayStore::MakeWait(const RoundRequest& request,
                                           RoundCallback& ready) const {
  SR2L_RETURN_IF_ERROR(
      ValidateSelection(request.experiment_id, request.members, "round", request.round));
  SR2L_ASSIGN_OR_RETURN(const Tables tables,
                        FindRoundTables(request.experiment_id, request.members));
  const uint64_t round = request.round;
  Wait wait{.experiment_id = request.experiment_id,
            .what = absl::StrCat("round ", round),
            .is_over = [tables, round] { return AllComplete(tables, round); },
            .ended = {}};
  wait.ended = [tables, round, ready = std::move(ready)](const absl::Status& status) {
    if (!status.ok()) return ready(status);
    ready(RoundReader({tables.begin(), tables.end()}, round));
  };
  return wait;
}

absl::StatusOr<Wait> ReplayStore::MakeWait(const v1::SampleRequest& request,
                                           SampleCallback& ready) const {
  SR2L_RETURN_IF_ERROR(ValidateSample(request));
  std::vector<uint32_t> members;
  for (const v1::MemberSample& member : request.members()) members.push_back(member.member());
  SR2L_ASSIGN_OR_RETURN(Tables tables, FindAll(request.experiment_id(), members));
  SR2L_ASSIGN_OR_RETURN(SampleDraw created, SampleDraw::Create(request, std::move(tables)));
  const auto draw = std::make_shared<SampleDraw>(std::move(created));
  Wait wait{.experiment_id = request.experiment_id(),
            .what = absl::StrCat("draw ", request.first_draw()),
            .is_over = [draw] { return draw->Grant(absl::Now()); },
            .ended = {},
            .members = std::move(members),
            .draw = draw->limited_draw()};
  wait.ended = [draw, ready = std::move(ready)](const absl::Status& status) {
    if (!status.ok()) return ready(status);
    ready(SampleReader(std::move(*draw)));
  };
  return wait;
}

absl::Status ReplayStore::ReleaseContents(const v1::SampleRequest& request) {
  SR2L_RETURN_IF_ERROR(ValidateSample(request));
  std::vector<uint32_t> members;
  for (const v1::MemberSample& member : request.members()) members.push_back(member.member());
  absl::StatusOr<Tables> tables;
  {
    absl::ReaderMutexLock lock(&mu_);
    tables = FindAll(request.experiment_id(), members);
  }
  SR2L_RETURN_IF_ERROR(tables.status());
  SR2L_RETURN_IF_ERROR(SampleDraw::Create(request, *tables).status());
  for (const auto& table : *tables) {
    SR2L_RETURN_IF_ERROR(table->ReleaseContents(request.released_step()));
  }
  return absl::OkStatus();
}

bool ReplayStore::CancelWait(WaitId id) {
  {
    absl::MutexLock lock(&mu_);
    waits_.Remove(id);
  }
  return open_waits_->End(id);
}

absl::Status ReplayStore::SetLimits(const v1::SetLimitsRequest& request) {
  const std::vector<uint32_t> members(request.members().begin(), request.members().end());
  SR2L_RETURN_IF_ERROR(ValidateSelection(request.experiment_id(), members, "round", 0));
  absl::MutexLock admin_lock(&admin_mu_);
  absl::StatusOr<Tables> tables;
  {
    absl::ReaderMutexLock lock(&mu_);
    tables = FindAll(request.experiment_id(), members);
  }
  SR2L_RETURN_IF_ERROR(tables.status());
  for (const auto& table : *tables) {
    if (table->limiter() == nullptr) {
      return absl::FailedPreconditionError(
          absl::StrCat("the table of member ", table->spec().member(), " of experiment ",
                       request.experiment_id(), " has no limits"));
    }
    SR2L_RETURN_IF_ERROR(ValidateLimits("limits", request.limits(), table->spec()));
  }
  std::vector<TableId> ids;
  for (const auto& table : *tables) ids.push_back(IdOf(table->spec()));
  SR2L_RETURN_IF_ERROR(log_.SetLimits(ids, request.limits()));
  for (const auto& table : *tables) table->limiter()->SetLimits(request.limits());
  Wake();
  return absl::OkStatus();
}

absl::Status ReplayStore::ReleaseRounds(const std::string& experiment_id,
                                        const std::vector<uint32_t>& members,
                                        uint64_t before_round) {
  SR2L_RETURN_IF_ERROR(
      ValidateSelection(experiment_id, members, "before_round", before_round));
  absl::StatusOr<Tables> tables;
  {
    absl::ReaderMutexLock lock(&mu_);
    tables = FindRoundTables(experiment_id, members);
  }
  SR2L_RETURN_IF_ERROR(tables.status());
  for (const auto& table : *tables) SR2L_RETURN_IF_ERROR(table->CheckRelease(before_round));
  for (const auto& table : *tables) SR2L_RETURN_IF_ERROR(table->Release(before_round));
  return absl::OkStatus();
}

absl::Status ReplayStore::DropExperiment(const std::string& experiment_id) {
  SR2L_RETURN_IF_ERROR(ValidateExperimentId("experiment_id", experiment_id));
  absl::MutexLock admin_lock(&admin_mu_);
  const auto is_dropped = [&](const auto& table) {
    return table.first.experiment_id == experiment_id;
  };
  Tables dropped;  // its last memory goes without the lock
  {
    absl::ReaderMutexLock lock(&mu_);
    for (const auto& table : tables_) {
      if (is_dropped(table)) dropped.push_back(table.second);
    }
  }
  // Appends that found their table before still run; after Close none writes any more.
  for (const auto& table : dropped) table->Close();
  const absl::Status status = log_.Drop(experiment_id);
  if (!status.ok()) {
    for (const auto& table : dropped) table->Reopen();
    return status;
  }
  std::vector<WaitList::Ended> ended;
  {
    absl::MutexLock lock(&mu_);
    std::erase_if(tables_, is_dropped);
    ended = waits_.TakeDropped(experiment_id);
  }
  for (const WaitList::Ended& wait : ended) wait.Tell();
  return absl::OkStatus();
}

std::shared_ptr<Table> ReplayStore::FindTable(const TableId& id) const {
  absl::ReaderMutexLock lock(&mu_);
  return Find(id);
}

std::shared_ptr<Table> ReplayStore::Find(const TableId& id) const {
  const auto found = tables_.find(id);
  return found == tables_.end() ? nullptr : found->second;
}

absl::StatusOr<ReplayStore::Tables> ReplayStore::FindAll(
    const std::string& experiment_id, const std::vector<uint32_t>& members) const {
  std::vector<uint32_t> sorted = members;
  std::sort(sorted.begin(), sorted.end());
  Tables tables;
  for (const uint32_t member : sorted) {
    tables.push_back(Find({experiment_id, member}));
    if (tables.back() == nullptr) {
      return absl::NotFoundError(NoTableText({experiment_id, member}));
    }
  }
  return tables;
}

absl::StatusOr<ReplayStore::Tables> ReplayStore::FindRoundTables(
    const std::string& experiment_id, const std::vector<uint32_t>& members) const {
  SR2L_ASSIGN_OR_RETURN(Tables tables, FindAll(experiment_id, members));
  for (const auto& table : tables) {
    if (!table->spec().has_capacity()) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("the table of member ", table->spec().member(), " of experiment ",
                     experiment_id, " has a capacity: it is sampled, and keeps no rounds"));
  }
  return tables;
}

void ReplayStore::Wake() {
  std::vector<WaitList::Ended> ended;
  {
    absl::MutexLock lock(&mu_);
    if (waits_.empty()) return;
    ended = waits_.TakeOver();
  }
  for (const WaitList::Ended& wait : ended) wait.Tell();
}

}  // namespace sr2l
