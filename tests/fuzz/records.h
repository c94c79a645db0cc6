#ifndef SR2L_TESTS_FUZZ_RECORDS_H_
#define SR2L_TESTS_FUZZ_RECORDS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

// What libFuzzer calls, and the bounded tests too.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size);

namespace sr2l {

// A fuzz target's input is a list of records: a kind (one byte), a length (two bytes,
// little-endian) and that many bytes, fewer at the end.
inline std::string EncodeRecord(uint8_t kind, const std::string& content) {
  const std::string record = {static_cast<char>(kind), static_cast<char>(content.size() & 0xff),
                              static_cast<char>(content.size() >> 8)};
  return record + content;
}

inline void ForEachRecord(const uint8_t* bytes, size_t size,
                          const std::function<void(uint8_t, const std::string&)>& apply) {
  while (size >= 3) {
    const size_t length = std::min<size_t>(size - 3, bytes[1] | bytes[2] << 8);
    apply(bytes[0], std::string(reinterpret_cast<const char*>(bytes) + 3, length));
    bytes += 3 + length;
    size -= 3 + length;
  }
}

inline void RunFuzzTarget(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

}  // namespace sr2l

#endif  // SR2L_TESTS_FUZZ_RECORDS_H_
