#include "common/exported_policy/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A file as the format's description has it, put together by hand.
std::string ByHand(const std::string& header, const std::vector<float>& numbers) {
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  bytes += header;
  for (const float number : numbers) {
    char little_endian[4];
    std::memcpy(little_endian, &number, 4);
    bytes.append(little_endian, 4);
  }
  return bytes;
}

TEST(SafetensorsTest, WritesTheDocumentedBytes) {
  const TensorFile file = {.metadata = {{"k", "a\"b\n"}},
                           .tensors = {{"x", {2, 1}, {1, -2}}, {"y", {}, {0.5F}}}};
  const std::string header = R"({"__metadata__":{"k":"a\"b\u000a"},)"
                             R"("x":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
                             R"("y":{"dtype":"F32","shape":[],"data_offsets":[8,12]}})";
  const std::string padding((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(FormatSafetensors(file), ByHand(header + padding, {1, -2, 0.5F}));
}

TEST(SafetensorsTest, WhatIsWrittenReadsBack) {
  const TensorFile file = {.metadata = {{"contract", "{\"a\": \"\\\\\"}\t"}},
                           .tensors = {{"a", {3}, {1, 2, 3}}, {"b", {1, 0}, {}}}};
  const auto read = ParseSafetensors(FormatSafetensors(file));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->metadata, file.metadata);
  ASSERT_NE(read->Find("a"), nullptr);
  EXPECT_THAT(read->Find("a")->values, ElementsAre(1, 2, 3));
  ASSERT_NE(read->Find("b"), nullptr);
  EXPECT_THAT(read->Find("b")->shape, ElementsAre(1, 0));
  EXPECT_EQ(read->Find("c"), nullptr);
}

TEST(SafetensorsTest, FilesThatAreCutAnywhereAreRefused) {
  const std::string bytes = FormatSafetensors({.metadata = {}, .tensors = {{"x", {2}, {1, 2}}}});
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ParseSafetensors(bytes.substr(0, size)).ok()) << size;
  }
}

TEST(SafetensorsTest, HeadersThatLieAreRefusedByName) {
  for (const char* header :
       {R"({"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})",
        R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
        R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})",
        R"({"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})",
        R"({"x":{"dtype":"F32","shape":[1e12,1e12],"data_offsets":[0,8]}})",
        R"({"x":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})",
        R"({"x":{"dtype":"F32","shape":[2]}})", R"({"x":7})", R"([1, 2])", "nonsense"}) {
    const auto read = ParseSafetensors(ByHand(header, {1, 2}));
    EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument) << header;
    EXPECT_THAT(std::string(read.status().message()), HasSubstr("not a safetensors file: "));
  }
}

}  // namespace
}  // namespace sr2l
