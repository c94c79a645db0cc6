#ifndef SR2L_REPLAY_CLIENT_UNACKED_CHUNKS_H_
#define SR2L_REPLAY_CLIENT_UNACKED_CHUNKS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>

#include "absl/time/time.h"
#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// The chunks that a sender must keep because no answer says that they are settled, and
// the order in which they go out. Chunks of one stream stay in the order of Add.
// Not thread-safe. Time comes in from outside.
class UnackedChunks {
 public:
  using ChunkPtr = std::shared_ptr<const v1::Chunk>;

  enum class Verdict {
    kSettled,     // whatever the outcome, the chunk is not sent again; call Settle
    kPaused,      // FULL or LIMITED: goes out again after the pause that the server asked for;
                  // FULL holds back every chunk, LIMITED those of its stream
    kOvertaken,   // a gap only because an earlier chunk was not stored: goes out again
    kUnexpected,  // does not answer the oldest chunk that is out: the connection is broken
  };

  void Add(ChunkPtr chunk);

  // The next chunk to send, null if there is none that no pause holds back at `now`. It
  // counts as sent with this call.
  ChunkPtr TakeNext(absl::Time now);

  // Matches an answer with the oldest chunk that is out.
  Verdict OnAnswer(const v1::AppendResponse& response, absl::Time now);

  // Forgets the chunk that the last answer settled. Until then it counts as held.
  void Settle();

  // The connection ended: whatever is out goes out again, and no pause holds any more.
  void SendAllAgain();

  // Ends the pauses that are over, so that they are not waited for again.
  void EndPause(absl::Time now);

  bool empty() const { return held_.empty(); }
  size_t size() const { return held_.size(); }
  size_t bytes() const { return bytes_; }

  // When something has to happen: the end of the next pause, InfiniteFuture without one.
  absl::Time pause_end() const;
  // When the oldest chunk that is out was sent; InfiniteFuture: none is out.
  absl::Time oldest_sent() const;

 private:
  struct Held {
    ChunkPtr chunk;
    size_t bytes = 0;
    absl::Time sent;
  };

  using StreamName = std::tuple<std::string, uint32_t, uint32_t>;  // experiment, member, stream

  static StreamName NameOf(const v1::Chunk& chunk);
  // Whether a pause of the chunk's stream lasts.
  bool IsHeldBack(const v1::Chunk& chunk, absl::Time now) const;
  // Whether an earlier chunk of the same stream is still held.
  bool HasEarlier(uint64_t number) const;

  std::map<uint64_t, Held> held_;    // by number, in the order of Add
  std::set<uint64_t> waiting_;       // to be sent
  std::deque<uint64_t> out_;         // sent and not answered, in the order of sending
  uint64_t settling_ = 0;            // answered, not yet forgotten; 0: none
  uint64_t last_number_ = 0;
  size_t bytes_ = 0;
  absl::Time paused_until_ = absl::InfiniteFuture();  // InfiniteFuture: no pause
  std::map<StreamName, absl::Time> limited_until_;    // pauses of single streams
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CLIENT_UNACKED_CHUNKS_H_
