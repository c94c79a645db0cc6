#include "deploy/play/video_file.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

constexpr int kSendTimeout = 60'000;  // milliseconds
constexpr absl::Duration kEndTimeout = absl::Minutes(10);

std::vector<std::string> EncoderOf(const std::string& path) {
  if (fs::path(path).extension() == ".webm") {
    return {"-c:v", "libvpx-vp9", "-b:v", "0", "-crf", "32", "-row-mt", "1"};
  }
  return {"-c:v", "libx264", "-crf", "20", "-movflags", "+faststart"};
}

std::vector<std::string> Arguments(const Frame& frame, double frames_per_second,
                                   const std::string& path) {
  std::vector<std::string> arguments = {
      "-hide_banner", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24",
      "-video_size", absl::StrCat(frame.width, "x", frame.height), "-framerate",
      absl::StrFormat("%.9g", frames_per_second), "-i", "pipe:0",
      // Players want half as many colors as pixels, so even sides.
      "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p"};
  for (std::string& argument : EncoderOf(path)) arguments.push_back(std::move(argument));
  // A name that starts with a dash or holds a colon is a file all the same.
  arguments.push_back(absl::StrCat("file:", path));
  return arguments;
}

// film.mp4 is film.partial.mp4 while it grows: ffmpeg tells the format by the end.
std::string PartialPath(const std::string& path) {
  fs::path partial = path;
  partial.replace_extension(absl::StrCat(".partial", fs::path(path).extension().string()));
  return partial;
}

}  // namespace

absl::StatusOr<std::string> FindFfmpeg() {
  const char* const folders = getenv("PATH");
  for (const absl::string_view folder : absl::StrSplit(folders == nullptr ? "" : folders, ':')) {
    std::string program = absl::StrCat(folder, "/ffmpeg");
    if (!folder.empty() && access(program.c_str(), X_OK) == 0) return program;
  }
  return absl::NotFoundError(
      "a video needs the package ffmpeg; a folder as --out takes PNG frames without it");
}

VideoFile::VideoFile(std::string ffmpeg, std::string path, double frames_per_second,
                     ScratchFolder scratch)
    : ffmpeg_(std::move(ffmpeg)),
      path_(std::move(path)),
      partial_path_(PartialPath(path_)),
      frames_per_second_(frames_per_second),
      scratch_(std::move(scratch)) {}

VideoFile::~VideoFile() {
  encoder_.reset();
  std::error_code ignored;  // what cannot be removed is left behind, under its own name
  fs::remove(partial_path_, ignored);
}

absl::StatusOr<std::unique_ptr<FrameSink>> VideoFile::Create(const std::string& path,
                                                             double frames_per_second) {
  SR2L_ASSIGN_OR_RETURN(std::string ffmpeg, FindFfmpeg());
  SR2L_ASSIGN_OR_RETURN(ScratchFolder scratch, ScratchFolder::Create());
  return std::unique_ptr<FrameSink>(
      new VideoFile(std::move(ffmpeg), path, frames_per_second, std::move(scratch)));
}

absl::Status VideoFile::Start(const Frame& first) {
  // Sockets, not a pipe: writing to one whose reader is gone need not raise a signal.
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::ErrnoToStatus(errno, "cannot make sockets");
  }
  input_ = FileDescriptor(ends[0]);
  const FileDescriptor output(ends[1]);
  SR2L_ASSIGN_OR_RETURN(
      encoder_,
      ChildProcess::Start({.name = "ffmpeg",
                           .program = ffmpeg_,
                           .arguments = Arguments(first, frames_per_second_, partial_path_),
                           .log_path = scratch_ / "messages",
                           .input_fd = output.get()}));
  return absl::OkStatus();
}

absl::Status VideoFile::Add(const Frame& frame) {
  if (encoder_ == nullptr) SR2L_RETURN_IF_ERROR(Start(frame));
  return Send(frame.rgb.data(), frame.rgb.size());
}

absl::Status VideoFile::Send(const uint8_t* bytes, size_t count) {
  while (count > 0) {
    const ssize_t sent = send(input_.get(), bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes += sent;
      count -= static_cast<size_t>(sent);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return FailureOfFfmpeg();
    pollfd room = {.fd = input_.get(), .events = POLLOUT, .revents = 0};
    if (poll(&room, 1, kSendTimeout) == 0) {
      return absl::DeadlineExceededError(
          absl::StrCat("ffmpeg took no frame of ", path_, " for a minute"));
    }
  }
  return absl::OkStatus();
}

absl::Status VideoFile::FailureOfFfmpeg() {
  input_.Close();
  const std::optional<ProcessExit> exit = encoder_->WaitUntil(absl::Now() + kEndTimeout);
  const absl::StatusOr<std::string> messages = ReadWholeFile(scratch_ / "messages");
  const std::string said = messages.ok() ? *messages : "";
  return absl::AbortedError(absl::StrCat(
      "cannot write ", path_, ": ffmpeg ", exit.has_value() ? exit->Describe() : "does not end",
      ": ",
      absl::StrJoin(absl::StrSplit(absl::StripAsciiWhitespace(said), '\n', absl::SkipWhitespace()),
                    "; ")));
}

absl::Status VideoFile::Finish() {
  if (encoder_ == nullptr) return absl::FailedPreconditionError("a video needs a frame");
  input_.Close();
  const std::optional<ProcessExit> exit = encoder_->WaitUntil(absl::Now() + kEndTimeout);
  if (!exit.has_value() || !exit->ok()) return FailureOfFfmpeg();
  std::error_code error;
  fs::rename(partial_path_, path_, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot write ", path_, ": ", error.message()));
}

}  // namespace sr2l
