#include "replay/core/replay_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status/status_macros.h"
#include "replay/core/validate_table.h"

namespace sr2l {
namespace {

constexpr size_t kStreamsNamed = 8;  // in the text of a wait

TableId IdOf(const v1::TableSpec& spec) { return {spec.experiment_id(), spec.member()}; }

std::string NoTableText(const TableId& id) {
  return absl::StrCat("experiment \"",
                      absl::CHexEscape(id.experiment_id.substr(0, kMaxIdBytes)),
                      "\" has no table of member ", id.member);
}

// Whether every table has the whole round; the first error otherwise.
absl::StatusOr<bool> AllComplete(const std::vector<std::shared_ptr<const Table>>& tables,
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
    store->tables_[IdOf(state.spec)] = std::make_shared<Table>(state, log);
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
  uint64_t round_bytes = 0;
  for (const auto& [id, table] : tables_) round_bytes += RoundBytes(table->spec());
  std::vector<v1::TableSpec> missing;
  for (const auto& [id, spec] : planned) {
    round_bytes += RoundBytes(spec);
    missing.push_back(spec);
  }
  if (!missing.empty() && round_bytes > log_.byte_budget()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "one round of all tables can take ", round_bytes, " bytes, but the replay may hold ",
        log_.byte_budget(), ": give it more memory, or use fewer streams or steps per round"));
  }
  return missing;
}

absl::Status ReplayStore::CreateTables(const std::vector<v1::TableSpec>& specs) {
  absl::MutexLock admin_lock(&admin_mu_);
  SR2L_ASSIGN_OR_RETURN(const std::vector<v1::TableSpec> missing, PlanTables(specs));
  if (missing.empty()) return absl::OkStatus();
  SR2L_RETURN_IF_ERROR(log_.CreateTables(missing));
  absl::MutexLock lock(&mu_);
  for (const v1::TableSpec& spec : missing) {
    tables_[IdOf(spec)] = std::make_shared<Table>(EmptyState(spec), log_);
  }
  return absl::OkStatus();
}

absl::StatusOr<OpenedStream> ReplayStore::OpenStream(const v1::StreamKey& key, uint64_t epoch) {
  const TableId id{key.experiment_id(), key.member()};
  const std::shared_ptr<Table> table = FindTable(id);
  if (table == nullptr) return absl::NotFoundError(NoTableText(id));
  return table->Open(key.stream(), epoch);
}

absl::StatusOr<AppendResult> ReplayStore::Append(ChunkPtr chunk, absl::Time now) {
  const TableId id{chunk->key().experiment_id(), chunk->key().member()};
  const std::shared_ptr<Table> table = FindTable(id);
  if (table == nullptr) {
    AppendResult unknown;
    unknown.outcome = v1::AppendResponse::UNKNOWN_TABLE;
    unknown.message = NoTableText(id);
    return unknown;
  }
  SR2L_ASSIGN_OR_RETURN(AppendResult result, table->Append(std::move(chunk), now));
  if (result.completed_round) WakeComplete();
  return result;
}

ReplayStore::WaitId ReplayStore::WaitForRound(const RoundRequest& request,
                                              RoundCallback ready) {
  ConstTables tables;
  absl::StatusOr<bool> complete;
  {
    absl::MutexLock lock(&mu_);
    complete = FindRound(request, tables);
    if (complete.ok() && !*complete) {
      waits_[++last_wait_] = {.experiment_id = request.experiment_id,
                              .tables = std::move(tables),
                              .round = request.round,
                              .ready = std::move(ready)};
      return last_wait_;
    }
  }
  if (complete.ok()) {
    ready(RoundReader(std::move(tables), request.round));
  } else {
    ready(complete.status());
  }
  return 0;
}

bool ReplayStore::CancelWait(WaitId id) {
  absl::MutexLock lock(&mu_);
  return waits_.erase(id) > 0;
}

std::string ReplayStore::DescribeWait(const RoundRequest& request, absl::Time now) const {
  absl::StatusOr<std::vector<std::shared_ptr<Table>>> tables;
  {
    absl::ReaderMutexLock lock(&mu_);
    tables = FindAll(request.experiment_id, request.members);
  }
  if (!tables.ok()) return std::string(tables.status().message());
  std::vector<std::string> behind;
  size_t streams = 0;
  for (const auto& table : *tables) {
    streams += table->spec().num_streams();
    for (std::string& text : table->DescribeBehind(request.round, now)) {
      behind.push_back(std::move(text));
    }
  }
  std::string text =
      absl::StrCat("round ", request.round, " of experiment ", request.experiment_id,
                   " waits for ", behind.size(), " of ", streams, " streams: ");
  const size_t named = std::min(behind.size(), kStreamsNamed);
  absl::StrAppend(&text, absl::StrJoin(behind.begin(), behind.begin() + named, "; "));
  if (behind.size() > named) absl::StrAppend(&text, "; and ", behind.size() - named, " more");
  absl::StrAppend(&text, ". The replay holds ", bytes(), " of ", byte_budget(), " bytes.");
  return text;
}

absl::Status ReplayStore::ReleaseRounds(const std::string& experiment_id,
                                        const std::vector<uint32_t>& members,
                                        uint64_t before_round) {
  SR2L_RETURN_IF_ERROR(
      ValidateSelection(experiment_id, members, "before_round", before_round));
  absl::StatusOr<std::vector<std::shared_ptr<Table>>> tables;
  {
    absl::ReaderMutexLock lock(&mu_);
    tables = FindAll(experiment_id, members);
  }
  SR2L_RETURN_IF_ERROR(tables.status());
  for (const auto& table : *tables) SR2L_RETURN_IF_ERROR(table->CheckRelease(before_round));
  for (const auto& table : *tables) SR2L_RETURN_IF_ERROR(table->Release(before_round));
  return absl::OkStatus();
}

absl::Status ReplayStore::DropExperiment(const std::string& experiment_id) {
  SR2L_RETURN_IF_ERROR(ValidateExperimentId("experiment_id", experiment_id));
  absl::MutexLock admin_lock(&admin_mu_);
  std::vector<std::shared_ptr<Table>> dropped;
  std::vector<Wait> ended;
  {
    absl::MutexLock lock(&mu_);
    auto table = tables_.lower_bound({experiment_id, 0});
    while (table != tables_.end() && table->first.experiment_id == experiment_id) {
      dropped.push_back(std::move(table->second));
      table = tables_.erase(table);
    }
    ended = TakeWaits([&](const Wait& wait) { return wait.experiment_id == experiment_id; });
  }
  // Appends that found their table before still run; after Close none writes any more.
  for (const auto& table : dropped) table->Close();
  const absl::Status status = log_.Drop(experiment_id);
  for (const Wait& wait : ended) {
    wait.ready(absl::CancelledError(absl::StrCat("experiment ", experiment_id,
                                                 " was dropped while round ", wait.round,
                                                 " was waited for")));
  }
  return status;
}

absl::StatusOr<v1::DescribeTablesResponse> ReplayStore::Describe(
    const std::string& experiment_id) const {
  SR2L_ASSIGN_OR_RETURN(const std::vector<TableState> states, log_.Describe());
  v1::DescribeTablesResponse response;
  response.set_bytes(log_.bytes());
  response.set_byte_budget(log_.byte_budget());
  for (const TableState& state : states) {
    if (!experiment_id.empty() && state.spec.experiment_id() != experiment_id) continue;
    v1::TableDescription& table = *response.add_tables();
    *table.mutable_spec() = state.spec;
    table.set_bytes(state.bytes);
    for (const StreamState& stream : state.streams) {
      table.add_next_step(stream.next_step);
      table.add_lease_epoch(stream.epoch);
    }
  }
  return response;
}

std::shared_ptr<Table> ReplayStore::FindTable(const TableId& id) const {
  absl::ReaderMutexLock lock(&mu_);
  return Find(id);
}

std::shared_ptr<Table> ReplayStore::Find(const TableId& id) const {
  const auto found = tables_.find(id);
  return found == tables_.end() ? nullptr : found->second;
}

absl::StatusOr<std::vector<std::shared_ptr<Table>>> ReplayStore::FindAll(
    const std::string& experiment_id, const std::vector<uint32_t>& members) const {
  std::vector<uint32_t> sorted = members;
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::shared_ptr<Table>> tables;
  for (const uint32_t member : sorted) {
    tables.push_back(Find({experiment_id, member}));
    if (tables.back() == nullptr) {
      return absl::NotFoundError(NoTableText({experiment_id, member}));
    }
  }
  return tables;
}

absl::StatusOr<bool> ReplayStore::FindRound(const RoundRequest& request,
                                            ConstTables& tables) const {
  SR2L_RETURN_IF_ERROR(
      ValidateSelection(request.experiment_id, request.members, "round", request.round));
  SR2L_ASSIGN_OR_RETURN(const auto found, FindAll(request.experiment_id, request.members));
  tables.assign(found.begin(), found.end());
  return AllComplete(tables, request.round);
}

std::vector<ReplayStore::Wait> ReplayStore::TakeWaits(
    const std::function<bool(const Wait&)>& ended) {
  std::vector<Wait> taken;
  for (auto wait = waits_.begin(); wait != waits_.end();) {
    if (ended(wait->second)) {
      taken.push_back(std::move(wait->second));
      wait = waits_.erase(wait);
    } else {
      ++wait;
    }
  }
  return taken;
}

void ReplayStore::WakeComplete() {
  std::vector<Wait> complete;
  {
    absl::MutexLock lock(&mu_);
    complete = TakeWaits([](const Wait& wait) {
      // A round that is waited for is not complete, so it cannot have been released.
      return AllComplete(wait.tables, wait.round).value_or(false);
    });
  }
  for (Wait& wait : complete) wait.ready(RoundReader(std::move(wait.tables), wait.round));
}

}  // namespace sr2l
