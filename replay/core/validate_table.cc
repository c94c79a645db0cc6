#include "replay/core/validate_table.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

constexpr uint64_t kChunkBytes = 64 * 1024;
constexpr uint64_t kTokenBytes = 2 * 1024;
constexpr uint64_t kFixedChunkBytes = 512;  // key, counters and lengths of columns
constexpr uint64_t kSummaryBytes = 24;      // one encoded EpisodeSummary

absl::Status CheckRange(absl::string_view path, absl::string_view field, uint32_t most,
                        uint32_t value) {
  if (value >= 1 && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path, ".", field, " must be in [1, ", most, "], got ", value));
}

absl::Status CheckEqual(const v1::TableSpec& existing, absl::string_view field,
                        uint32_t existing_value, uint32_t wanted_value) {
  if (existing_value == wanted_value) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the table of member ", existing.member(), " of experiment ", existing.experiment_id(),
      " exists with ", field, " ", existing_value, ", got ", wanted_value));
}

}  // namespace

absl::Status ValidateExperimentId(absl::string_view path, const std::string& experiment_id) {
  const bool printable = std::all_of(experiment_id.begin(), experiment_id.end(),
                                     [](char c) { return c > ' ' && c <= '~'; });
  if (!experiment_id.empty() && experiment_id.size() <= kMaxIdBytes && printable) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      path, " must have 1 to ", kMaxIdBytes, " printable ASCII characters without spaces, got ",
      experiment_id.size(), " bytes: \"",
      absl::CHexEscape(experiment_id.substr(0, kMaxIdBytes)), "\""));
}

absl::Status ValidateTable(absl::string_view path, const v1::TableSpec& spec) {
  SR2L_RETURN_IF_ERROR(
      ValidateExperimentId(absl::StrCat(path, ".experiment_id"), spec.experiment_id()));
  SR2L_RETURN_IF_ERROR(CheckRange(path, "num_streams", 1024, spec.num_streams()));
  SR2L_RETURN_IF_ERROR(CheckRange(path, "observation_dim", 10000, spec.observation_dim()));
  SR2L_RETURN_IF_ERROR(CheckRange(path, "action_dim", 1000, spec.action_dim()));
  return CheckRange(path, "steps_per_round", 1000000, spec.steps_per_round());
}

absl::Status CheckSameShape(const v1::TableSpec& existing, const v1::TableSpec& wanted) {
  SR2L_RETURN_IF_ERROR(
      CheckEqual(existing, "num_streams", existing.num_streams(), wanted.num_streams()));
  SR2L_RETURN_IF_ERROR(CheckEqual(existing, "observation_dim", existing.observation_dim(),
                                  wanted.observation_dim()));
  SR2L_RETURN_IF_ERROR(
      CheckEqual(existing, "action_dim", existing.action_dim(), wanted.action_dim()));
  return CheckEqual(existing, "steps_per_round", existing.steps_per_round(),
                    wanted.steps_per_round());
}

uint64_t RoundBytes(const v1::TableSpec& spec) {
  const uint64_t observation_bytes = uint64_t{4} * spec.observation_dim();
  const uint64_t step_bytes =
      2 * observation_bytes + uint64_t{4} * spec.action_dim() + 4 + 1 + kSummaryBytes;
  const uint64_t columns = spec.steps_per_round() * step_bytes;
  const uint64_t chunks = 1 + columns / kChunkBytes;
  // Each chunk repeats an observation and carries a token, which the log also keeps.
  const uint64_t chunk_bytes =
      kFixedChunkBytes + observation_bytes + 2 * (kTokenBytes + observation_bytes);
  return spec.num_streams() * (columns + chunks * chunk_bytes);
}

absl::Status ValidateSelection(const std::string& experiment_id,
                               const std::vector<uint32_t>& members,
                               absl::string_view round_field, uint64_t round) {
  SR2L_RETURN_IF_ERROR(ValidateExperimentId("experiment_id", experiment_id));
  if (members.empty() || members.size() > kMaxMembers) {
    return absl::InvalidArgumentError(absl::StrCat("members must list 1 to ", kMaxMembers,
                                                   " members, got ", members.size()));
  }
  std::vector<uint32_t> sorted = members;
  std::sort(sorted.begin(), sorted.end());
  const auto repeated = std::adjacent_find(sorted.begin(), sorted.end());
  if (repeated != sorted.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("members must be distinct, got ", *repeated, " twice"));
  }
  if (round >= kMaxRound) {
    return absl::InvalidArgumentError(
        absl::StrCat(round_field, " must be below ", kMaxRound, ", got ", round));
  }
  return absl::OkStatus();
}

}  // namespace sr2l
