#ifndef SR2L_TESTS_COMMON_WIRE_READER_H_
#define SR2L_TESTS_COMMON_WIRE_READER_H_

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

namespace sr2l {

// The fields of a protobuf message in the order of the wire, read without any of protobuf's
// code. Throws std::runtime_error where it is not as it must be.
//   for (WireReader field(bytes); field.Next();) if (field.number() == 1) ...
class WireReader {
 public:
  explicit WireReader(std::string bytes) : bytes_(std::move(bytes)) {}

  bool Next();

  int number() const { return number_; }
  uint64_t varint() const { return varint_; }              // of wire type 0
  const std::string& content() const { return content_; }  // of the others

 private:
  uint64_t Varint();
  std::string Take(uint64_t size);

  const std::string bytes_;
  size_t offset_ = 0;
  int number_ = 0;
  uint64_t varint_ = 0;
  std::string content_;
};

// The number whose little-endian bytes begin at `offset`.
template <typename Number>
Number NumberAt(const std::string& bytes, size_t offset) {
  Number number;
  if (offset + sizeof(number) > bytes.size()) {
    throw std::runtime_error("the end at byte " + std::to_string(offset));
  }
  std::memcpy(&number, bytes.data() + offset, sizeof(number));
  return number;
}

}  // namespace sr2l

#endif  // SR2L_TESTS_COMMON_WIRE_READER_H_
