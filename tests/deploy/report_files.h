#ifndef SR2L_TESTS_DEPLOY_REPORT_FILES_H_
#define SR2L_TESTS_DEPLOY_REPORT_FILES_H_

#include <gtest/gtest.h>
#include <zlib.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

// Pictures and pages, read by means of their own.
namespace sr2l {

inline uint32_t BigEndian(const std::string& bytes, size_t at) {
  uint32_t number = 0;
  for (size_t i = 0; i < 4; ++i) number = number << 8 | static_cast<uint8_t>(bytes.at(at + i));
  return number;
}

// A PNG whose parts' checksums hold and whose lines unpack. `levels`: how many different bytes
// occur in it; an empty picture has few.
struct Png {
  uint32_t width = 0;
  uint32_t height = 0;
  int levels = 0;
};

inline Png DecodePng(const std::string& bytes) {
  Png png;
  EXPECT_EQ(bytes.substr(0, 8), "\x89PNG\r\n\x1a\n");
  std::string packed;
  for (size_t at = 8; at + 12 <= bytes.size();) {
    const uint32_t length = BigEndian(bytes, at);
    const std::string chunk = bytes.substr(at + 4, length + 4);  // its name, then its data
    EXPECT_EQ(crc32(0, reinterpret_cast<const Bytef*>(chunk.data()), length + 4),
              BigEndian(bytes, at + 8 + length));
    if (chunk.compare(0, 4, "IHDR") == 0) {
      png.width = BigEndian(chunk, 4);
      png.height = BigEndian(chunk, 8);
    }
    if (chunk.compare(0, 4, "IDAT") == 0) packed += chunk.substr(4);
    at += 12 + length;
  }
  std::vector<Bytef> pixels(size_t{png.height} * (png.width * 8 + 1));
  uLongf size = pixels.size();
  EXPECT_EQ(uncompress(pixels.data(), &size, reinterpret_cast<const Bytef*>(packed.data()),
                       packed.size()),
            Z_OK);
  std::array<bool, 256> seen = {};
  for (size_t i = 0; i < size; ++i) seen[pixels[i]] = true;
  for (const bool level : seen) png.levels += level;
  return png;
}

// Whether every element of XML ends where it should; what is wrong, empty when nothing is.
inline std::string XmlError(const std::string& text) {
  std::vector<std::string> open;
  for (size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at + 1)) {
    if (text.compare(at, 4, "<!--") == 0) {
      at = text.find("-->", at);
      if (at == std::string::npos) return "a comment does not end";
      continue;
    }
    if (text.compare(at, 9, "<![CDATA[") == 0) {
      at = text.find("]]>", at);
      if (at == std::string::npos) return "a CDATA section does not end";
      continue;
    }
    const size_t end = text.find('>', at);
    if (end == std::string::npos) return "a tag does not end";
    if (text[at + 1] == '?' || text[at + 1] == '!') continue;
    const bool closes = text[at + 1] == '/';
    const size_t from = at + 1 + closes;
    const std::string name = text.substr(from, text.find_first_of(" \t\n/>", from) - from);
    if (closes) {
      if (open.empty() || open.back() != name) return "unexpected </" + name + ">";
      open.pop_back();
    } else if (text[end - 1] != '/') {
      open.push_back(name);
    }
  }
  return open.empty() ? "" : "<" + open.back() + "> does not end";
}

}  // namespace sr2l

#endif  // SR2L_TESTS_DEPLOY_REPORT_FILES_H_
