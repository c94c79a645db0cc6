#include "learner/service/experiment_store.h"

#include <random>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

constexpr int kSchemaVersion = 1;
constexpr int kMaxPageSize = 1000;
constexpr size_t kMaxEchoedId = 128;  // characters of an unknown id that an error repeats

constexpr char kSchema[] = R"(
CREATE TABLE IF NOT EXISTS experiments (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  submitted_at_us INTEGER NOT NULL,
  started_at_us INTEGER,
  ended_at_us INTEGER,
  idempotency_key TEXT UNIQUE,
  config BLOB NOT NULL,
  progress BLOB
) STRICT;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
)";

constexpr char kColumns[] =
    "id, name, state, reason, submitted_at_us, started_at_us, ended_at_us, progress";

// Several learners may use one replay, which tells experiments apart by their ids alone.
std::string MakeId(const std::string& name, absl::Time now) {
  return absl::StrFormat("%s-%s-%08x", name,
                         absl::FormatTime("%Y%m%d-%H%M%S", now, absl::UTCTimeZone()),
                         std::random_device()());
}

void SetTimestamp(int64_t microseconds, google::protobuf::Timestamp& timestamp) {
  timestamp.set_seconds(microseconds / 1000000);
  timestamp.set_nanos(static_cast<int32_t>(microseconds % 1000000 * 1000));
}

v1::Experiment ReadRow(const SqliteStatement& row) {
  v1::Experiment experiment;
  experiment.set_experiment_id(row.Bytes(0));
  experiment.set_name(row.Bytes(1));
  v1::ExperimentState state = v1::EXPERIMENT_STATE_UNSPECIFIED;
  v1::ExperimentState_Parse(row.Bytes(2), &state);
  experiment.set_state(state);
  if (const std::string reason = row.Bytes(3); !reason.empty()) experiment.set_reason(reason);
  SetTimestamp(row.Int(4), *experiment.mutable_submitted_at());
  if (row.Int(5) != 0) SetTimestamp(row.Int(5), *experiment.mutable_started_at());
  if (row.Int(6) != 0) SetTimestamp(row.Int(6), *experiment.mutable_ended_at());
  if (const std::string progress = row.Bytes(7); !progress.empty()) {
    experiment.mutable_progress()->ParseFromString(progress);
  }
  return experiment;
}

// Equal messages have equal deterministic bytes, whatever library wrote them.
std::string Serialize(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

}  // namespace

bool HasEnded(v1::ExperimentState state) {
  return state == v1::SUCCEEDED || state == v1::FAILED || state == v1::CANCELLED;
}

absl::StatusOr<std::unique_ptr<ExperimentStore>> ExperimentStore::Open(const std::string& path) {
  SR2L_ASSIGN_OR_RETURN(SqliteHandle database, OpenSqlite(path));
  std::unique_ptr<ExperimentStore> store(new ExperimentStore(std::move(database)));
  SR2L_RETURN_IF_ERROR(store->CreateSchema());
  return store;
}

absl::Status ExperimentStore::CreateSchema() {
  absl::MutexLock lock(&mu_);
  SR2L_ASSIGN_OR_RETURN(SqliteStatement version,
                        SqliteStatement::Prepare(database_.get(), "PRAGMA user_version"));
  SR2L_RETURN_IF_ERROR(version.Step().status());
  if (version.Int(0) > kSchemaVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("experiment store: schema version ", version.Int(0),
                     " is newer than this program's ", kSchemaVersion));
  }
  SR2L_RETURN_IF_ERROR(ExecuteSqlite(database_.get(), kSchema));
  return ExecuteSqlite(database_.get(), absl::StrCat("PRAGMA user_version = ", kSchemaVersion));
}

absl::StatusOr<v1::Experiment> ExperimentStore::Add(const v1::ExperimentConfig& config,
                                                    const std::string& idempotency_key,
                                                    absl::Time now) {
  absl::MutexLock lock(&mu_);
  const std::string config_bytes = Serialize(config);
  if (!idempotency_key.empty()) {
    SR2L_ASSIGN_OR_RETURN(
        SqliteStatement earlier,
        SqliteStatement::Prepare(
            database_.get(), "SELECT id, config FROM experiments WHERE idempotency_key = ?"));
    earlier.BindText(1, idempotency_key);
    SR2L_ASSIGN_OR_RETURN(const bool found, earlier.Step());
    if (found) {
      if (earlier.Bytes(1) == config_bytes) {
        return GetLocked(earlier.Bytes(0), Detail::kWithoutConfig);
      }
      return absl::AlreadyExistsError(
          absl::StrCat("idempotency_key \"", idempotency_key, "\" belongs to experiment ",
                       earlier.Bytes(0), ", which has another config"));
    }
  }
  const std::string id = MakeId(config.name(), now);
  SR2L_ASSIGN_OR_RETURN(
      SqliteStatement insert,
      SqliteStatement::Prepare(database_.get(),
                               "INSERT INTO experiments (id, name, state, submitted_at_us, "
                               "idempotency_key, config) VALUES (?, ?, 'QUEUED', ?, ?, ?)"));
  insert.BindText(1, id).BindText(2, config.name()).BindInt(3, absl::ToUnixMicros(now));
  if (idempotency_key.empty()) {
    insert.BindNull(4);
  } else {
    insert.BindText(4, idempotency_key);
  }
  SR2L_RETURN_IF_ERROR(insert.BindBlob(5, config_bytes).Run());
  return GetLocked(id, Detail::kWithoutConfig);
}

absl::StatusOr<v1::Experiment> ExperimentStore::Get(const std::string& experiment_id,
                                                    Detail detail) const {
  absl::MutexLock lock(&mu_);
  return GetLocked(experiment_id, detail);
}

absl::StatusOr<v1::Experiment> ExperimentStore::GetLocked(const std::string& experiment_id,
                                                          Detail detail) const {
  const char* config_column = detail == Detail::kAll ? ", config" : "";
  SR2L_ASSIGN_OR_RETURN(
      SqliteStatement row,
      SqliteStatement::Prepare(database_.get(), absl::StrCat("SELECT ", kColumns, config_column,
                                                             " FROM experiments WHERE id = ?")));
  row.BindText(1, experiment_id);
  SR2L_ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) {
    return absl::NotFoundError(
        absl::StrCat("no experiment \"", experiment_id.substr(0, kMaxEchoedId), "\""));
  }
  v1::Experiment experiment = ReadRow(row);
  if (detail == Detail::kAll && !experiment.mutable_config()->ParseFromString(row.Bytes(8))) {
    return absl::DataLossError(
        absl::StrCat("experiment store: config of ", experiment_id, " does not parse"));
  }
  return experiment;
}

bool ExperimentStore::IsOver(const std::string& experiment_id) const {
  const absl::StatusOr<v1::Experiment> experiment = Get(experiment_id, Detail::kWithoutConfig);
  return experiment.ok() && HasEnded(experiment->state());
}

absl::StatusOr<v1::ListResponse> ExperimentStore::List(const v1::ListRequest& request) const {
  if (request.page_size() < 1 || request.page_size() > kMaxPageSize) {
    return absl::InvalidArgumentError(absl::StrCat("page_size must be in [1, ", kMaxPageSize,
                                                   "], got ", request.page_size()));
  }
  int64_t before = INT64_MAX;
  if (!request.page_token().empty() && !absl::SimpleAtoi(request.page_token(), &before)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "page_token must be one that List returned, got \"", request.page_token(), "\""));
  }
  std::vector<std::string> states;
  for (const int state : request.states()) {
    states.push_back(absl::StrCat("'", v1::ExperimentState_Name(state), "'"));
  }
  const std::string in_states =
      states.empty() ? "" : absl::StrCat(" AND state IN (", absl::StrJoin(states, ","), ")");
  absl::MutexLock lock(&mu_);
  SR2L_ASSIGN_OR_RETURN(
      SqliteStatement rows,
      SqliteStatement::Prepare(
          database_.get(),
          absl::StrCat("SELECT ", kColumns, ", sequence FROM experiments WHERE sequence < ?",
                       in_states, " ORDER BY sequence DESC LIMIT ?")));
  rows.BindInt(1, before).BindInt(2, request.page_size() + 1);
  v1::ListResponse response;
  int64_t last_sequence = 0;
  while (true) {
    SR2L_ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return response;
    if (response.experiments_size() == request.page_size()) {
      response.set_next_page_token(absl::StrCat(last_sequence));
      return response;
    }
    *response.add_experiments() = ReadRow(rows);
    last_sequence = rows.Int(8);
  }
}

absl::StatusOr<std::optional<v1::Experiment>> ExperimentStore::NextToRun() const {
  absl::MutexLock lock(&mu_);
  SR2L_ASSIGN_OR_RETURN(
      SqliteStatement row,
      SqliteStatement::Prepare(database_.get(),
                               "SELECT id FROM experiments WHERE state IN ('QUEUED', 'RUNNING') "
                               "ORDER BY state = 'RUNNING' DESC, sequence LIMIT 1"));
  SR2L_ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return std::nullopt;
  SR2L_ASSIGN_OR_RETURN(v1::Experiment experiment, GetLocked(row.Bytes(0), Detail::kAll));
  return experiment;
}

absl::Status ExperimentStore::SetState(const std::string& experiment_id,
                                       v1::ExperimentState state, const std::string& reason,
                                       absl::Time now) {
  absl::MutexLock lock(&mu_);
  SR2L_RETURN_IF_ERROR(CheckGoesOn(experiment_id));
  const char* time_column = HasEnded(state) ? "ended_at_us" : "started_at_us";
  SR2L_ASSIGN_OR_RETURN(
      SqliteStatement update,
      SqliteStatement::Prepare(database_.get(),
                               absl::StrCat("UPDATE experiments SET state = ?, reason = ?, ",
                                            time_column, " = ? WHERE id = ?")));
  return update.BindText(1, v1::ExperimentState_Name(state))
      .BindText(2, reason)
      .BindInt(3, absl::ToUnixMicros(now))
      .BindText(4, experiment_id)
      .Run();
}

absl::Status ExperimentStore::CheckGoesOn(const std::string& experiment_id) const {
  SR2L_ASSIGN_OR_RETURN(const v1::Experiment experiment,
                        GetLocked(experiment_id, Detail::kWithoutConfig));
  if (!HasEnded(experiment.state())) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "experiment ", experiment_id, " has already ended: ",
      v1::ExperimentState_Name(experiment.state())));
}

absl::Status ExperimentStore::SetConfig(const std::string& experiment_id,
                                        const v1::ExperimentConfig& config) {
  absl::MutexLock lock(&mu_);
  SR2L_RETURN_IF_ERROR(CheckGoesOn(experiment_id));
  SR2L_ASSIGN_OR_RETURN(
      SqliteStatement update,
      SqliteStatement::Prepare(database_.get(), "UPDATE experiments SET config = ? WHERE id = ?"));
  return update.BindBlob(1, config.SerializeAsString()).BindText(2, experiment_id).Run();
}

absl::Status ExperimentStore::SetProgress(const std::string& experiment_id,
                                          const v1::Progress& progress) {
  absl::MutexLock lock(&mu_);
  SR2L_ASSIGN_OR_RETURN(
      SqliteStatement update,
      SqliteStatement::Prepare(database_.get(),
                               "UPDATE experiments SET progress = ? WHERE id = ?"));
  return update.BindBlob(1, progress.SerializeAsString()).BindText(2, experiment_id).Run();
}

absl::StatusOr<int64_t> ExperimentStore::Count(v1::ExperimentState state) const {
  absl::MutexLock lock(&mu_);
  SR2L_ASSIGN_OR_RETURN(
      SqliteStatement row,
      SqliteStatement::Prepare(database_.get(),
                               "SELECT COUNT(*) FROM experiments WHERE state = ?"));
  row.BindText(1, v1::ExperimentState_Name(state));
  SR2L_RETURN_IF_ERROR(row.Step().status());
  return row.Int(0);
}

absl::StatusOr<uint64_t> ExperimentStore::NextGeneration() {
  absl::MutexLock lock(&mu_);
  SR2L_ASSIGN_OR_RETURN(
      SqliteStatement row,
      SqliteStatement::Prepare(
          database_.get(),
          "INSERT INTO counters (name, value) VALUES ('generation', 1) "
          "ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value"));
  SR2L_RETURN_IF_ERROR(row.Step().status());
  const uint64_t generation = static_cast<uint64_t>(row.Int(0));
  SR2L_RETURN_IF_ERROR(row.Step().status());
  return generation;
}

}  // namespace sr2l
