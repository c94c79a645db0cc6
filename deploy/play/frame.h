#ifndef SR2L_DEPLOY_PLAY_FRAME_H_
#define SR2L_DEPLOY_PLAY_FRAME_H_

#include <cstdint>
#include <vector>

namespace sr2l {

// A picture. A plain value.
struct Frame {
  int width = 0;             // pixels
  int height = 0;            // pixels
  std::vector<uint8_t> rgb;  // [height, width, 3], the upper row first
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_PLAY_FRAME_H_
