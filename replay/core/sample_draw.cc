#include "replay/core/sample_draw.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "replay/core/validate_table.h"

namespace sr2l {
namespace {

constexpr uint32_t kMostDraws = 10000000;          // of a member in one request
constexpr uint64_t kMostStep = uint64_t{1} << 60;  // keeps sums of steps and of draws exact

template <typename... Parts>
absl::Status Invalid(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

absl::Status CheckBelow(absl::string_view field, uint64_t most, uint64_t value) {
  if (value <= most) return absl::OkStatus();
  return Invalid(field, " must be at most ", most, ", got ", value);
}

}  // namespace

absl::Status ValidateSample(const v1::SampleRequest& request) {
  std::vector<uint32_t> members;
  for (const v1::MemberSample& member : request.members()) members.push_back(member.member());
  SR2L_RETURN_IF_ERROR(ValidateSelection(request.experiment_id(), members, "round", 0));
  for (size_t i = 1; i < members.size(); ++i) {
    if (members[i - 1] < members[i]) continue;
    return Invalid("members[", i, "].member must be above ", members[i - 1],
                   ", the one before: ", "members are ascending; got ", members[i]);
  }
  SR2L_RETURN_IF_ERROR(CheckBelow("up_to_step", kMostStep, request.up_to_step()));
  SR2L_RETURN_IF_ERROR(CheckBelow("first_draw", kMostStep, request.first_draw()));
  SR2L_RETURN_IF_ERROR(CheckBelow("policy_version", kMostStep, request.policy_version()));
  return CheckBelow("num_draws", kMostDraws, request.num_draws());
}

absl::StatusOr<SampleDraw> SampleDraw::Create(const v1::SampleRequest& request, Tables tables) {
  SampleDraw draw(request, std::move(tables));
  for (size_t i = 0; i < draw.tables_.size(); ++i) SR2L_RETURN_IF_ERROR(draw.CheckTable(i));
  for (const auto& table : draw.tables_) {
    if (table->limiter() != nullptr) table->limiter()->SetPolicyVersion(request.policy_version());
  }
  return draw;
}

absl::Status SampleDraw::CheckTable(size_t index) const {
  const v1::TableSpec& spec = tables_[index]->spec();
  const int since_steps = request_->members(static_cast<int>(index)).since_step_size();
  if (!spec.has_capacity()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the table of member ", spec.member(), " of experiment ", spec.experiment_id(),
                     " has no capacity: its rounds are read, not sampled"));
  }
  if (since_steps != 0 && since_steps != static_cast<int>(spec.num_streams())) {
    return Invalid("members[", index, "].since_step must have 0 or num_streams ",
                   spec.num_streams(), " elements, got ", since_steps);
  }
  SR2L_RETURN_IF_ERROR(tables_[index]->CheckIntact());
  if (spec.has_limits()) {
    if (request_->has_released_step()) {
      return Invalid("released_step must be absent: the table of member ", spec.member(),
                     " has limits; got ", request_->released_step());
    }
    if (!request_->has_up_to_step()) return absl::OkStatus();
    return Invalid("up_to_step must be absent: the table of member ", spec.member(),
                   " has limits; got ", request_->up_to_step());
  }
  if (!request_->has_up_to_step() || request_->up_to_step() % spec.steps_per_round() != 0) {
    return Invalid("up_to_step must be a multiple of steps_per_round ", spec.steps_per_round(),
                   ", got ",
                   request_->has_up_to_step() ? absl::StrCat(request_->up_to_step()) : "none");
  }
  if (request_->released_step() > request_->up_to_step()) {
    return Invalid("released_step must be at most up_to_step ", request_->up_to_step(), ", got ",
                   request_->released_step());
  }
  if (request_->up_to_step() > 0 || request_->num_draws() == 0) return absl::OkStatus();
  return Invalid("up_to_step must be at least steps_per_round ", spec.steps_per_round(),
                 " to draw ", request_->num_draws(), " rows, got 0");
}

absl::StatusOr<bool> SampleDraw::Grant(absl::Time now) {
  const std::optional<DrawRange> draw = limited_draw();
  for (const auto& table : tables_) {
    absl::StatusOr<bool> ready = true;
    if (draw.has_value()) {
      ready = table->limiter()->MayDraw(*draw);
    } else if (request_->has_up_to_step() && request_->up_to_step() > 0) {
      ready = table->IsComplete(request_->up_to_step() / table->spec().steps_per_round() - 1);
    }
    if (!ready.ok() || !*ready) return ready;
  }
  counted_rows_ = draw.has_value() ? 0 : uint64_t{request_->num_draws()} * tables_.size();
  if (!draw.has_value()) return true;
  for (const auto& table : tables_) counted_rows_ += table->limiter()->CountDraw(*draw, now);
  return true;
}

std::vector<std::string> SampleDraw::DescribeMissing(absl::Time now) const {
  const std::optional<DrawRange> draw = limited_draw();
  std::vector<std::string> missing;
  for (const auto& table : tables_) {
    if (draw.has_value()) {
      const std::string text = table->limiter()->DescribeDraw(*draw);
      if (!text.empty())
        missing.push_back(absl::StrCat("member ", table->spec().member(), " ", text));
    } else if (request_->has_up_to_step() && request_->up_to_step() > 0) {
      for (std::string& text : table->DescribeBehind(
               request_->up_to_step() / table->spec().steps_per_round() - 1, now)) {
        missing.push_back(std::move(text));
      }
    }
  }
  return missing;
}

std::vector<uint32_t> SampleDraw::members() const {
  std::vector<uint32_t> members;
  for (const auto& table : tables_) members.push_back(table->spec().member());
  return members;
}

std::optional<DrawRange> SampleDraw::limited_draw() const {
  if (request_->has_up_to_step() || request_->num_draws() == 0) return std::nullopt;
  return DrawRange{.first = request_->first_draw(), .count = request_->num_draws()};
}

}  // namespace sr2l
