// Any bytes as an experiment's text: the first line is an override, the rest the file.
#include "tests/fuzz/config_fuzz.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/common/config_properties.h"

namespace sr2l {
namespace {

ConfigFuzzCounts counts;

}  // namespace

const ConfigFuzzCounts& ConfigCounts() { return counts; }

}  // namespace sr2l

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string input(reinterpret_cast<const char*>(bytes), size);
  const size_t line_end = input.find('\n');
  const std::string text = line_end == std::string::npos ? "" : input.substr(line_end + 1);
  const bool accepted = sr2l::CheckConfigProperties(text, input.substr(0, line_end));
  ++(accepted ? sr2l::counts.accepted : sr2l::counts.refused);
  return 0;
}
