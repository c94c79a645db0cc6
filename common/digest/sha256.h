#ifndef SR2L_COMMON_DIGEST_SHA256_H_
#define SR2L_COMMON_DIGEST_SHA256_H_

#include <string>

#include "absl/strings/string_view.h"

namespace sr2l {

// SHA-256 of `bytes`, as 64 lower-case hexadecimal digits.
std::string Sha256Hex(absl::string_view bytes);

}  // namespace sr2l

#endif  // SR2L_COMMON_DIGEST_SHA256_H_
