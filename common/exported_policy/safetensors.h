#ifndef SR2L_COMMON_EXPORTED_POLICY_SAFETENSORS_H_
#define SR2L_COMMON_EXPORTED_POLICY_SAFETENSORS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sr2l {

struct NamedTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;  // row by row; as many as the shape says
};

// The content of a safetensors file of float32 tensors: the length of a JSON header (uint64),
// the header, then the tensors one after the other, all little-endian.
struct TensorFile {
  std::map<std::string, std::string> metadata;
  std::vector<NamedTensor> tensors;  // names differ

  // Null when there is none of that name.
  const NamedTensor* Find(absl::string_view name) const;
};

// The same bytes for the same content.
std::string FormatSafetensors(const TensorFile& file);

// InvalidArgument says what is wrong; other types than float32 are refused. Trusts nothing.
absl::StatusOr<TensorFile> ParseSafetensors(absl::string_view bytes);

}  // namespace sr2l

#endif  // SR2L_COMMON_EXPORTED_POLICY_SAFETENSORS_H_
