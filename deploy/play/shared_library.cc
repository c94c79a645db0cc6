#include "deploy/play/shared_library.h"

#include <dlfcn.h>

namespace sr2l {

absl::StatusOr<SharedLibrary> SharedLibrary::Open(const std::string& name) {
  // Drivers keep threads and their data, which no unloading ends.
  void* const handle = dlopen(name.c_str(), RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
  if (handle == nullptr) return absl::NotFoundError(dlerror());
  return SharedLibrary(handle);
}

SharedLibrary::~SharedLibrary() {
  if (handle_ != nullptr) dlclose(handle_);
}

void* SharedLibrary::Symbol(const char* name) const { return dlsym(handle_, name); }

}  // namespace sr2l
