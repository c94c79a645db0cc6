#ifndef SR2L_COMMON_CONFIG_DEFAULTS_H_
#define SR2L_COMMON_CONFIG_DEFAULTS_H_

#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// Writes out every default that applies to `config`, also where it is the absence of a
// message, and names that follow from other fields. A task with `builtin` set stays as it
// is, because what is unset in it comes from the built-in task. Idempotent.
void WriteDefaults(v1::ExperimentConfig& config);

}  // namespace sr2l

#endif  // SR2L_COMMON_CONFIG_DEFAULTS_H_
