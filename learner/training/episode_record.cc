#include "learner/training/episode_record.h"

#include <cmath>

namespace sr2l {

void RecordEpisodes(const std::vector<v1::EpisodeSummary>& episodes, v1::MemberProgress& member) {
  member.set_episodes(static_cast<uint32_t>(episodes.size()));
  if (episodes.empty()) return;
  const double count = static_cast<double>(episodes.size());
  double sum = 0;
  double length = 0;
  for (const v1::EpisodeSummary& episode : episodes) {
    sum += episode.return_();
    length += episode.length();
  }
  const double mean = sum / count;
  double squares = 0;
  for (const v1::EpisodeSummary& episode : episodes) {
    squares += (episode.return_() - mean) * (episode.return_() - mean);
  }
  member.set_return_mean(mean);
  member.set_return_std(std::sqrt(squares / count));
  member.set_length_mean(length / count);
}

}  // namespace sr2l
