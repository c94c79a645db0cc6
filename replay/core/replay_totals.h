#ifndef SR2L_REPLAY_CORE_REPLAY_TOTALS_H_
#define SR2L_REPLAY_CORE_REPLAY_TOTALS_H_

#include <cstdint>

namespace sr2l {

// The state of all tables of a store together.
struct ReplayTotals {
  uint64_t bytes = 0;             // memory held
  uint64_t transitions = 0;       // that can be sampled
  uint64_t payload_bytes = 0;     // of their columns
  uint64_t transition_bytes = 0;  // memory held for them
  bool log_full = false;          // see LogHealth
  uint64_t log_errors = 0;
  // Of tables with limits: the balance that is largest against its tolerance, with that
  // tolerance, samples; and the largest staleness ever stored, versions.
  double balance = 0;
  double tolerance = 0;
  uint64_t staleness = 0;
  // Whether somebody waits, for any table.
  bool learner_waits_for_minimum_size = false;
  bool learner_waits_for_balance = false;
  bool learner_waits_for_staleness = false;
  bool actors_wait_for_balance = false;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_REPLAY_TOTALS_H_
