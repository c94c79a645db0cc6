#include "actor/driver/sent_chunks.h"

namespace sr2l {

void SentChunks::Add(const v1::Chunk& chunk, uint64_t ticket, size_t bytes) {
  entries_[KeyOf(chunk.key())].push_back({.first_step = chunk.first_step(),
                                          .policy_version = chunk.policy_version(),
                                          .ticket = ticket,
                                          .bytes = bytes});
  bytes_ += bytes;
}

std::optional<SentChunk> SentChunks::OnAnswer(const v1::AppendResponse& answer) {
  const auto found = entries_.find(KeyOf(answer.key()));
  if (found == entries_.end()) return std::nullopt;
  std::deque<SentChunk>& chunks = found->second;
  const SentChunk oldest = chunks.front();
  if (oldest.first_step != answer.first_step()) return std::nullopt;
  if (answer.outcome() == v1::AppendResponse::FULL ||
      answer.outcome() == v1::AppendResponse::LIMITED) {
    return oldest;
  }
  bytes_ -= oldest.bytes;
  chunks.pop_front();
  if (chunks.empty()) entries_.erase(found);
  return oldest;
}

size_t SentChunks::CountOf(const v1::StreamKey& key) const {
  const auto found = entries_.find(KeyOf(key));
  return found == entries_.end() ? 0 : found->second.size();
}

}  // namespace sr2l
