// Many random runs of a learner and actors under the limiter's rules.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "common/limits/limits.h"
#include "replay/core/limiter.h"
#include "replay/core/validate_table.h"
#include "tests/common/dice.h"
#include "tests/replay/chunks.h"

namespace sr2l {
namespace {

using Verdict = Limiter::Verdict;

const absl::Time kNow = absl::FromUnixSeconds(1000);

// An actor of one stream: takes steps with the newest policy that it has, and keeps a chunk
// until it is stored or refused as stale.
struct RandomActor {
  bool present = true;
  bool has_chunk = false;
  uint64_t chunk_version = 0;
  uint64_t chunk_steps = 0;
  uint64_t version = 0;  // of the policy it has
  uint64_t call = 0;
  double speed = 1;
};

class RandomRun {
 public:
  explicit RandomRun(uint64_t seed) : dice_(seed), spec_(MakeRandomSpec()), limiter_(spec_, 0) {
    actors_.resize(spec_.num_streams());
    for (RandomActor& actor : actors_) {
      actor.speed = 1.0 / static_cast<double>(1 + dice_.Below(20));
      actor.call = ++last_call_;
    }
  }

  void Go(int turns) {
    for (int turn = 0; turn < turns; ++turn) {
      const uint64_t who = dice_.Below(actors_.size() + 1);
      if (who == actors_.size()) {
        TryDraw();
      } else {
        Act(static_cast<uint32_t>(who));
      }
      const v1::LimiterState state = limiter_.Describe({}, kNow);
      if (state.samples() > 0) {
        ASSERT_LE(std::abs(state.balance()), spec_.limits().tolerance() * (1 + 1e-8));
      }
      ASSERT_LE(state.largest_staleness(), spec_.limits().max_staleness());
      if (turn % 16 == 0) ExpectSomebodyCanGoOn();
    }
  }

  uint64_t versions() const { return version_; }

 private:
  v1::TableSpec MakeRandomSpec() {
    v1::TableSpec spec = MakeSpec("e", 0, static_cast<uint32_t>(1 + dice_.Below(8)),
                                  static_cast<uint32_t>(1 + dice_.Below(50)));
    spec.set_capacity(1000000);
    v1::TableLimits& limits = *spec.mutable_limits();
    limits.set_minimum_size(1 + dice_.Below(500));
    limits.set_samples_per_insert(static_cast<double>(1 + dice_.Below(400)) / 16);
    limits.set_samples_per_version(static_cast<uint32_t>(1 + dice_.Below(500)));
    // The least that is allowed, or somewhat more.
    limits.set_tolerance(LeastTolerance(limits, spec.steps_per_round()));
    if (dice_.OneIn(2)) limits.set_tolerance(limits.tolerance() * (1 + dice_.Below(4)));
    limits.set_max_staleness(static_cast<uint32_t>(LeastMaxStaleness(limits) + dice_.Below(3)));
    EXPECT_EQ(ValidateTable("table", spec), absl::OkStatus());
    return spec;
  }

  // One version takes samples_per_version rows, in one or two requests.
  void TryDraw() {
    const uint64_t whole = spec_.limits().samples_per_version();
    const uint64_t left = whole - drawn_ % whole;
    const uint64_t count = left > 1 && dice_.OneIn(2) ? 1 + dice_.Below(left) : left;
    limiter_.SetPolicyVersion(version_);
    const DrawRange draw{.first = drawn_, .count = count};
    if (!*limiter_.MayDraw(draw)) return;
    ASSERT_EQ(limiter_.CountDraw(draw, kNow), count);
    drawn_ += count;
    if (drawn_ % whole == 0) ++version_;
  }

  // True: it stored something, or is about to take newer steps.
  bool Act(uint32_t stream) {
    RandomActor& actor = actors_[stream];
    if (dice_.OneIn(200)) actor.present = !actor.present;
    if (!actor.present) {
      if (actor.call != 0) limiter_.EndCall(actor.call);
      actor.call = 0;
      actor.has_chunk = false;
      return false;
    }
    if (actor.call == 0) {
      limiter_.Open(stream);
      actor.call = ++last_call_;
      actor.version = version_;
    }
    if (static_cast<double>(dice_.Below(1000)) > 1000 * actor.speed) return false;
    if (dice_.OneIn(3)) actor.version = version_;  // the policy arrives
    return Step(stream);
  }

  bool Step(uint32_t stream) {
    RandomActor& actor = actors_[stream];
    if (!actor.has_chunk) {
      actor.has_chunk = true;
      actor.chunk_version = actor.version;
      actor.chunk_steps = 1 + dice_.Below(spec_.steps_per_round());
    }
    const auto admission = limiter_.Admit(stream, actor.chunk_steps, actor.chunk_version, kNow);
    if (admission.verdict == Verdict::kLimited) return false;
    actor.has_chunk = false;
    if (admission.verdict == Verdict::kStalePolicy) {
      limiter_.Open(stream);
      actor.version = version_;
    } else if (dice_.OneIn(100)) {
      limiter_.Withdraw(stream, actor.chunk_steps);
    } else {
      limiter_.Store(stream, actor.chunk_steps, /*next_step=*/0, actor.call);
    }
    return true;
  }

  // All policies delivered: either the learner may draw, or an actor that is present gets
  // somewhere.
  void ExpectSomebodyCanGoOn() {
    limiter_.SetPolicyVersion(version_);
    const uint64_t whole = spec_.limits().samples_per_version();
    const DrawRange draw{.first = drawn_, .count = whole - drawn_ % whole};
    if (*limiter_.MayDraw(draw)) return;
    bool present = false;
    for (uint32_t stream = 0; stream < actors_.size(); ++stream) {
      if (!actors_[stream].present || actors_[stream].call == 0) continue;
      present = true;
      actors_[stream].version = version_;
      if (Step(stream)) return;
    }
    if (!present) return;  // the learner waits for actors to come back
    // Refusals may have taken streams out of the learner's way.
    EXPECT_TRUE(*limiter_.MayDraw(draw))
        << limiter_.DescribeDraw(draw) << "; " << limiter_.Describe(draw, kNow).waiting();
  }

  Dice dice_;
  const v1::TableSpec spec_;
  Limiter limiter_;
  std::vector<RandomActor> actors_;
  uint64_t version_ = 0;
  uint64_t drawn_ = 0;
  uint64_t last_call_ = 0;
};

TEST(LimiterRandomTest, UnderRandomActorsNobodyEverWaitsForEachOtherAndBothLimitsHold) {
  uint64_t versions = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    RandomRun run(seed);
    run.Go(4000);
    if (HasFailure()) return;
    versions += run.versions();
  }
  EXPECT_GT(versions, 400u * 20);
}

}  // namespace
}  // namespace sr2l
