#ifndef SR2L_DEPLOY_CLI_THIS_PROGRAM_H_
#define SR2L_DEPLOY_CLI_THIS_PROGRAM_H_

#include <string>

#include "absl/status/statusor.h"

namespace sr2l {

// Where the command lies, and the programs that it starts beside it.
absl::StatusOr<std::string> FolderOfThisProgram();

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_THIS_PROGRAM_H_
