#ifndef SR2L_LEARNER_TENSORBOARD_RECORD_FILE_H_
#define SR2L_LEARNER_TENSORBOARD_RECORD_FILE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sr2l {

// A TFRecord file is a sequence of records, little-endian:
//   uint64 length, uint32 masked CRC-32C of it, the bytes, uint32 masked CRC-32C of them.

// `bytes` as a record, to be appended to a file.
std::string FrameRecord(absl::string_view bytes);

// The bytes of a file's records, which borrow from `content`. Ends before the first record
// that is cut short or does not match its checksums: a writer may have been killed in it.
std::vector<absl::string_view> ReadRecords(absl::string_view content);

}  // namespace sr2l

#endif  // SR2L_LEARNER_TENSORBOARD_RECORD_FILE_H_
