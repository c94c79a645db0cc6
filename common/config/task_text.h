#ifndef SR2L_COMMON_CONFIG_TASK_TEXT_H_
#define SR2L_COMMON_CONFIG_TASK_TEXT_H_

#include "sr2l/v1/task.pb.h"

namespace sr2l {

// `task` as text holds it, without files. One that was resolved from a built-in task names it
// again, so that the text still stands for the same task; any other needs its files beside it.
v1::TaskConfig TaskInText(const v1::TaskConfig& task);

}  // namespace sr2l

#endif  // SR2L_COMMON_CONFIG_TASK_TEXT_H_
