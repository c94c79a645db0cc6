#include "deploy/play/png_frames.h"

#include <png.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

constexpr char kPrefix[] = "frame_";
constexpr char kSuffix[] = ".png";

bool IsFrame(const std::string& name) {
  if (!absl::StartsWith(name, kPrefix) || !absl::EndsWith(name, kSuffix)) return false;
  const size_t digits = name.size() - (sizeof(kPrefix) - 1) - (sizeof(kSuffix) - 1);
  const auto first = name.begin() + sizeof(kPrefix) - 1;
  return digits >= 6 && std::all_of(first, first + static_cast<ptrdiff_t>(digits),
                                    [](char c) { return absl::ascii_isdigit(c); });
}

absl::Status CannotWrite(const std::string& path, absl::string_view why) {
  return absl::UnavailableError(absl::StrCat("cannot write ", path, ": ", why));
}

// The frames of an earlier recording, which may have had more of them.
absl::Status RemoveFrames(const std::string& folder) {
  std::error_code error;
  std::vector<fs::path> frames;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (IsFrame(entry->path().filename())) frames.push_back(entry->path());
  }
  for (const fs::path& frame : frames) {
    if (!error) fs::remove(frame, error);
  }
  return error ? CannotWrite(folder, error.message()) : absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<FrameSink>> PngFrames::Create(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return CannotWrite(folder, error.message());
  SR2L_RETURN_IF_ERROR(RemoveFrames(folder));
  return std::unique_ptr<FrameSink>(new PngFrames(folder));
}

absl::Status PngFrames::Add(const Frame& frame) {
  const std::string path =
      absl::StrCat(folder_, "/", absl::StrFormat("%s%06d%s", kPrefix, num_frames_++, kSuffix));
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(frame.width);
  image.height = static_cast<png_uint_32>(frame.height);
  image.format = PNG_FORMAT_RGB;
  if (png_image_write_to_file(&image, path.c_str(), /*convert_to_8_bit=*/0, frame.rgb.data(),
                              /*row_stride=*/0, /*colormap=*/nullptr)) {
    return absl::OkStatus();
  }
  return CannotWrite(path, image.message);
}

}  // namespace sr2l
