#ifndef SR2L_DEPLOY_PLAY_SHARED_LIBRARY_H_
#define SR2L_DEPLOY_PLAY_SHARED_LIBRARY_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace sr2l {

// A shared library of the system, loaded while the program runs. Its names are visible to
// the libraries that are loaded already, as MuJoCo's search for OpenGL wants it.
class SharedLibrary {
 public:
  // NotFound with the loader's reason.
  static absl::StatusOr<SharedLibrary> Open(const std::string& name);

  SharedLibrary(SharedLibrary&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  SharedLibrary& operator=(SharedLibrary&&) = delete;
  ~SharedLibrary();

  // nullptr when it has no function of that name.
  template <typename Function>
  Function* Find(const char* name) const {
    return reinterpret_cast<Function*>(Symbol(name));
  }

  // Until the process ends, for what keeps addresses of its functions.
  void KeepLoaded() { handle_ = nullptr; }

 private:
  explicit SharedLibrary(void* handle) : handle_(handle) {}

  void* Symbol(const char* name) const;

  void* handle_;
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_PLAY_SHARED_LIBRARY_H_
