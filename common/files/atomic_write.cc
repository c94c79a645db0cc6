#include "common/files/atomic_write.h"

#include <errno.h>
#include <string.h>

#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace sr2l {
namespace {

absl::Status CannotWrite(const std::string& path) {
  return absl::UnavailableError(absl::StrCat("cannot write ", path, ": ", strerror(errno)));
}

}  // namespace

absl::Status WriteFileAtomically(const std::string& path, absl::string_view content) {
  const std::string temporary = path + ".tmp";
  {
    std::ofstream file(temporary, std::ios::binary);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    if (!file.flush()) return CannotWrite(temporary);
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return CannotWrite(path);
  return absl::OkStatus();
}

}  // namespace sr2l
