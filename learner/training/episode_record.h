#ifndef SR2L_LEARNER_TRAINING_EPISODE_RECORD_H_
#define SR2L_LEARNER_TRAINING_EPISODE_RECORD_H_

#include <vector>

#include "sr2l/v1/experiment.pb.h"
#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// Writes the mean and standard deviation of the returns, and the mean length, of the
// episodes that ended in a round. A round in which none ended keeps the figures of the
// newest that did.
void RecordEpisodes(const std::vector<v1::EpisodeSummary>& episodes, v1::MemberProgress& member);

}  // namespace sr2l

#endif  // SR2L_LEARNER_TRAINING_EPISODE_RECORD_H_
