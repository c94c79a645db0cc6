// Any bytes as an experiment's text: the first line is an override, the rest the file.
#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/common/config_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string input(reinterpret_cast<const char*>(bytes), size);
  const size_t line_end = input.find('\n');
  const std::string text = line_end == std::string::npos ? "" : input.substr(line_end + 1);
  sr2l::CheckConfigProperties(text, input.substr(0, line_end));
  return 0;
}
