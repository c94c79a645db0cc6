// A member whose update cannot be finite, from its actor's chunks to the experiment's end.
// The test is the actor.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>

#include "absl/strings/match.h"
#include "replay/client/chunk_sender.h"
#include "tests/learner/service/learner_fixture.h"
#include "tests/replay/chunks.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint32_t kMembers = 2;
constexpr uint32_t kRounds = 3;
constexpr uint32_t kStepsPerRound = 20;
constexpr uint32_t kSpoiled = 0;
// Finite, as the replay demands, yet two of them overflow a float's sum.
constexpr float kAbsurdReward = 3e38f;

// Drives every stream that it is given, with a whole round in a chunk.
class PlayedActor {
 public:
  PlayedActor(v1::Fleet::Stub& fleet, const ReplayServer& replay)
      : fleet_(fleet), sender_(replay.Connect(), {}, [](const v1::AppendResponse&) {}) {}

  // Until the experiment's end, or a deadline.
  void DriveToEnd() {
    v1::JoinRequest join;
    join.set_actor_name("test");
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
    const auto reader = fleet_.Join(&context, join);
    v1::FleetEvent event;
    while (!event.has_end()) {
      ASSERT_TRUE(reader->Read(&event)) << reader->Finish().error_message();
      if (event.has_grant()) OnGrant(event.grant());
      if (event.has_policy()) OnPolicy(event.policy());
      if (event.has_revoke()) epochs_.erase(event.revoke().key().member());
    }
    context.TryCancel();
  }

 private:
  void OnGrant(const v1::LeaseGrant& grant) {
    const auto opened = sender_.OpenStream(grant.key(), grant.epoch(),
                                           absl::Now() + absl::Seconds(20));
    ASSERT_TRUE(opened.ok()) << opened.status();
    epochs_[grant.key().member()] = grant.epoch();
  }

  void OnPolicy(const v1::PolicySnapshot& policy) {
    const auto epoch = epochs_.find(policy.member());
    if (epoch == epochs_.end() || policy.version() >= kRounds) return;
    v1::TableSpec spec =
        MakeSpec(policy.experiment_id(), policy.member(), 1, kStepsPerRound);
    spec.set_observation_dim(4);
    spec.set_action_dim(1);
    v1::Chunk chunk = MakeChunk(spec, {.first_step = policy.version() * kStepsPerRound,
                                       .num_steps = kStepsPerRound,
                                       .epoch = epoch->second});
    chunk.clear_observations();
    for (uint32_t i = 0; i < (kStepsPerRound + 1) * spec.observation_dim(); ++i) {
      AppendFloat(*chunk.mutable_observations(), 0.01f * static_cast<float>(i % 17));
    }
    if (policy.member() == kSpoiled) {
      chunk.clear_rewards();
      for (uint32_t i = 0; i < kStepsPerRound; ++i) {
        AppendFloat(*chunk.mutable_rewards(), kAbsurdReward);
      }
    }
    EXPECT_EQ(sender_.Send(std::make_shared<const v1::Chunk>(chunk)), absl::OkStatus());
  }

  v1::Fleet::Stub& fleet_;
  std::map<uint32_t, uint64_t> epochs_;  // by member
  ChunkSender sender_;
};

class FailingMemberTest : public LearnerFixture {
 protected:
  std::string SubmitTwoMembers() {
    v1::SubmitRequest request = Request();
    request.mutable_config()->mutable_members()->add_seeds(0);
    request.mutable_config()->mutable_members()->add_seeds(1);
    request.mutable_config()->set_rounds(kRounds);
    request.mutable_config()->set_steps_per_round(kStepsPerRound);
    v1::SubmitResponse response;
    const grpc::Status status = Submit(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.experiment_id();
  }

  // Rows of curve.csv by member.
  static std::map<uint32_t, int> NumRows(const std::string& results_path) {
    std::map<uint32_t, int> rows;
    std::ifstream curve(results_path + "/curve.csv");
    std::string line;
    EXPECT_TRUE(std::getline(curve, line));
    EXPECT_TRUE(absl::StartsWith(line, "member,"));
    while (std::getline(curve, line)) ++rows[static_cast<uint32_t>(std::stoul(line))];
    return rows;
  }
};

TEST_F(FailingMemberTest, IsStoppedWithItsReasonAndTheOtherOneFinishes) {
  const std::string id = SubmitTwoMembers();
  PlayedActor actor(*fleet_, replay_);
  actor.DriveToEnd();
  const v1::Experiment ended = WatchToEnd(id);
  EXPECT_EQ(ended.state(), v1::FAILED);
  EXPECT_THAT(ended.reason(), HasSubstr("member 0"));
  EXPECT_THAT(ended.reason(), Not(HasSubstr("member 1")));

  ASSERT_EQ(ended.progress().members_size(), static_cast<int>(kMembers));
  const v1::MemberProgress& spoiled = ended.progress().members(kSpoiled);
  EXPECT_TRUE(spoiled.failed());
  EXPECT_THAT(spoiled.failure(), HasSubstr("finite"));
  const v1::MemberProgress& sound = ended.progress().members(1);
  EXPECT_FALSE(sound.failed());
  EXPECT_EQ(sound.updates(), kRounds);
  EXPECT_EQ(sound.rounds(), kRounds);
  EXPECT_EQ(sound.env_steps(), kRounds * kStepsPerRound);

  // What is not finite is no result.
  const std::map<uint32_t, int> expected = {{1, static_cast<int>(kRounds)}};
  EXPECT_EQ(NumRows(ended.results_path()), expected);
}

}  // namespace
}  // namespace sr2l
