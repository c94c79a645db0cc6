#include "learner/tensorboard/record_file.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "common/digest/crc32c.h"

namespace sr2l {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr size_t kChecksumBytes = 4;

std::string LittleEndian(uint64_t number, size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(number >> (8 * i)));
  return bytes;
}

uint64_t ReadLittleEndian(absl::string_view bytes) {
  uint64_t number = 0;
  for (size_t i = bytes.size(); i-- > 0;) {
    number = (number << 8) | static_cast<unsigned char>(bytes[i]);
  }
  return number;
}

// Of a checksum that is itself stored in what checksums may cover.
uint32_t Masked(uint32_t checksum) { return ((checksum >> 15) | (checksum << 17)) + 0xA282EAD8U; }

std::string ChecksumOf(absl::string_view bytes) {
  return LittleEndian(Masked(Crc32c(bytes)), kChecksumBytes);
}

}  // namespace

std::string FrameRecord(absl::string_view bytes) {
  const std::string length = LittleEndian(bytes.size(), kLengthBytes);
  return absl::StrCat(length, ChecksumOf(length), bytes, ChecksumOf(bytes));
}

std::vector<absl::string_view> ReadRecords(absl::string_view content) {
  std::vector<absl::string_view> records;
  constexpr size_t kHeadBytes = kLengthBytes + kChecksumBytes;
  while (content.size() >= kHeadBytes + kChecksumBytes) {
    const absl::string_view length_bytes = content.substr(0, kLengthBytes);
    const uint64_t length = ReadLittleEndian(length_bytes);
    if (content.substr(kLengthBytes, kChecksumBytes) != ChecksumOf(length_bytes)) break;
    if (length > content.size() - kHeadBytes - kChecksumBytes) break;
    const absl::string_view bytes = content.substr(kHeadBytes, length);
    if (content.substr(kHeadBytes + length, kChecksumBytes) != ChecksumOf(bytes)) break;
    records.push_back(bytes);
    content.remove_prefix(kHeadBytes + length + kChecksumBytes);
  }
  return records;
}

}  // namespace sr2l
