#include "tests/common/wire_reader.h"

namespace sr2l {

bool WireReader::Next() {
  if (offset_ == bytes_.size()) return false;
  const uint64_t key = Varint();
  number_ = static_cast<int>(key >> 3);
  switch (key & 7) {
    case 0:
      varint_ = Varint();
      return true;
    case 1:
      content_ = Take(8);
      return true;
    case 2:
      content_ = Take(Varint());
      return true;
    case 5:
      content_ = Take(4);
      return true;
    default:
      throw std::runtime_error("an unknown wire type at byte " + std::to_string(offset_));
  }
}

uint64_t WireReader::Varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(Take(1)[0]);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  throw std::runtime_error("an endless number at byte " + std::to_string(offset_));
}

std::string WireReader::Take(uint64_t size) {
  if (size > bytes_.size() - offset_) {
    throw std::runtime_error("a message that is cut short at byte " + std::to_string(offset_));
  }
  offset_ += size;
  return bytes_.substr(offset_ - size, size);
}

}  // namespace sr2l
