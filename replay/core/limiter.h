#ifndef SR2L_REPLAY_CORE_LIMITER_H_
#define SR2L_REPLAY_CORE_LIMITER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "replay/core/replay_totals.h"
#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// Rows first, ..., first + count - 1 of a table, count >= 1.
struct DrawRange {
  uint64_t first = 0;
  uint64_t count = 0;

  uint64_t end() const { return first + count; }
};

// Holds the learner and the actors of a FREE_RUNNING table together, see v1::TableLimits.
// The balance grows by samples_per_insert with each inserted step and falls by one with each
// row that is drawn; |balance| <= tolerance once the first row was drawn. A stream is active
// from a stored chunk until it is opened again, its chunk is refused as too old, the call
// that brought the chunk ends, or the chunk was the stream's last; only active streams hold
// the learner. Thread-safe; reads no
// clock.
class Limiter {
 public:
  enum class Verdict {
    kAllowed,      // Store or Withdraw must follow
    kLimited,      // the learner must draw first
    kStalePolicy,  // taken with too old a policy; the stream is inactive now
  };
  struct Admission {
    Verdict verdict = Verdict::kAllowed;
    double retry_after_seconds = 0;  // with kLimited
    std::string message;             // why not
  };

  // `spec` has valid limits. `inserts`: steps that are stored already.
  Limiter(const v1::TableSpec& spec, uint64_t inserts);

  // Whether `steps` steps taken with a policy version may be inserted. One call per stream at
  // a time. What is allowed counts as inserted for other streams' calls.
  Admission Admit(uint32_t stream, uint64_t steps, uint64_t policy_version, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);
  // The admitted steps are stored; `call` (0: none) brought them. The stream's next step is
  // `next_step` now.
  void Store(uint32_t stream, uint64_t steps, uint64_t next_step, uint64_t call)
      ABSL_LOCKS_EXCLUDED(mu_);
  // The admitted steps could not be stored.
  void Withdraw(uint32_t stream, uint64_t steps) ABSL_LOCKS_EXCLUDED(mu_);

  void Open(uint32_t stream) ABSL_LOCKS_EXCLUDED(mu_);
  // True: some stream was active with this call, which is not 0.
  bool EndCall(uint64_t call) ABSL_LOCKS_EXCLUDED(mu_);

  // The learner's newest policy version.
  void SetPolicyVersion(uint64_t version) ABSL_LOCKS_EXCLUDED(mu_);

  // Whether the rows may be drawn with the newest policy version. Rows that were drawn before
  // may always be. InvalidArgument: more rows than the tolerance can ever allow.
  absl::StatusOr<bool> MayDraw(const DrawRange& draw) const ABSL_LOCKS_EXCLUDED(mu_);
  // Counts the rows, which MayDraw allowed (inserting meanwhile never forbids a draw but by a
  // stream that became active), and returns how many were not drawn before. The first ones
  // that do not begin with row 0 go on with a run whose rows another process counted.
  uint64_t CountDraw(const DrawRange& draw, absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // From now on; valid limits. Before the first draw they hold from the first step on.
  void SetLimits(const v1::TableLimits& limits) ABSL_LOCKS_EXCLUDED(mu_);

  // `draw`: for which a learner waits.
  v1::LimiterState Describe(const std::optional<DrawRange>& draw, absl::Time now) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // Adds this limiter to those of other tables.
  void AddTo(const std::optional<DrawRange>& draw, absl::Time now, ReplayTotals& totals) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // What a draw waits for and who must act; empty: it does not wait.
  std::string DescribeDraw(const DrawRange& draw) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  enum class LearnerLimit { kNone, kMinimumSize, kBalance, kStaleness };
  struct StreamView {
    bool active = false;
    uint64_t policy_version = 0;                // of the last stored chunk
    uint64_t call = 0;                          // that brought it
    absl::Time refused = absl::InfinitePast();  // by the balance, and not stored since
  };

  uint64_t NewRows(const DrawRange& draw) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // Versions that the policy to be made next is newer than the stream's last chunk.
  uint64_t Lag(const StreamView& stream) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // The active stream that is furthest behind; null: none is active.
  const StreamView* Furthest() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  LearnerLimit FindLimit(uint64_t rows) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  std::string LearnerText(uint64_t rows) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  std::string ActorText(absl::Time now) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  Admission RefuseByBalance(uint32_t stream, double excess, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The balance before the first draw.
  double FirstBalance() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  double slack() const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  const uint64_t steps_per_round_;
  const uint64_t steps_per_stream_;  // 0: unknown
  mutable absl::Mutex mu_;
  v1::TableLimits limits_ ABSL_GUARDED_BY(mu_);
  uint64_t inserts_ ABSL_GUARDED_BY(mu_);
  bool started_ ABSL_GUARDED_BY(mu_) = false;    // rows were drawn
  uint64_t samples_ ABSL_GUARDED_BY(mu_) = 0;    // rows drawn ever
  uint64_t drawn_end_ ABSL_GUARDED_BY(mu_) = 0;  // the first row that was never drawn
  double balance_ ABSL_GUARDED_BY(mu_);
  uint64_t pending_steps_ ABSL_GUARDED_BY(mu_) = 0;  // admitted, not stored yet
  uint64_t policy_version_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t largest_staleness_ ABSL_GUARDED_BY(mu_) = 0;
  double rows_per_second_ ABSL_GUARDED_BY(mu_) = 0;  // lately; 0: unknown
  absl::Time last_draw_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  std::vector<StreamView> streams_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_LIMITER_H_
