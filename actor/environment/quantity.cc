#include "actor/environment/quantity.h"

#include "absl/strings/str_cat.h"

namespace sr2l {

int QuantitySize(const mjModel& model, v1::Quantity quantity) {
  switch (quantity) {
    case v1::QPOS:
    case v1::SIN_QPOS:
    case v1::COS_QPOS:
      return static_cast<int>(model.nq);
    case v1::QVEL:
    case v1::QFRC_ACTUATOR:
    case v1::QFRC_CONSTRAINT:
      return static_cast<int>(model.nv);
    case v1::CFRC_EXT:
    case v1::CVEL:
      return static_cast<int>(model.nbody) * 6;
    case v1::CINERT:
      return static_cast<int>(model.nbody) * 10;
    case v1::ACT:
      return static_cast<int>(model.na);
    case v1::SENSORDATA:
      return static_cast<int>(model.nsensordata);
    case v1::QUANTITY_UNSPECIFIED:
      return 0;
  }
  return 0;
}

const mjtNum* QuantityValues(const mjData& simulation, v1::Quantity quantity) {
  switch (quantity) {
    case v1::QPOS:
    case v1::SIN_QPOS:
    case v1::COS_QPOS:
      return simulation.qpos;
    case v1::QVEL:
      return simulation.qvel;
    case v1::CFRC_EXT:
      return simulation.cfrc_ext;
    case v1::CINERT:
      return simulation.cinert;
    case v1::CVEL:
      return simulation.cvel;
    case v1::QFRC_ACTUATOR:
      return simulation.qfrc_actuator;
    case v1::QFRC_CONSTRAINT:
      return simulation.qfrc_constraint;
    case v1::ACT:
      return simulation.act;
    case v1::SENSORDATA:
      return simulation.sensordata;
    case v1::QUANTITY_UNSPECIFIED:
      return nullptr;
  }
  return nullptr;
}

absl::StatusOr<Slice> MakeSlice(const mjModel& model, v1::Quantity quantity, int first, int count,
                                absl::string_view field) {
  if (quantity == v1::QUANTITY_UNSPECIFIED) {
    return absl::InvalidArgumentError(absl::StrCat(field, ".quantity must be set"));
  }
  const int size = QuantitySize(model, quantity);
  const std::string has =
      absl::StrCat(" (the model has ", size, " coordinates of ", v1::Quantity_Name(quantity), ")");
  if (first < 0 || first >= size) {
    return absl::InvalidArgumentError(
        size == 0 ? absl::StrCat(field, ".quantity is empty", has)
                  : absl::StrCat(field, ".first must be in [0, ", size - 1, "], got ", first, has));
  }
  if (count < 0 || count > size - first) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, ".count must be in [0, ", size - first, "], got ", count, has));
  }
  return Slice{quantity, first, count == 0 ? size - first : count};
}

}  // namespace sr2l
