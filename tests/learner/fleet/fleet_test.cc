#include "learner/fleet/fleet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::JoinRequest Actor(const std::string& name, uint32_t max_streams = 64) {
  v1::JoinRequest request;
  request.set_actor_name(name);
  request.set_max_streams(max_streams);
  return request;
}

Fleet::ActiveExperiment Experiment(uint32_t members, uint32_t streams) {
  Fleet::ActiveExperiment experiment;
  experiment.assignment.set_experiment_id("e");
  for (uint32_t i = 0; i < members; ++i) experiment.seeds.push_back(100 + i);
  experiment.streams_per_member = streams;
  return experiment;
}

v1::PolicySnapshot Policy(uint32_t member, uint64_t version) {
  v1::PolicySnapshot policy;
  policy.set_experiment_id("e");
  policy.set_member(member);
  policy.set_version(version);
  return policy;
}

std::vector<v1::FleetEvent> Drain(Fleet& fleet, Fleet::ActorId actor) {
  std::vector<v1::FleetEvent> events;
  while (const auto event = fleet.NextEvent(actor)) events.push_back(*event);
  return events;
}

// What an actor that obeys its events would drive: (member, stream) -> epoch.
struct Follower {
  Fleet::ActorId id;
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> leases = {};
  std::map<uint32_t, uint64_t> versions = {};

  void Follow(Fleet& fleet) {
    for (const v1::FleetEvent& event : Drain(fleet, id)) {
      if (event.has_grant()) {
        leases[{event.grant().key().member(), event.grant().key().stream()}] =
            event.grant().epoch();
      } else if (event.has_revoke()) {
        leases.erase({event.revoke().key().member(), event.revoke().key().stream()});
      } else if (event.has_policy()) {
        versions[event.policy().member()] = event.policy().version();
      } else if (event.has_end()) {
        leases.clear();
      }
    }
  }
};

void Ignore() {}

TEST(FleetTest, AnActorLearnsOfTheExperimentBeforeItsFirstLeaseAndGetsThePolicy) {
  Fleet fleet(1);
  fleet.Start(Experiment(1, 1));
  fleet.Publish(Policy(0, 0));
  const auto actor = fleet.Join(Actor("a"), Ignore);
  ASSERT_TRUE(actor.ok());
  const std::vector<v1::FleetEvent> events = Drain(fleet, *actor);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_TRUE(events[0].has_assignment());
  EXPECT_TRUE(events[1].has_grant());
  EXPECT_EQ(events[1].grant().seed(), 100u);
  EXPECT_TRUE(events[2].has_policy());
}

TEST(FleetTest, StreamsAreSpreadEvenlyAndEachHasOneDriver) {
  Fleet fleet(1);
  fleet.Start(Experiment(5, 3));
  std::vector<Follower> actors;
  for (int i = 0; i < 4; ++i) actors.push_back({*fleet.Join(Actor("a"), Ignore)});
  std::set<std::pair<uint32_t, uint32_t>> driven;
  size_t total = 0;
  for (Follower& actor : actors) {
    actor.Follow(fleet);
    EXPECT_GE(actor.leases.size(), 3u);
    EXPECT_LE(actor.leases.size(), 4u);
    total += actor.leases.size();
    for (const auto& [stream, epoch] : actor.leases) driven.insert(stream);
  }
  EXPECT_EQ(total, 15u);
  EXPECT_EQ(driven.size(), 15u);
}

TEST(FleetTest, LeasesOfAnActorThatLeftGoToOthersWithHigherEpochs) {
  Fleet fleet(1);
  fleet.Start(Experiment(2, 2));
  Follower first{*fleet.Join(Actor("a"), Ignore)};
  Follower second{*fleet.Join(Actor("b"), Ignore)};
  first.Follow(fleet);
  second.Follow(fleet);
  const auto lost = first.leases;
  ASSERT_EQ(lost.size(), 2u);
  fleet.Leave(first.id);
  second.Follow(fleet);
  ASSERT_EQ(second.leases.size(), 4u);
  for (const auto& [stream, epoch] : lost) EXPECT_GT(second.leases.at(stream), epoch);
}

TEST(FleetTest, CapacityIsRespectedAndTheRestWaits) {
  Fleet fleet(1);
  fleet.Start(Experiment(5, 1));
  Follower actor{*fleet.Join(Actor("small", 2), Ignore)};
  actor.Follow(fleet);
  EXPECT_EQ(actor.leases.size(), 2u);
  EXPECT_EQ(fleet.num_leases(), 2);
  EXPECT_EQ(fleet.num_waiting_streams(), 3);
  Follower other{*fleet.Join(Actor("large", 10), Ignore)};
  other.Follow(fleet);
  actor.Follow(fleet);
  EXPECT_EQ(actor.leases.size(), 2u);
  EXPECT_EQ(other.leases.size(), 3u);
  EXPECT_EQ(fleet.num_waiting_streams(), 0);
}

TEST(FleetTest, EpochsOfALaterGenerationAreHigherThanAllBefore) {
  Fleet before(1);
  before.Start(Experiment(1, 1));
  Follower old_driver{*before.Join(Actor("a"), Ignore)};
  for (int i = 0; i < 1000; ++i) {
    before.Leave(old_driver.id);
    old_driver = {*before.Join(Actor("a"), Ignore)};
  }
  old_driver.Follow(before);
  Fleet after(2);
  after.Start(Experiment(1, 1));
  Follower new_driver{*after.Join(Actor("a"), Ignore)};
  new_driver.Follow(after);
  EXPECT_GT(new_driver.leases.begin()->second, old_driver.leases.begin()->second);
}

TEST(FleetTest, AReplacedPolicyIsSkippedSoTheQueueStaysBounded) {
  Fleet fleet(1);
  fleet.Start(Experiment(1, 1));
  Follower actor{*fleet.Join(Actor("a"), Ignore)};
  Drain(fleet, actor.id);
  for (uint64_t version = 0; version < 100; ++version) fleet.Publish(Policy(0, version));
  const std::vector<v1::FleetEvent> events = Drain(fleet, actor.id);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].policy().version(), 99u);
}

TEST(FleetTest, AStreamThatMovesAwayAndBackBringsItsPolicyAgain) {
  Fleet fleet(1);
  fleet.Start(Experiment(1, 1));
  fleet.Publish(Policy(0, 7));
  Follower first{*fleet.Join(Actor("a", 1), Ignore)};
  first.Follow(fleet);
  EXPECT_EQ(first.versions.at(0), 7u);
  fleet.Start([] {
    Fleet::ActiveExperiment more = Experiment(1, 1);
    more.assignment.set_experiment_id("f");
    return more;
  }());
  first.versions.clear();
  fleet.Leave(first.id);
  Follower again{*fleet.Join(Actor("a", 2), Ignore)};
  again.Follow(fleet);
  EXPECT_EQ(again.versions.at(0), 7u);
}

TEST(FleetTest, AStoppedMemberHasNoLeasesAndItsPoliciesGoNowhere) {
  Fleet fleet(1);
  fleet.Start(Experiment(2, 1));
  Follower actor{*fleet.Join(Actor("a"), Ignore)};
  actor.Follow(fleet);
  fleet.StopMember("e", 0);
  actor.Follow(fleet);
  ASSERT_EQ(actor.leases.size(), 1u);
  EXPECT_EQ(actor.leases.begin()->first.first, 1u);
  fleet.Publish(Policy(0, 3));
  EXPECT_TRUE(Drain(fleet, actor.id).empty());
}

TEST(FleetTest, TheEndOfAnExperimentIsToldAndFreesTheActor) {
  Fleet fleet(1);
  fleet.Start(Experiment(2, 1));
  Follower actor{*fleet.Join(Actor("a", 2), Ignore)};
  actor.Follow(fleet);
  fleet.End("e");
  actor.Follow(fleet);
  EXPECT_TRUE(actor.leases.empty());
  EXPECT_EQ(fleet.num_leases(), 0);
  fleet.Start(Experiment(2, 1));
  actor.Follow(fleet);
  EXPECT_EQ(actor.leases.size(), 2u);
}

TEST(FleetTest, OnlyTheActorsWithNewsAreWoken) {
  Fleet fleet(1);
  std::vector<std::string> woken;
  fleet.Start(Experiment(1, 1));
  const auto driver = fleet.Join(Actor("driver"), [&woken] { woken.push_back("driver"); });
  Drain(fleet, *driver);
  const auto idle = fleet.Join(Actor("idle"), [&woken] { woken.push_back("idle"); });
  ASSERT_TRUE(idle.ok());
  woken.clear();
  fleet.Publish(Policy(0, 0));
  EXPECT_THAT(woken, ElementsAre("driver"));
}

TEST(FleetTest, TheFirstReportedFailureIsKept) {
  Fleet fleet(1);
  fleet.Start(Experiment(1, 1));
  v1::ReportFailureRequest report;
  report.set_experiment_id("e");
  report.set_reason("model swimmer.xml: no such body");
  EXPECT_TRUE(fleet.ReportFailure(report).ok());
  report.set_reason("another");
  EXPECT_TRUE(fleet.ReportFailure(report).ok());
  EXPECT_EQ(fleet.Failure("e"),
            absl::FailedPreconditionError("model swimmer.xml: no such body"));
  fleet.End("e");
  fleet.Start(Experiment(1, 1));
  EXPECT_EQ(fleet.Failure("e"), absl::OkStatus()) << "started again";
  report.set_experiment_id("e");
  report.set_steps_lost(true);
  EXPECT_TRUE(fleet.ReportFailure(report).ok());
  EXPECT_EQ(fleet.Failure("e"), absl::AbortedError("another"));
  report.set_experiment_id("unknown");
  EXPECT_EQ(fleet.ReportFailure(report).code(), absl::StatusCode::kNotFound);
}

TEST(FleetTest, BadJoinRequestsNameTheFieldAndTheRange) {
  Fleet fleet(1);
  EXPECT_THAT(std::string(fleet.Join(Actor(""), Ignore).status().message()),
              HasSubstr("actor_name must have 1 to 128 characters, got 0"));
  EXPECT_THAT(std::string(fleet.Join(Actor("a", 0), Ignore).status().message()),
              HasSubstr("max_streams must be in [1, 100000], got 0"));
}

TEST(FleetTest, HasNoMoreActorsThanItMayAndRoomAgainWhenOneLeaves) {
  Fleet fleet(1);
  const Fleet::ActorId first = fleet.Join(Actor("first"), Ignore).value();
  for (size_t i = 1; i < Fleet::kMaxActors; ++i) ASSERT_TRUE(fleet.Join(Actor("a"), Ignore).ok());
  EXPECT_EQ(fleet.Join(Actor("a"), Ignore).status().code(), absl::StatusCode::kResourceExhausted);
  fleet.Leave(first);
  EXPECT_TRUE(fleet.Join(Actor("a"), Ignore).ok());
}

}  // namespace
}  // namespace sr2l
