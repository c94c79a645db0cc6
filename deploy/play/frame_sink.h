#ifndef SR2L_DEPLOY_PLAY_FRAME_SINK_H_
#define SR2L_DEPLOY_PLAY_FRAME_SINK_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "deploy/play/frame.h"

namespace sr2l {

// Takes the frames of one recording, in order and all of one size. Not thread-safe.
class FrameSink {
 public:
  virtual ~FrameSink() = default;

  virtual absl::Status Add(const Frame& frame) = 0;

  // After the last frame; without it a recording may be missing or incomplete.
  virtual absl::Status Finish() = 0;
};

// What a recording is written to, by its name.
enum class RecordingKind { kPngFrames, kVideo };

// A video when `path` ends in .mp4 or .webm, PNG frames in a folder when it has no
// extension, ends in a slash or is a folder. InvalidArgument: any other extension.
absl::StatusOr<RecordingKind> KindOfRecording(const std::string& path);

// InvalidArgument or NotFound, which name `path`, and FailedPrecondition without ffmpeg, when
// no recording can go there. Changes nothing.
absl::Status CheckRecording(const std::string& path);

// Starts the recording. The errors of CheckRecording, or Unavailable. `frames_per_second` > 0,
// of a video.
absl::StatusOr<std::unique_ptr<FrameSink>> StartRecording(const std::string& path,
                                                          double frames_per_second);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_PLAY_FRAME_SINK_H_
