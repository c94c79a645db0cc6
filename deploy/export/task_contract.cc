#include "deploy/export/task_contract.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

std::string NameOf(const mjModel& model, mjtObj type, const char* kind, int index) {
  const char* name = mj_id2name(&model, type, index);
  return name != nullptr && *name != '\0' ? name : absl::StrCat(kind, " ", index);
}

std::string JointName(const mjModel& model, int joint) {
  return NameOf(model, mjOBJ_JOINT, "joint", joint);
}

// The actuator's control of 1, where force is gear times control.
std::string UnitOf(const mjModel& model, int actuator) {
  const bool is_joint = model.actuator_trntype[actuator] == mjTRN_JOINT;
  const bool is_motor = is_joint && model.actuator_gaintype[actuator] == mjGAIN_FIXED &&
                        model.actuator_biastype[actuator] == mjBIAS_NONE &&
                        model.actuator_dyntype[actuator] == mjDYN_NONE;
  if (!is_motor) return "control";
  const int joint = model.actuator_trnid[2 * actuator];
  const int type = model.jnt_type[joint];
  if (type != mjJNT_SLIDE && type != mjJNT_HINGE) return "control";
  const double force =
      model.actuator_gainprm[mjNGAIN * actuator] * model.actuator_gear[6 * actuator];
  return absl::StrCat(force, type == mjJNT_SLIDE ? " N" : " N m");
}

absl::Status DescribeObservation(const v1::TaskConfig& task, const mjModel& model,
                                 exported::Contract& contract) {
  int begin = 0;
  for (int i = 0; i < task.observation_size(); ++i) {
    const v1::ObservationTerm& term = task.observation(i);
    const bool is_contact = term.quantity() == v1::CFRC_EXT;
    if (is_contact && task.contact_forces() == v1::OFF) continue;
    SR2L_ASSIGN_OR_RETURN(const Slice slice,
                          MakeSlice(model, term.quantity(), term.first(), term.count(),
                                    absl::StrCat("task.observation[", i, "]")));
    exported::Observation& described = *contract.add_observation();
    described.set_quantity(v1::Quantity_Name(term.quantity()));
    described.set_begin(begin);
    described.set_end(begin += slice.count);
    if (term.clip() > 0) described.set_clip(term.clip());
    if (is_contact && task.contact_forces() == v1::ZERO) described.set_zero(true);
    for (exported::Coordinate& coordinate : DescribeCoordinates(model, slice)) {
      *described.add_coordinate() = std::move(coordinate);
    }
  }
  contract.set_observation_dim(begin);
  return absl::OkStatus();
}

void DescribeActions(const CompiledTask& compiled, exported::Contract& contract) {
  const mjModel& model = compiled.model();
  const int actions = compiled.action_map().dim();
  std::vector<mjtNum> low(actions);
  std::vector<mjtNum> high(actions);
  compiled.action_map().Apply(std::vector<float>(actions, -1).data(), low.data());
  compiled.action_map().Apply(std::vector<float>(actions, 1).data(), high.data());
  for (int i = 0; i < actions; ++i) {
    exported::Action& action = *contract.add_action();
    action.set_name(NameOf(model, mjOBJ_ACTUATOR, "actuator", i));
    if (model.actuator_trntype[i] == mjTRN_JOINT) {
      action.set_target(JointName(model, model.actuator_trnid[2 * i]));
    }
    action.set_low(low[i]);
    action.set_high(high[i]);
    action.set_unit(UnitOf(model, i));
  }
  contract.set_action_dim(actions);
}

struct Suffix {
  const char* text;
  const char* unit;
};

// Of the coordinates of a joint in qpos.
std::vector<Suffix> PositionsOf(int joint_type) {
  std::vector<Suffix> quaternion = {{" w", "1"}, {" x", "1"}, {" y", "1"}, {" z", "1"}};
  switch (joint_type) {
    case mjJNT_SLIDE:
      return {{"", "m"}};
    case mjJNT_HINGE:
      return {{"", "rad"}};
    case mjJNT_BALL:
      return quaternion;
    default:  // free
      return {{" position x", "m"}, {" position y", "m"}, {" position z", "m"}, {" w", "1"},
              {" x", "1"},          {" y", "1"},          {" z", "1"}};
  }
}

// Of its coordinates in qvel, or of forces along them.
std::vector<Suffix> VelocitiesOf(int joint_type, const char* linear, const char* angular) {
  switch (joint_type) {
    case mjJNT_SLIDE:
      return {{"", linear}};
    case mjJNT_HINGE:
      return {{"", angular}};
    case mjJNT_BALL:
      return {{" x", angular}, {" y", angular}, {" z", angular}};
    default:
      return {{" linear x", linear},   {" linear y", linear},   {" linear z", linear},
              {" angular x", angular}, {" angular y", angular}, {" angular z", angular}};
  }
}

exported::Coordinate MakeCoordinate(const std::string& name, const char* unit) {
  exported::Coordinate coordinate;
  coordinate.set_name(name);
  coordinate.set_unit(unit);
  return coordinate;
}

// All coordinates of a quantity that has some for each joint.
template <typename SuffixesOf>
std::vector<exported::Coordinate> PerJoint(const mjModel& model, SuffixesOf suffixes_of) {
  std::vector<exported::Coordinate> all;
  for (int joint = 0; joint < model.njnt; ++joint) {
    for (const Suffix& suffix : suffixes_of(model.jnt_type[joint])) {
      all.push_back(MakeCoordinate(JointName(model, joint) + suffix.text, suffix.unit));
    }
  }
  return all;
}

// All coordinates of a quantity that has the same ones for each body.
std::vector<exported::Coordinate> PerBody(const mjModel& model,
                                          const std::vector<Suffix>& suffixes) {
  std::vector<exported::Coordinate> all;
  for (int body = 0; body < model.nbody; ++body) {
    const std::string name = NameOf(model, mjOBJ_BODY, "body", body);
    for (const Suffix& suffix : suffixes) {
      all.push_back(MakeCoordinate(name + suffix.text, suffix.unit));
    }
  }
  return all;
}

std::vector<exported::Coordinate> PerSensor(const mjModel& model) {
  std::vector<exported::Coordinate> all;
  for (int sensor = 0; sensor < model.nsensor; ++sensor) {
    for (int i = 0; i < model.sensor_dim[sensor]; ++i) {
      all.push_back(MakeCoordinate(
          absl::StrCat(NameOf(model, mjOBJ_SENSOR, "sensor", sensor), " ", i), "of the sensor"));
    }
  }
  return all;
}

// Of bodies in the order of MuJoCo's spatial vectors: rotation first.
std::vector<Suffix> Spatial(const char* angular, const char* linear) {
  return {{" angular x", angular}, {" angular y", angular}, {" angular z", angular},
          {" linear x", linear},   {" linear y", linear},   {" linear z", linear}};
}

std::vector<exported::Coordinate> AllCoordinates(const mjModel& model, v1::Quantity quantity) {
  switch (quantity) {
    case v1::QPOS:
      return PerJoint(model, PositionsOf);
    case v1::SIN_QPOS:
    case v1::COS_QPOS: {
      std::vector<exported::Coordinate> all = PerJoint(model, PositionsOf);
      for (exported::Coordinate& coordinate : all) coordinate.set_unit("1");
      return all;
    }
    case v1::QVEL:
      return PerJoint(model, [](int type) { return VelocitiesOf(type, "m/s", "rad/s"); });
    case v1::QFRC_ACTUATOR:
    case v1::QFRC_CONSTRAINT:
      return PerJoint(model, [](int type) { return VelocitiesOf(type, "N", "N m"); });
    case v1::CFRC_EXT:
      return PerBody(model, Spatial("N m", "N"));
    case v1::CVEL:
      return PerBody(model, Spatial("rad/s", "m/s"));
    case v1::CINERT:
      return PerBody(model, {{" inertia xx", "kg m^2"},
                             {" inertia yy", "kg m^2"},
                             {" inertia zz", "kg m^2"},
                             {" inertia xy", "kg m^2"},
                             {" inertia xz", "kg m^2"},
                             {" inertia yz", "kg m^2"},
                             {" mass x", "kg m"},
                             {" mass y", "kg m"},
                             {" mass z", "kg m"},
                             {" mass", "kg"}});
    case v1::SENSORDATA:
      return PerSensor(model);
    default:
      return {};
  }
}

}  // namespace

std::vector<exported::Coordinate> DescribeCoordinates(const mjModel& model, const Slice& slice) {
  std::vector<exported::Coordinate> all = AllCoordinates(model, slice.quantity);
  std::vector<exported::Coordinate> described;
  for (int i = slice.first; i < slice.first + slice.count; ++i) {
    // Activations: how they belong to actuators differs between releases of MuJoCo.
    described.push_back(
        i < static_cast<int>(all.size())
            ? all[i]
            : MakeCoordinate(
                  absl::StrCat(absl::AsciiStrToLower(v1::Quantity_Name(slice.quantity)), " ", i),
                  "1"));
  }
  return described;
}

absl::Status DescribeTask(const v1::TaskConfig& task, const CompiledTask& compiled,
                          exported::Contract& contract) {
  contract.set_task(task.name());
  contract.set_control_rate_hz(1 / (compiled.model().opt.timestep * compiled.frame_skip()));
  SR2L_RETURN_IF_ERROR(DescribeObservation(task, compiled.model(), contract));
  DescribeActions(compiled, contract);
  return absl::OkStatus();
}

}  // namespace sr2l
