#ifndef SR2L_DEPLOY_PLAY_PNG_FRAMES_H_
#define SR2L_DEPLOY_PLAY_PNG_FRAMES_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "deploy/play/frame_sink.h"

namespace sr2l {

// Writes frame_000000.png and so on into a folder.
class PngFrames : public FrameSink {
 public:
  // Makes the folder when it is missing, and removes frames of those names from it: it holds
  // one recording. Unavailable names the folder.
  static absl::StatusOr<std::unique_ptr<FrameSink>> Create(const std::string& folder);

  absl::Status Add(const Frame& frame) override;
  absl::Status Finish() override { return absl::OkStatus(); }

 private:
  explicit PngFrames(std::string folder) : folder_(std::move(folder)) {}

  const std::string folder_;
  int num_frames_ = 0;
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_PLAY_PNG_FRAMES_H_
