#ifndef SR2L_TESTS_LEARNER_TENSORBOARD_EVENT_READER_H_
#define SR2L_TESTS_LEARNER_TENSORBOARD_EVENT_READER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sr2l {

// An event as it stands in a file.
struct ReadEvent {
  double wall_time = 0;
  int64_t step = 0;
  std::string file_version;
  int session_status = -1;               // -1: no session log
  std::map<std::string, float> scalars;  // by tag
};

// Reads an event file without any of the code that writes it: checksums bit by bit, messages
// from the wire. Throws std::runtime_error with the offset where it is not as it must be.
std::vector<ReadEvent> ReadEventFile(const std::string& content);

}  // namespace sr2l

#endif  // SR2L_TESTS_LEARNER_TENSORBOARD_EVENT_READER_H_
