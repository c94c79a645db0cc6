#include "actor/environment/mujoco_call.h"

#include <atomic>
#include <csetjmp>
#include <cstdlib>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"

namespace sr2l {
namespace {

std::atomic<uint64_t> warnings{0};

// Where a fatal error of this thread's running call continues.
struct Landing {
  jmp_buf place;
  char message[1000];
};
thread_local Landing* landing = nullptr;

void CountWarning(const char*) { warnings.fetch_add(1, std::memory_order_relaxed); }

void LeaveCall(const char* message) {
  if (landing == nullptr) {
    SR2L_ERROR("MuJoCo failed outside of any guarded call: {}", message);
    std::abort();
  }
  std::snprintf(landing->message, sizeof(landing->message), "%s", message);
  longjmp(landing->place, 1);
}

void InstallHandlers() {
  static std::once_flag once;
  std::call_once(once, [] {
    mju_user_error = LeaveCall;
    mju_user_warning = CountWarning;
  });
}

}  // namespace

absl::Status CallMujoco(absl::FunctionRef<void()> call) {
  InstallHandlers();
  Landing here;
  Landing* const outer = landing;
  landing = &here;
  const bool returned = setjmp(here.place) == 0;
  if (returned) call();
  landing = outer;
  if (returned) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("MuJoCo: ", here.message));
}

uint64_t MujocoWarnings() { return warnings.load(std::memory_order_relaxed); }

std::string MujocoVersion() { return mj_versionString(); }

}  // namespace sr2l
