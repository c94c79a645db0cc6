#ifndef SR2L_COMMON_LIMITS_LIMITS_H_
#define SR2L_COMMON_LIMITS_LIMITS_H_

#include <cstdint>

#include "sr2l/v1/experiment.pb.h"
#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// What the limiter of an experiment is where it does not say: as many samples per insert as
// a cycle of SYNCHRONOUS collection takes, room for four cycles on either side, and a bound
// on staleness that goes with it, at least 10.
void WriteLimiterDefaults(const v1::DdpgConfig& ddpg, v1::LimiterConfig& limiter);

// The limits of a member's table as a FREE_RUNNING experiment asks for them.
v1::TableLimits MakeTableLimits(const v1::DdpgConfig& ddpg, v1::LimiterConfig limiter);

// The limits under which the learner and the actors of a FREE_RUNNING table never wait for
// each other. With s samples_per_insert, e tolerance, n samples_per_version, g steps of a
// chunk and the balance b of v1::TableLimits:
//   the learner may draw while b - n >= -e, an actor may insert while b + s g <= e.
// Both are refused only where e - s g < b < n - e, which is nowhere if 2 e >= n + s g. Before
// the first sample b is negative until minimum_size is reached; with e >= s g the chunk that
// reaches it is never refused.
double LeastTolerance(const v1::TableLimits& limits, uint64_t steps_per_round);

// While no actor may insert, the learner draws until b fell from e to -e, a new version each
// time. A bound on staleness below these versions (and two that are under way) would make
// actors throw away steps again and again.
uint64_t LeastMaxStaleness(const v1::TableLimits& limits);

}  // namespace sr2l

#endif  // SR2L_COMMON_LIMITS_LIMITS_H_
