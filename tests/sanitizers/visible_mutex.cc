// Shows ThreadSanitizer what Abseil's mutexes order, in programs whose libabsl was compiled
// without it, as a distribution's is. These definitions come before those of the shared
// library, for our code, for gRPC and for Abseil itself; each calls the library's own.
// Between a pre_ and its post_ ThreadSanitizer looks away: conditions that the library
// evaluates there are not checked.
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"

namespace {

// The definition that comes after the one at `address`.
void* NextDefinition(const void* address) {
  Dl_info info;
  void* next = nullptr;
  if (dladdr(address, &info) != 0 && info.dli_sname != nullptr) {
    next = dlsym(RTLD_NEXT, info.dli_sname);
  }
  if (next == nullptr) {
    std::fputs("no shared library has Abseil's synchronization\n", stderr);
    std::abort();
  }
  return next;
}

template <auto kMember, typename Result, typename Class, typename... Arguments>
Result CallNext(Class* self, Arguments... arguments) {
  static const auto next = [] {
    // A pointer to a function that is not virtual begins with its address.
    const auto member = kMember;
    const void* address = nullptr;
    std::memcpy(&address, &member, sizeof(address));
    return reinterpret_cast<Result (*)(Class*, Arguments...)>(NextDefinition(address));
  }();
  return next(self, arguments...);
}

// Calls the next definition of a member function.
template <auto kMember>
struct Next;

template <typename Class, typename Result, typename... Arguments,
          Result (Class::*kMember)(Arguments...)>
struct Next<kMember> {
  static Result Call(Class* self, Arguments... arguments) {
    return CallNext<kMember, Result, Class, Arguments...>(self, arguments...);
  }
};

template <typename Class, typename Result, typename... Arguments,
          Result (Class::*kMember)(Arguments...) const>
struct Next<kMember> {
  static Result Call(const Class* self, Arguments... arguments) {
    return CallNext<kMember, Result, const Class, Arguments...>(self, arguments...);
  }
};

// Abseil's own mark for a mutex that a writer holds.
constexpr intptr_t kHeldByWriter = 0x0008;

unsigned HeldAs(const absl::Mutex* mutex) {
  const auto* state = reinterpret_cast<const std::atomic<intptr_t>*>(mutex);
  const bool by_writer = (state->load(std::memory_order_relaxed) & kHeldByWriter) != 0;
  return by_writer ? 0 : __tsan_mutex_read_lock;
}

// A wait in which the mutex is free.
class Away {
 public:
  explicit Away(absl::Mutex* mutex) : mutex_(mutex), held_as_(HeldAs(mutex)) {
    __tsan_mutex_pre_unlock(mutex_, held_as_);
    __tsan_mutex_post_unlock(mutex_, held_as_);
    __tsan_mutex_pre_lock(mutex_, held_as_);
  }
  ~Away() { __tsan_mutex_post_lock(mutex_, held_as_, 0); }
  Away(const Away&) = delete;
  Away& operator=(const Away&) = delete;

 private:
  absl::Mutex* const mutex_;
  const unsigned held_as_;
};

class Locking {
 public:
  Locking(absl::Mutex* mutex, unsigned how) : mutex_(mutex), how_(how) {
    __tsan_mutex_pre_lock(mutex_, how_);
  }
  ~Locking() { __tsan_mutex_post_lock(mutex_, how_, 0); }
  Locking(const Locking&) = delete;
  Locking& operator=(const Locking&) = delete;

  bool Tried(bool locked) {
    how_ |= __tsan_mutex_try_lock;
    if (!locked) how_ |= __tsan_mutex_try_lock_failed;
    return locked;
  }

 private:
  absl::Mutex* const mutex_;
  unsigned how_;
};

class Unlocking {
 public:
  Unlocking(absl::Mutex* mutex, unsigned how) : mutex_(mutex), how_(how) {
    __tsan_mutex_pre_unlock(mutex_, how_);
  }
  ~Unlocking() { __tsan_mutex_post_unlock(mutex_, how_); }
  Unlocking(const Unlocking&) = delete;
  Unlocking& operator=(const Unlocking&) = delete;

 private:
  absl::Mutex* const mutex_;
  const unsigned how_;
};

constexpr unsigned kWriter = 0;
constexpr unsigned kReader = __tsan_mutex_read_lock;

// What Notify orders; where HasBeenNotified looks.
char* NotifiedOf(const absl::Notification* notification) {
  return reinterpret_cast<char*>(const_cast<absl::Notification*>(notification)) +
         sizeof(absl::Mutex);
}

}  // namespace

namespace absl {
ABSL_NAMESPACE_BEGIN

void Mutex::Lock() {
  Locking locking(this, kWriter);
  Next<&Mutex::Lock>::Call(this);
}

void Mutex::Unlock() {
  Unlocking unlocking(this, kWriter);
  Next<&Mutex::Unlock>::Call(this);
}

bool Mutex::TryLock() {
  Locking locking(this, kWriter | __tsan_mutex_try_lock);
  return locking.Tried(Next<&Mutex::TryLock>::Call(this));
}

void Mutex::ReaderLock() {
  Locking locking(this, kReader);
  Next<&Mutex::ReaderLock>::Call(this);
}

void Mutex::ReaderUnlock() {
  Unlocking unlocking(this, kReader);
  Next<&Mutex::ReaderUnlock>::Call(this);
}

bool Mutex::ReaderTryLock() {
  Locking locking(this, kReader | __tsan_mutex_try_lock);
  return locking.Tried(Next<&Mutex::ReaderTryLock>::Call(this));
}

void Mutex::Await(const Condition& condition) {
  Away away(this);
  Next<&Mutex::Await>::Call(this, condition);
}

bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  Away away(this);
  return Next<&Mutex::AwaitWithDeadline>::Call(this, condition, deadline);
}

bool Mutex::AwaitWithTimeout(const Condition& condition, Duration timeout) {
  return AwaitWithDeadline(condition, Now() + timeout);
}

void Mutex::LockWhen(const Condition& condition) {
  Locking locking(this, kWriter);
  Next<&Mutex::LockWhen>::Call(this, condition);
}

bool Mutex::LockWhenWithDeadline(const Condition& condition, Time deadline) {
  Locking locking(this, kWriter);
  return Next<&Mutex::LockWhenWithDeadline>::Call(this, condition, deadline);
}

bool Mutex::LockWhenWithTimeout(const Condition& condition, Duration timeout) {
  return LockWhenWithDeadline(condition, Now() + timeout);
}

void Mutex::ReaderLockWhen(const Condition& condition) {
  Locking locking(this, kReader);
  Next<&Mutex::ReaderLockWhen>::Call(this, condition);
}

bool Mutex::ReaderLockWhenWithDeadline(const Condition& condition, Time deadline) {
  Locking locking(this, kReader);
  return Next<&Mutex::ReaderLockWhenWithDeadline>::Call(this, condition, deadline);
}

bool Mutex::ReaderLockWhenWithTimeout(const Condition& condition, Duration timeout) {
  return ReaderLockWhenWithDeadline(condition, Now() + timeout);
}

void CondVar::Wait(Mutex* mutex) {
  Away away(mutex);
  Next<&CondVar::Wait>::Call(this, mutex);
}

bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  Away away(mutex);
  return Next<&CondVar::WaitWithDeadline>::Call(this, mutex, deadline);
}

bool CondVar::WaitWithTimeout(Mutex* mutex, Duration timeout) {
  return WaitWithDeadline(mutex, Now() + timeout);
}

void Notification::Notify() {
  __tsan_release(NotifiedOf(this));
  Next<&Notification::Notify>::Call(this);
}

void Notification::WaitForNotification() const {
  Next<&Notification::WaitForNotification>::Call(this);
  __tsan_acquire(NotifiedOf(this));
}

bool Notification::WaitForNotificationWithDeadline(Time deadline) const {
  const bool notified = Next<&Notification::WaitForNotificationWithDeadline>::Call(this, deadline);
  if (notified) __tsan_acquire(NotifiedOf(this));
  return notified;
}

bool Notification::WaitForNotificationWithTimeout(Duration timeout) const {
  return WaitForNotificationWithDeadline(Now() + timeout);
}

ABSL_NAMESPACE_END
}  // namespace absl
