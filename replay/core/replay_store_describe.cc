// What a store tells people about itself.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/status/status_macros.h"
#include "replay/core/replay_store.h"

namespace sr2l {
namespace {

constexpr size_t kStreamsNamed = 8;  // in the text of a wait

// "TEXT A; B; and 7 more"
std::string WaitText(std::string text, const std::vector<std::string>& missing) {
  const size_t named = std::min(missing.size(), kStreamsNamed);
  absl::StrAppend(
      &text, absl::StrJoin(missing.begin(), missing.begin() + static_cast<ptrdiff_t>(named), "; "));
  if (missing.size() > named) absl::StrAppend(&text, "; and ", missing.size() - named, " more");
  return text;
}

size_t CountStreams(const std::vector<std::shared_ptr<Table>>& tables) {
  size_t streams = 0;
  for (const auto& table : tables) streams += table->spec().num_streams();
  return streams;
}

}  // namespace

std::string ReplayStore::DescribeWait(const RoundRequest& request, absl::Time now) const {
  absl::StatusOr<Tables> tables;
  {
    absl::ReaderMutexLock lock(&mu_);
    tables = FindAll(request.experiment_id, request.members);
  }
  if (!tables.ok()) return std::string(tables.status().message());
  std::vector<std::string> behind;
  for (const auto& table : *tables) {
    for (std::string& text : table->DescribeBehind(request.round, now)) {
      behind.push_back(std::move(text));
    }
  }
  return absl::StrCat(WaitText(absl::StrCat("round ", request.round, " of experiment ",
                                            request.experiment_id, " waits for ", behind.size(),
                                            " of ", CountStreams(*tables), " streams: "),
                               behind),
                      HeldText());
}

std::string ReplayStore::HeldText() const {
  const std::string refusal = log_.health().refusal;
  const uint64_t set_aside = log_.set_aside_bytes();
  return absl::StrCat(". The replay holds ", bytes(), " of ", byte_budget(), " bytes",
                      set_aside == 0 ? "" : absl::StrCat(" (", set_aside, " are set aside)"),
                      refusal.empty() ? "" : " and has a log in trouble: ", refusal, ".");
}

std::string ReplayStore::DescribeWait(const v1::SampleRequest& request, absl::Time now) const {
  std::vector<uint32_t> members;
  for (const v1::MemberSample& member : request.members()) members.push_back(member.member());
  absl::StatusOr<Tables> tables;
  {
    absl::ReaderMutexLock lock(&mu_);
    tables = FindAll(request.experiment_id(), members);
  }
  if (!tables.ok()) return std::string(tables.status().message());
  const absl::StatusOr<SampleDraw> draw = SampleDraw::Create(request, *tables);
  if (!draw.ok()) return std::string(draw.status().message());
  const std::vector<std::string> missing = draw->DescribeMissing(now);
  const std::string what =
      absl::StrCat("draw ", request.first_draw(), " of experiment ", request.experiment_id());
  if (!request.has_up_to_step()) {
    return absl::StrCat(WaitText(absl::StrCat(what, " waits for ", missing.size(), " of ",
                                              tables->size(), " members: "),
                                 missing),
                        ".");
  }
  return absl::StrCat(
      WaitText(absl::StrCat(what, " from the steps before ", request.up_to_step(), " waits for ",
                            missing.size(), " of ", CountStreams(*tables), " streams: "),
               missing),
      HeldText());
}

absl::StatusOr<v1::DescribeTablesResponse> ReplayStore::Describe(
    const std::string& experiment_id) const {
  SR2L_ASSIGN_OR_RETURN(const std::vector<TableState> states, log_.Describe());
  const absl::Time now = absl::Now();
  v1::DescribeTablesResponse response;
  // As new steps find it: full where this is the budget.
  response.set_bytes(log_.bytes() + log_.set_aside_bytes());
  response.set_byte_budget(log_.byte_budget());
  for (const TableState& state : states) {
    if (!experiment_id.empty() && state.spec.experiment_id() != experiment_id) continue;
    v1::TableDescription& description = *response.add_tables();
    *description.mutable_spec() = state.spec;
    description.set_bytes(state.bytes);
    description.set_released_step(state.released_end);
    for (const StreamState& stream : state.streams) {
      description.add_next_step(stream.next_step);
      description.add_lease_epoch(stream.epoch);
    }
    AddDamage(description);
    if (state.spec.has_capacity()) DescribeTransitions(now, description);
  }
  return response;
}

void ReplayStore::AddDamage(v1::TableDescription& description) const {
  const v1::TableSpec& spec = description.spec();
  const std::shared_ptr<Table> table = FindTable({spec.experiment_id(), spec.member()});
  if (table == nullptr) return;
  for (const LogDamage& damage : table->damage()) description.add_damage(ToText(damage));
}

void ReplayStore::DescribeTransitions(absl::Time now, v1::TableDescription& description) const {
  std::shared_ptr<Table> table;
  std::optional<DrawRange> draw;
  {
    absl::ReaderMutexLock lock(&mu_);
    const TableId id{description.spec().experiment_id(), description.spec().member()};
    table = Find(id);
    draw = waits_.FindDraw(id);
  }
  if (table == nullptr) return;
  const TransitionTable& transitions = *table->transitions();
  description.set_bytes(description.bytes() + transitions.bytes());
  description.set_transitions(transitions.transitions());
  description.set_payload_bytes(transitions.payload_bytes());
  if (table->limiter() == nullptr) return;
  *description.mutable_limiter() = table->limiter()->Describe(draw, now);
}

ReplayTotals ReplayStore::Totals(absl::Time now) const {
  ReplayTotals totals;
  totals.bytes = bytes();
  const LogHealth log = log_.health();
  totals.log_full = log.full;
  totals.log_errors = log.errors;
  absl::ReaderMutexLock lock(&mu_);
  for (const auto& [id, table] : tables_) {
    if (table->transitions() == nullptr) continue;
    totals.transitions += table->transitions()->transitions();
    totals.payload_bytes += table->transitions()->payload_bytes();
    totals.transition_bytes += table->transitions()->bytes();
    if (table->limiter() != nullptr) table->limiter()->AddTo(waits_.FindDraw(id), now, totals);
  }
  return totals;
}

}  // namespace sr2l
