#ifndef SR2L_ACTOR_ENVIRONMENT_MUJOCO_CALL_H_
#define SR2L_ACTOR_ENVIRONMENT_MUJOCO_CALL_H_

#include <mujoco/mujoco.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace sr2l {

struct MjDataDeleter {
  void operator()(mjData* simulation) const { mj_deleteData(simulation); }
};
using MjDataPtr = std::unique_ptr<mjData, MjDataDeleter>;

// Runs `call`, which uses MuJoCo. Internal with MuJoCo's message when it raises a fatal
// error (a stack overflow, no memory), which would end the process otherwise; an mjData
// that took part may only be reset or deleted then. `call` is left by longjmp: it must own
// nothing that has a destructor. Thread-safe.
absl::Status CallMujoco(absl::FunctionRef<void()> call);

// Warnings that MuJoCo raised in this process. They are counted instead of written to
// MUJOCO_LOG.TXT. Thread-safe.
uint64_t MujocoWarnings();

// Version of the MuJoCo library in use, such as "2.2.2". Numbers differ among versions.
std::string MujocoVersion();

}  // namespace sr2l

#endif  // SR2L_ACTOR_ENVIRONMENT_MUJOCO_CALL_H_
