#include "deploy/play/frame_sink.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "deploy/play/png_frames.h"
#include "deploy/play/video_file.h"

namespace sr2l {

namespace fs = std::filesystem;

absl::StatusOr<RecordingKind> KindOfRecording(const std::string& path) {
  std::error_code error;
  const std::string extension = fs::path(path).extension();
  if (fs::is_directory(path, error) || extension.empty()) return RecordingKind::kPngFrames;
  if (extension == ".mp4" || extension == ".webm") return RecordingKind::kVideo;
  return absl::InvalidArgumentError(absl::StrCat(
      "--out must be a file .mp4 or .webm, or a folder for PNG frames (no extension), got ", path));
}

absl::Status CheckRecording(const std::string& path) {
  SR2L_ASSIGN_OR_RETURN(const RecordingKind kind, KindOfRecording(path));
  std::error_code error;
  if (kind == RecordingKind::kPngFrames) {
    if (!fs::exists(path, error) || fs::is_directory(path, error)) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("--out must be a folder or a video, ", path, " is a file"));
  }
  const fs::path parent = fs::path(path).parent_path();
  if (!parent.empty() && !fs::is_directory(parent, error)) {
    return absl::NotFoundError(absl::StrCat("--out must be in a folder that exists, got ", path));
  }
  return FindFfmpeg().status();
}

absl::StatusOr<std::unique_ptr<FrameSink>> StartRecording(const std::string& path,
                                                          double frames_per_second) {
  SR2L_RETURN_IF_ERROR(CheckRecording(path));
  SR2L_ASSIGN_OR_RETURN(const RecordingKind kind, KindOfRecording(path));
  if (kind == RecordingKind::kPngFrames) return PngFrames::Create(path);
  return VideoFile::Create(path, frames_per_second);
}

}  // namespace sr2l
