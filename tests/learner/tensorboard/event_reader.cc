#include "tests/learner/tensorboard/event_reader.h"

#include <cstring>
#include <stdexcept>

namespace sr2l {
namespace {

[[noreturn]] void Fail(const std::string& what, size_t offset) {
  throw std::runtime_error(what + " at byte " + std::to_string(offset));
}

uint32_t BitwiseCrc32c(const std::string& bytes) {
  uint32_t remainder = 0xFFFFFFFF;
  for (const char c : bytes) {
    for (int bit = 0; bit < 8; ++bit) {
      const bool odd = ((remainder ^ (static_cast<unsigned char>(c) >> bit)) & 1) != 0;
      remainder >>= 1;
      if (odd) remainder ^= 0x82F63B78;
    }
  }
  return remainder ^ 0xFFFFFFFF;
}

template <typename Number>
Number Copy(const std::string& bytes, size_t offset) {
  Number number;
  if (offset + sizeof(number) > bytes.size()) Fail("the end of the file", offset);
  std::memcpy(&number, bytes.data() + offset, sizeof(number));
  return number;
}

void CheckChecksum(const std::string& bytes, uint32_t stored, size_t offset) {
  const uint32_t rotated = stored - 0xA282EAD8U;
  if (((rotated >> 17) | (rotated << 15)) != BitwiseCrc32c(bytes)) Fail("a wrong checksum", offset);
}

// The fields of a message, in the order of the wire.
class WireReader {
 public:
  explicit WireReader(std::string bytes) : bytes_(std::move(bytes)) {}

  bool Next() {
    if (offset_ == bytes_.size()) return false;
    const uint64_t key = Varint();
    number_ = static_cast<int>(key >> 3);
    switch (key & 7) {
      case 0: varint_ = Varint(); return true;
      case 1: content_ = Take(8); return true;
      case 2: content_ = Take(Varint()); return true;
      case 5: content_ = Take(4); return true;
      default: Fail("an unknown wire type", offset_);
    }
  }
  int number() const { return number_; }
  uint64_t varint() const { return varint_; }
  const std::string& content() const { return content_; }

 private:
  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(Take(1)[0]);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    Fail("an endless number", offset_);
  }
  std::string Take(uint64_t size) {
    if (size > bytes_.size() - offset_) Fail("a message that is cut short", offset_);
    offset_ += size;
    return bytes_.substr(offset_ - size, size);
  }

  const std::string bytes_;
  size_t offset_ = 0;
  int number_ = 0;
  uint64_t varint_ = 0;
  std::string content_;
};

void ReadValue(const std::string& bytes, ReadEvent& event) {
  std::string tag;
  float value = 0;
  for (WireReader reader(bytes); reader.Next();) {
    if (reader.number() == 1) tag = reader.content();
    if (reader.number() == 2) value = Copy<float>(reader.content(), 0);
  }
  if (!event.scalars.emplace(tag, value).second) throw std::runtime_error(tag + " twice");
}

ReadEvent ReadMessage(const std::string& bytes) {
  ReadEvent event;
  for (WireReader reader(bytes); reader.Next();) {
    if (reader.number() == 1) event.wall_time = Copy<double>(reader.content(), 0);
    if (reader.number() == 2) event.step = static_cast<int64_t>(reader.varint());
    if (reader.number() == 3) event.file_version = reader.content();
    if (reader.number() == 5) {
      for (WireReader values(reader.content()); values.Next();) ReadValue(values.content(), event);
    }
    if (reader.number() == 7) {
      WireReader session(reader.content());
      if (session.Next() && session.number() == 1) {
        event.session_status = static_cast<int>(session.varint());
      }
    }
  }
  return event;
}

}  // namespace

std::vector<ReadEvent> ReadEventFile(const std::string& content) {
  std::vector<ReadEvent> events;
  for (size_t offset = 0; offset < content.size();) {
    const auto length = Copy<uint64_t>(content, offset);
    CheckChecksum(content.substr(offset, 8), Copy<uint32_t>(content, offset + 8), offset);
    if (length > content.size() - offset) Fail("a record that is cut short", offset);
    const std::string bytes = content.substr(offset + 12, length);
    CheckChecksum(bytes, Copy<uint32_t>(content, offset + 12 + length), offset + 12);
    events.push_back(ReadMessage(bytes));
    offset += 16 + length;
  }
  return events;
}

}  // namespace sr2l
