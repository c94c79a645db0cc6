#include "replay/client/unacked_chunks.h"

#include <algorithm>
#include <utility>

namespace sr2l {
namespace {

bool SameStream(const v1::StreamKey& a, const v1::StreamKey& b) {
  return a.stream() == b.stream() && a.member() == b.member() &&
         a.experiment_id() == b.experiment_id();
}

// A pause that a server asks for is kept within reason.
absl::Duration PauseOf(const v1::AppendResponse& response) {
  const double seconds = response.retry_after_seconds();
  return absl::Seconds(seconds > 0 ? std::min(seconds, 5.0) : 0.01);
}

}  // namespace

void UnackedChunks::Add(ChunkPtr chunk) {
  const size_t bytes = chunk->ByteSizeLong();
  const uint64_t number = ++last_number_;
  held_[number] = {.chunk = std::move(chunk), .bytes = bytes, .sent = absl::InfinitePast()};
  waiting_.insert(number);
  bytes_ += bytes;
}

UnackedChunks::ChunkPtr UnackedChunks::TakeNext(absl::Time now) {
  if (waiting_.empty()) return nullptr;
  if (paused_until_ != absl::InfiniteFuture() && now < paused_until_) return nullptr;
  const auto next = std::find_if(waiting_.begin(), waiting_.end(), [&](uint64_t candidate) {
    return !IsHeldBack(*held_.at(candidate).chunk, now);
  });
  if (next == waiting_.end()) return nullptr;
  const uint64_t number = *next;
  waiting_.erase(next);
  out_.push_back(number);
  Held& held = held_[number];
  held.sent = now;
  return held.chunk;
}

UnackedChunks::Verdict UnackedChunks::OnAnswer(const v1::AppendResponse& response,
                                               absl::Time now) {
  if (out_.empty()) return Verdict::kUnexpected;
  const uint64_t number = out_.front();
  const v1::Chunk& chunk = *held_[number].chunk;
  // A key that no table can have is not sent back.
  const bool same_stream = !response.has_key() || SameStream(response.key(), chunk.key());
  if (!same_stream || response.first_step() != chunk.first_step()) return Verdict::kUnexpected;
  out_.pop_front();
  if (response.outcome() == v1::AppendResponse::LIMITED) {
    waiting_.insert(number);
    limited_until_[NameOf(chunk)] = now + PauseOf(response);
    return Verdict::kPaused;
  }
  if (response.outcome() == v1::AppendResponse::FULL) {
    waiting_.insert(number);
    paused_until_ = now + PauseOf(response);
    return Verdict::kPaused;
  }
  if (response.outcome() == v1::AppendResponse::GAP && HasEarlier(number)) {
    waiting_.insert(number);
    return Verdict::kOvertaken;
  }
  settling_ = number;
  return Verdict::kSettled;
}

void UnackedChunks::Settle() {
  const auto settled = held_.find(settling_);
  if (settled == held_.end()) return;
  bytes_ -= settled->second.bytes;
  held_.erase(settled);
  settling_ = 0;
}

void UnackedChunks::SendAllAgain() {
  waiting_.insert(out_.begin(), out_.end());
  out_.clear();
  paused_until_ = absl::InfiniteFuture();
  limited_until_.clear();
}

void UnackedChunks::EndPause(absl::Time now) {
  if (now >= paused_until_) paused_until_ = absl::InfiniteFuture();
  std::erase_if(limited_until_, [now](const auto& pause) { return now >= pause.second; });
}

absl::Time UnackedChunks::pause_end() const {
  absl::Time end = paused_until_;
  for (const auto& [stream, until] : limited_until_) end = std::min(end, until);
  return end;
}

absl::Time UnackedChunks::oldest_sent() const {
  return out_.empty() ? absl::InfiniteFuture() : held_.at(out_.front()).sent;
}

UnackedChunks::StreamName UnackedChunks::NameOf(const v1::Chunk& chunk) {
  return {chunk.key().experiment_id(), chunk.key().member(), chunk.key().stream()};
}

bool UnackedChunks::IsHeldBack(const v1::Chunk& chunk, absl::Time now) const {
  if (limited_until_.empty()) return false;
  const auto pause = limited_until_.find(NameOf(chunk));
  return pause != limited_until_.end() && now < pause->second;
}

bool UnackedChunks::HasEarlier(uint64_t number) const {
  const v1::StreamKey& key = held_.at(number).chunk->key();
  return std::any_of(held_.begin(), held_.find(number), [&key](const auto& entry) {
    return SameStream(entry.second.chunk->key(), key);
  });
}

}  // namespace sr2l
