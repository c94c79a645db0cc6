#include "replay/core/validate_table.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/limits/limits.h"
#include "common/status/status_macros.h"
#include "replay/core/transition_table.h"

namespace sr2l {
namespace {

constexpr uint64_t kChunkBytes = 64 * 1024;
constexpr uint64_t kTokenBytes = 2 * 1024;  // of a resume token, besides what grows with the model
constexpr uint64_t kFixedChunkBytes = 512;  // key, counters and lengths of columns
constexpr uint64_t kSummaryBytes = 24;      // one encoded EpisodeSummary
constexpr uint64_t kFixedBlockBytes = 256;  // of a ring, beside its columns
constexpr uint64_t kMostCapacity = 1000000000;
constexpr double kMostSamplesPerInsert = 1e6;
constexpr double kMostTolerance = 1e12;  // samples

absl::Status CheckRange(absl::string_view path, absl::string_view field, uint32_t most,
                        uint32_t value) {
  if (value >= 1 && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path, ".", field, " must be in [1, ", most, "], got ", value));
}

absl::Status CheckEqual(const v1::TableSpec& existing, absl::string_view field,
                        uint64_t existing_value, uint64_t wanted_value) {
  if (existing_value == wanted_value) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the table of member ", existing.member(), " of experiment ", existing.experiment_id(),
      " exists with ", field, " ", existing_value, ", got ", wanted_value));
}

// `value` in (0, most]; NaN is not.
absl::Status CheckPositive(absl::string_view path, absl::string_view field, double most,
                           double value) {
  if (value > 0 && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path, ".", field, " must be in (0, ", most, "], got ", value));
}

absl::Status CheckCapacity(absl::string_view path, const v1::TableSpec& spec) {
  if (!spec.has_capacity()) {
    if (!spec.has_limits()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(path, ".limits must be absent without a capacity"));
  }
  if (spec.capacity() < spec.num_streams() || spec.capacity() > kMostCapacity) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ".capacity must be in [", spec.num_streams(), ", ", kMostCapacity,
                     "], num_streams or more, got ", spec.capacity()));
  }
  if (!spec.has_limits()) return absl::OkStatus();
  return ValidateLimits(absl::StrCat(path, ".limits"), spec.limits(), spec);
}

}  // namespace

absl::Status ValidateExperimentId(absl::string_view path, const std::string& experiment_id) {
  const bool printable = std::all_of(experiment_id.begin(), experiment_id.end(),
                                     [](char c) { return c > ' ' && c <= '~'; });
  if (!experiment_id.empty() && experiment_id.size() <= kMaxIdBytes && printable) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(path, " must have 1 to ", kMaxIdBytes,
                   " printable ASCII characters without spaces, got ", experiment_id.size(),
                   " bytes: \"", absl::CHexEscape(experiment_id.substr(0, kMaxIdBytes)), "\""));
}

absl::Status ValidateTable(absl::string_view path, const v1::TableSpec& spec) {
  SR2L_RETURN_IF_ERROR(
      ValidateExperimentId(absl::StrCat(path, ".experiment_id"), spec.experiment_id()));
  SR2L_RETURN_IF_ERROR(CheckRange(path, "num_streams", 1024, spec.num_streams()));
  SR2L_RETURN_IF_ERROR(CheckRange(path, "observation_dim", 10000, spec.observation_dim()));
  SR2L_RETURN_IF_ERROR(CheckRange(path, "action_dim", 1000, spec.action_dim()));
  SR2L_RETURN_IF_ERROR(CheckRange(path, "steps_per_round", 1000000, spec.steps_per_round()));
  return CheckCapacity(path, spec);
}

absl::Status ValidateLimits(absl::string_view path, const v1::TableLimits& limits,
                            const v1::TableSpec& spec) {
  if (limits.minimum_size() < 1 || limits.minimum_size() > spec.capacity()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ".minimum_size must be in [1, ",
                                                   spec.capacity(), "], the capacity, got ",
                                                   limits.minimum_size()));
  }
  SR2L_RETURN_IF_ERROR(CheckPositive(path, "samples_per_insert", kMostSamplesPerInsert,
                                     limits.samples_per_insert()));
  SR2L_RETURN_IF_ERROR(CheckPositive(path, "tolerance", kMostTolerance, limits.tolerance()));
  if (limits.samples_per_version() < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ".samples_per_version must be at least 1, got 0"));
  }
  const double least_tolerance = LeastTolerance(limits, spec.steps_per_round());
  if (limits.tolerance() < least_tolerance) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s.tolerance must be at least %.15g, or actors and learner could wait for each other, "
        "with samples_per_insert %g, samples_per_version %d and steps_per_round %d; got %.15g",
        path, least_tolerance, limits.samples_per_insert(), limits.samples_per_version(),
        spec.steps_per_round(), limits.tolerance()));
  }
  const uint64_t least_staleness = LeastMaxStaleness(limits);
  if (limits.max_staleness() >= least_staleness) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat(
      "%s.max_staleness must be at least %d, the versions that the learner makes while its "
      "balance falls through the tolerance %g, and two; got %d",
      path, least_staleness, limits.tolerance(), limits.max_staleness()));
}

absl::Status CheckSameShape(const v1::TableSpec& existing, const v1::TableSpec& wanted) {
  SR2L_RETURN_IF_ERROR(
      CheckEqual(existing, "num_streams", existing.num_streams(), wanted.num_streams()));
  SR2L_RETURN_IF_ERROR(CheckEqual(existing, "observation_dim", existing.observation_dim(),
                                  wanted.observation_dim()));
  SR2L_RETURN_IF_ERROR(
      CheckEqual(existing, "action_dim", existing.action_dim(), wanted.action_dim()));
  SR2L_RETURN_IF_ERROR(CheckEqual(existing, "steps_per_round", existing.steps_per_round(),
                                  wanted.steps_per_round()));
  SR2L_RETURN_IF_ERROR(CheckEqual(existing, "capacity", existing.capacity(), wanted.capacity()));
  SR2L_RETURN_IF_ERROR(CheckEqual(existing, "steps_per_stream", existing.steps_per_stream(),
                                  wanted.steps_per_stream()));
  return CheckEqual(existing, "limits (1: present)", existing.has_limits() ? 1 : 0,
                    wanted.has_limits() ? 1 : 0);
}

uint64_t RingBytes(const v1::TableSpec& spec) {
  const uint64_t observation_bytes = uint64_t{4} * spec.observation_dim();
  const uint64_t step_bytes = observation_bytes + uint64_t{4} * spec.action_dim() + 4 + 1;
  const uint64_t capacity = TransitionTable::StreamCapacity(spec);
  const uint64_t block_steps = TransitionRing::BlockSteps(capacity);
  const uint64_t steps = TransitionTable::MostStreamSteps(spec) - block_steps;
  const uint64_t blocks = steps / block_steps + 2;
  return spec.num_streams() *
         (steps * step_bytes / 10 * 11 + block_steps * step_bytes + blocks * kFixedBlockBytes +
          observation_bytes + MostTokenBytes(spec));
}

uint64_t MostTokenBytes(const v1::TableSpec& spec) {
  return kTokenBytes + uint64_t{32} * spec.observation_dim();
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
                               const std::vector<uint32_t>& members, absl::string_view round_field,
                               uint64_t round) {
  SR2L_RETURN_IF_ERROR(ValidateExperimentId("experiment_id", experiment_id));
  if (members.empty() || members.size() > kMaxMembers) {
    return absl::InvalidArgumentError(
        absl::StrCat("members must list 1 to ", kMaxMembers, " members, got ", members.size()));
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
