#include "common/exported_policy/safetensors.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

constexpr size_t kLengthBytes = 8;
constexpr char kMetadata[] = "__metadata__";
constexpr int64_t kMostElements = int64_t{1} << 40;  // of a tensor

using google::protobuf::Struct;
using google::protobuf::Value;

std::string JsonString(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      absl::StrAppend(&quoted, "\\", absl::string_view(&c, 1));
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&quoted, "\\u%04x", c);
    } else {
      quoted.push_back(c);
    }
  }
  return quoted + "\"";
}

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("not a safetensors file: ", what));
}

absl::StatusOr<Struct> ParseHeader(absl::string_view bytes, uint64_t& length) {
  if (bytes.size() < kLengthBytes) return Malformed("it is shorter than 8 bytes");
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > bytes.size() - kLengthBytes) {
    return Malformed(absl::StrCat("its header of ", length, " bytes is cut short"));
  }
  Struct header;
  const std::string json(bytes.substr(kLengthBytes, length));
  if (!google::protobuf::util::JsonStringToMessage(json, &header).ok()) {
    return Malformed("its header is no JSON object");
  }
  return header;
}

// A field of a tensor's description that is a list of whole numbers >= 0.
absl::StatusOr<std::vector<int64_t>> ReadNumbers(const Struct& fields, const char* name) {
  const auto found = fields.fields().find(name);
  if (found == fields.fields().end() || !found->second.has_list_value()) {
    return Malformed(absl::StrCat(name, " is missing"));
  }
  std::vector<int64_t> numbers;
  for (const Value& value : found->second.list_value().values()) {
    const double number = value.number_value();
    if (!(number >= 0) || number > kMostElements || number != std::floor(number)) {
      return Malformed(absl::StrCat(name, " must be whole numbers >= 0, got ", number));
    }
    numbers.push_back(static_cast<int64_t>(number));
  }
  return numbers;
}

absl::StatusOr<NamedTensor> ReadTensor(const std::string& name, const Struct& fields,
                                       absl::string_view content) {
  NamedTensor tensor{.name = name, .shape = {}, .values = {}};
  const auto dtype = fields.fields().find("dtype");
  if (dtype == fields.fields().end() || dtype->second.string_value() != "F32") {
    return Malformed(absl::StrCat(name, " is not of dtype F32"));
  }
  SR2L_ASSIGN_OR_RETURN(tensor.shape, ReadNumbers(fields, "shape"));
  SR2L_ASSIGN_OR_RETURN(const std::vector<int64_t> range, ReadNumbers(fields, "data_offsets"));
  int64_t count = 1;
  for (const int64_t size : tensor.shape) {
    if (size > 0 && count > kMostElements / size) return Malformed(name + " is too large");
    count *= size;
  }
  if (range.size() != 2 || range[0] > range[1] || range[1] > static_cast<int64_t>(content.size()) ||
      range[1] - range[0] != count * static_cast<int64_t>(sizeof(float))) {
    return Malformed(absl::StrCat(name, " does not lie where its header says"));
  }
  tensor.values.resize(count);
  if (count > 0) {
    std::memcpy(tensor.values.data(), content.data() + range[0], count * sizeof(float));
  }
  return tensor;
}

}  // namespace

const NamedTensor* TensorFile::Find(absl::string_view name) const {
  for (const NamedTensor& tensor : tensors) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

std::string FormatSafetensors(const TensorFile& file) {
  std::vector<std::string> entries;
  std::vector<std::string> pairs;
  for (const auto& [key, value] : file.metadata) {
    pairs.push_back(absl::StrCat(JsonString(key), ":", JsonString(value)));
  }
  entries.push_back(absl::StrCat(JsonString(kMetadata), ":{", absl::StrJoin(pairs, ","), "}"));
  size_t offset = 0;
  for (const NamedTensor& tensor : file.tensors) {
    const size_t end = offset + tensor.values.size() * sizeof(float);
    entries.push_back(absl::StrCat(JsonString(tensor.name), ":{\"dtype\":\"F32\",\"shape\":[",
                                   absl::StrJoin(tensor.shape, ","), "],\"data_offsets\":[", offset,
                                   ",", end, "]}"));
    offset = end;
  }
  std::string header = absl::StrCat("{", absl::StrJoin(entries, ","), "}");
  header.resize((header.size() + 7) / 8 * 8, ' ');  // aligns the tensors
  const uint64_t length = header.size();
  std::string bytes(reinterpret_cast<const char*>(&length), kLengthBytes);
  bytes += header;
  for (const NamedTensor& tensor : file.tensors) {
    bytes.append(reinterpret_cast<const char*>(tensor.values.data()),
                 tensor.values.size() * sizeof(float));
  }
  return bytes;
}

absl::StatusOr<TensorFile> ParseSafetensors(absl::string_view bytes) {
  uint64_t length = 0;
  SR2L_ASSIGN_OR_RETURN(const Struct header, ParseHeader(bytes, length));
  const absl::string_view content = bytes.substr(kLengthBytes + length);
  TensorFile file;
  for (const auto& [name, value] : header.fields()) {
    if (name == kMetadata) {
      for (const auto& [key, text] : value.struct_value().fields()) {
        file.metadata[key] = text.string_value();
      }
      continue;
    }
    SR2L_ASSIGN_OR_RETURN(NamedTensor tensor, ReadTensor(name, value.struct_value(), content));
    file.tensors.push_back(std::move(tensor));
  }
  return file;
}

}  // namespace sr2l
