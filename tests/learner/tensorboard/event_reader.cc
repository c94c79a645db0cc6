#include "tests/learner/tensorboard/event_reader.h"

#include <stdexcept>

#include "tests/common/wire_reader.h"

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

void CheckChecksum(const std::string& bytes, uint32_t stored, size_t offset) {
  const uint32_t rotated = stored - 0xA282EAD8U;
  if (((rotated >> 17) | (rotated << 15)) != BitwiseCrc32c(bytes)) Fail("a wrong checksum", offset);
}

void ReadValue(const std::string& bytes, ReadEvent& event) {
  std::string tag;
  float value = 0;
  for (WireReader reader(bytes); reader.Next();) {
    if (reader.number() == 1) tag = reader.content();
    if (reader.number() == 2) value = NumberAt<float>(reader.content(), 0);
  }
  if (!event.scalars.emplace(tag, value).second) throw std::runtime_error(tag + " twice");
}

ReadEvent ReadMessage(const std::string& bytes) {
  ReadEvent event;
  for (WireReader reader(bytes); reader.Next();) {
    if (reader.number() == 1) event.wall_time = NumberAt<double>(reader.content(), 0);
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
    const auto length = NumberAt<uint64_t>(content, offset);
    CheckChecksum(content.substr(offset, 8), NumberAt<uint32_t>(content, offset + 8), offset);
    if (length > content.size() - offset) Fail("a record that is cut short", offset);
    const std::string bytes = content.substr(offset + 12, length);
    CheckChecksum(bytes, NumberAt<uint32_t>(content, offset + 12 + length), offset + 12);
    events.push_back(ReadMessage(bytes));
    offset += 16 + length;
  }
  return events;
}

}  // namespace sr2l
