#include "actor/environment/observer.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

double Transform(v1::Quantity quantity, double value) {
  if (quantity == v1::SIN_QPOS) return std::sin(value);
  if (quantity == v1::COS_QPOS) return std::cos(value);
  return value;
}

}  // namespace

absl::StatusOr<Observer> Observer::Create(const v1::TaskConfig& task, const mjModel& model) {
  Observer observer;
  for (int i = 0; i < task.observation_size(); ++i) {
    const v1::ObservationTerm& config = task.observation(i);
    const std::string field = absl::StrCat("task.observation[", i, "]");
    Term term;
    SR2L_ASSIGN_OR_RETURN(
        term.slice, MakeSlice(model, config.quantity(), config.first(), config.count(), field));
    if (!(config.clip() >= 0)) {
      return absl::InvalidArgumentError(
          absl::StrCat(field, ".clip must be >= 0, got ", config.clip()));
    }
    term.clip = config.clip();
    if (config.quantity() == v1::CFRC_EXT) {
      if (task.contact_forces() == v1::OFF) continue;
      term.zero = task.contact_forces() == v1::ZERO;
      observer.sees_contact_forces_ |= !term.zero;
    }
    observer.dim_ += term.slice.count;
    observer.terms_.push_back(term);
  }
  if (observer.dim_ == 0 || observer.dim_ != task.observation_dim()) {
    return absl::InvalidArgumentError(
        absl::StrCat("task.observation_dim is ", task.observation_dim(),
                     ", but with this model the terms of task.observation add up to ",
                     observer.dim_, ", and at least 1 is needed"));
  }
  return observer;
}

bool Observer::Observe(const mjData& simulation, float* observation) const {
  bool finite = true;
  for (const Term& term : terms_) {
    if (term.zero) {
      observation = std::fill_n(observation, term.slice.count, 0.0f);
      continue;
    }
    const mjtNum* values = QuantityValues(simulation, term.slice.quantity) + term.slice.first;
    for (int i = 0; i < term.slice.count; ++i) {
      double value = Transform(term.slice.quantity, values[i]);
      if (term.clip > 0) value = std::clamp(value, -term.clip, term.clip);
      *observation = static_cast<float>(value);
      finite &= std::isfinite(*observation);
      ++observation;
    }
  }
  return finite;
}

}  // namespace sr2l
