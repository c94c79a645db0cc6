#include "actor/driver/sent_chunks.h"

namespace sr2l {

void SentChunks::Add(const v1::Chunk& chunk, uint64_t ticket, size_t bytes) {
  entries_[KeyOf(chunk.key())].push_back({chunk.first_step(), ticket, bytes});
  bytes_ += bytes;
}

std::optional<uint64_t> SentChunks::OnAnswer(const v1::AppendResponse& answer) {
  const auto found = entries_.find(KeyOf(answer.key()));
  if (found == entries_.end()) return std::nullopt;
  std::deque<Entry>& chunks = found->second;
  const Entry oldest = chunks.front();
  if (oldest.first_step != answer.first_step()) return std::nullopt;
  if (answer.outcome() == v1::AppendResponse::FULL) return oldest.ticket;
  bytes_ -= oldest.bytes;
  chunks.pop_front();
  if (chunks.empty()) entries_.erase(found);
  return oldest.ticket;
}

}  // namespace sr2l
