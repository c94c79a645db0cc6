#ifndef SR2L_DEPLOY_PLAY_VIDEO_FILE_H_
#define SR2L_DEPLOY_PLAY_VIDEO_FILE_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/files/file_descriptor.h"
#include "deploy/cli/child_process.h"
#include "deploy/export/program_output.h"
#include "deploy/play/frame_sink.h"

namespace sr2l {

// The path of ffmpeg. NotFound: it is not in $PATH, with what to do instead.
absl::StatusOr<std::string> FindFfmpeg();

// Encodes a video with ffmpeg, which runs beside. The file appears when it is finished.
class VideoFile : public FrameSink {
 public:
  // `path` ends in .mp4 or .webm.
  static absl::StatusOr<std::unique_ptr<FrameSink>> Create(const std::string& path,
                                                           double frames_per_second);
  ~VideoFile() override;

  // Aborted, with what ffmpeg says, when it fails; DeadlineExceeded when it takes nothing for
  // a minute.
  absl::Status Add(const Frame& frame) override;

  // The same errors; waits at most ten minutes for ffmpeg to end.
  absl::Status Finish() override;

 private:
  VideoFile(std::string ffmpeg, std::string path, double frames_per_second, ScratchFolder scratch);

  absl::Status Start(const Frame& first);
  absl::Status Send(const uint8_t* bytes, size_t count);
  absl::Status FailureOfFfmpeg();

  const std::string ffmpeg_;
  const std::string path_;
  const std::string partial_path_;  // beside it, while it is written
  const double frames_per_second_;
  const ScratchFolder scratch_;            // of ffmpeg's messages
  FileDescriptor input_;                   // of ffmpeg
  std::unique_ptr<ChildProcess> encoder_;  // runs from the first frame on
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_PLAY_VIDEO_FILE_H_
