#ifndef SR2L_COMMON_DIGEST_CRC32C_H_
#define SR2L_COMMON_DIGEST_CRC32C_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace sr2l {

// CRC-32C (Castagnoli) of `bytes`, as iSCSI and TFRecord files have it. For small things:
// a byte at a time.
uint32_t Crc32c(absl::string_view bytes);

// The same of something that goes on with `bytes`, where `crc` is that of what came before.
uint32_t ExtendCrc32c(uint32_t crc, absl::string_view bytes);

}  // namespace sr2l

#endif  // SR2L_COMMON_DIGEST_CRC32C_H_
