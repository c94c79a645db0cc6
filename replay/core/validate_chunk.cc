#include "replay/core/validate_chunk.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/chunk/chunk_format.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

template <typename... Parts>
absl::Status Invalid(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat("chunk.", parts...));
}

absl::Status CheckSteps(const v1::TableSpec& spec, const v1::Chunk& chunk) {
  if (chunk.key().stream() >= spec.num_streams()) {
    return Invalid("key.stream must be below num_streams ", spec.num_streams(), ", got ",
                   chunk.key().stream());
  }
  const uint64_t limit = spec.steps_per_round();
  const uint64_t steps = chunk.num_steps();
  if (steps < 1 || steps > limit) {
    return Invalid("num_steps must be in [1, ", limit, "], got ", steps);
  }
  const uint64_t round = chunk.first_step() / limit;
  const uint64_t offset = chunk.first_step() % limit;
  if (offset + steps > limit) {
    return Invalid("num_steps must be at most ", limit - offset, " at first_step ",
                   chunk.first_step(), ", or the chunk crosses a round of ", limit,
                   " steps; got ", steps);
  }
  if (!spec.has_limits() && chunk.policy_version() != round) {
    return Invalid("policy_version must be the round ", round, " of first_step ",
                   chunk.first_step(), ", got ", chunk.policy_version());
  }
  return absl::OkStatus();
}

absl::Status CheckBytes(absl::string_view field, const std::string& column, uint64_t expected,
                        absl::string_view shape) {
  if (column.size() == expected) return absl::OkStatus();
  return Invalid(field, " must have ", expected, " bytes, ", shape, "; got ", column.size());
}

// The number of steps with a flag set. `flags` [T].
uint64_t CountFlagged(const std::string& flags) {
  return flags.size() - std::count(flags.begin(), flags.end(), '\0');
}

absl::Status CheckColumnBytes(const v1::Chunk& chunk) {
  const size_t bytes = chunk.observations().size() + chunk.actions().size() +
                       chunk.rewards().size() + chunk.flags().size() +
                       chunk.final_observations().size();
  if (bytes <= kMaxChunkColumnBytes) return absl::OkStatus();
  return Invalid("observations, actions, rewards, flags and final_observations must have at most ",
                 kMaxChunkColumnBytes, " bytes together, got ", bytes);
}

absl::Status CheckSizes(const v1::TableSpec& spec, const v1::Chunk& chunk) {
  const uint64_t steps = chunk.num_steps();
  const uint64_t row = uint64_t{4} * spec.observation_dim();
  SR2L_RETURN_IF_ERROR(CheckBytes("observations", chunk.observations(), (steps + 1) * row,
                                  "(num_steps + 1) x observation_dim float32"));
  SR2L_RETURN_IF_ERROR(CheckBytes("actions", chunk.actions(), steps * 4 * spec.action_dim(),
                                  "num_steps x action_dim float32"));
  SR2L_RETURN_IF_ERROR(
      CheckBytes("rewards", chunk.rewards(), steps * 4, "num_steps float32"));
  SR2L_RETURN_IF_ERROR(CheckBytes("flags", chunk.flags(), steps, "num_steps"));
  const uint64_t ends = CountFlagged(chunk.flags());
  SR2L_RETURN_IF_ERROR(CheckBytes("final_observations", chunk.final_observations(),
                                  ends * row, "observation_dim float32 per step with a flag"));
  if (static_cast<uint64_t>(chunk.episodes_size()) != ends) {
    return Invalid("episodes must have ", ends, " elements, one per step with a flag; got ",
                   chunk.episodes_size());
  }
  return absl::OkStatus();
}

// The summary of the episode that ends in step `offset` and began in step `begin` of the
// chunk, `steps_before` of its steps lying before the chunk.
absl::Status CheckEpisode(const v1::Chunk& chunk, int index, uint64_t offset, uint64_t begin,
                          uint64_t steps_before) {
  const v1::EpisodeSummary& episode = chunk.episodes(index);
  if (episode.offset() != offset) {
    return Invalid("episodes[", index, "].offset must be ", offset,
                   ", the step with flag number ", index, "; got ", episode.offset());
  }
  const uint64_t length = offset + 1 - begin + steps_before;
  if (episode.length() != length) {
    return Invalid("episodes[", index, "].length must be ", length, " steps, got ",
                   episode.length());
  }
  if (!std::isfinite(episode.return_())) {
    return Invalid("episodes[", index, "].return must be finite, got ", episode.return_());
  }
  if (episode.diverged() && !(chunk.flags()[offset] & kTerminatedFlag)) {
    return Invalid("episodes[", index, "].diverged must be false where flags[", offset,
                   "] has no bit 0, got true");
  }
  return absl::OkStatus();
}

absl::Status CheckEpisodes(const v1::Chunk& chunk) {
  const std::string& flags = chunk.flags();
  uint64_t begin = 0;
  uint64_t steps_before = chunk.first_episode_step();
  int index = 0;
  for (uint64_t offset = 0; offset < flags.size(); ++offset) {
    const uint8_t flag = static_cast<uint8_t>(flags[offset]);
    if (flag == 0) continue;
    if ((flag & ~(kTerminatedFlag | kTruncatedFlag)) != 0) {
      return Invalid("flags[", offset, "] must be in [0, 3], got ", flag);
    }
    SR2L_RETURN_IF_ERROR(CheckEpisode(chunk, index++, offset, begin, steps_before));
    begin = offset + 1;
    steps_before = 0;
  }
  return absl::OkStatus();
}

// 1 for NaN and infinities: all bits of the exponent are set.
uint32_t NonFinite(const char* number) {
  constexpr uint32_t kExponent = 0x7f800000;
  uint32_t bits;
  std::memcpy(&bits, number, sizeof(bits));
  return (bits & kExponent) == kExponent ? 1 : 0;
}

absl::Status CheckFinite(absl::string_view field, const std::string& column) {
  constexpr size_t kBlock = 32;  // a constant length, so that the loop becomes vector code
  const size_t count = column.size() / 4;
  size_t index = 0;
  for (; index + kBlock <= count; index += kBlock) {
    uint32_t found = 0;
    for (size_t i = 0; i < kBlock; ++i) found |= NonFinite(&column[4 * (index + i)]);
    if (found != 0) break;
  }
  while (index < count && NonFinite(&column[4 * index]) == 0) ++index;
  if (index == count) return absl::OkStatus();
  float value;
  std::memcpy(&value, &column[4 * index], sizeof(value));
  return Invalid(field, "[", index, "] must be finite, got ", value);
}

}  // namespace

absl::Status ValidateChunk(const v1::TableSpec& spec, const v1::Chunk& chunk) {
  SR2L_RETURN_IF_ERROR(CheckSteps(spec, chunk));
  SR2L_RETURN_IF_ERROR(CheckColumnBytes(chunk));
  SR2L_RETURN_IF_ERROR(CheckSizes(spec, chunk));
  SR2L_RETURN_IF_ERROR(CheckEpisodes(chunk));
  SR2L_RETURN_IF_ERROR(CheckFinite("observations", chunk.observations()));
  SR2L_RETURN_IF_ERROR(CheckFinite("actions", chunk.actions()));
  SR2L_RETURN_IF_ERROR(CheckFinite("rewards", chunk.rewards()));
  SR2L_RETURN_IF_ERROR(CheckFinite("final_observations", chunk.final_observations()));
  const size_t token_bytes = chunk.resume_token().size();
  if (token_bytes < 1 || token_bytes > kMaxTokenBytes) {
    return Invalid("resume_token must have 1 to ", kMaxTokenBytes, " bytes, got ", token_bytes);
  }
  return absl::OkStatus();
}

}  // namespace sr2l
