// An actor that is alive but does not take its events loses its streams to the others.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "common/rpc/server.h"
#include "learner/fleet/fleet.h"
#include "learner/service/fleet_service.h"
#include "tests/common/keep_callback_threads.h"

namespace sr2l {
namespace {

constexpr absl::Duration kPatience = absl::Milliseconds(400);
constexpr absl::Duration kDeadline = absl::Minutes(1);
constexpr uint32_t kStreams = 4;

class StuckActorTest : public ::testing::Test {
 protected:
  StuckActorTest() {
    KeepCallbackThreads();
    std::string folder = ::testing::TempDir() + "sr2l-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    server_ = *RpcServer::Start("unix:" + folder_ + "/learner", {}, {&service_});
  }
  ~StuckActorTest() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<v1::Fleet::Stub> Connect() const {
    return v1::Fleet::NewStub(*MakeChannel(server_->address(), {}));
  }

  std::unique_ptr<grpc::ClientReader<v1::FleetEvent>> Join(v1::Fleet::Stub& stub,
                                                           grpc::ClientContext& context) const {
    context.set_deadline(absl::ToChronoTime(absl::Now() + kDeadline));
    v1::JoinRequest request;
    request.set_actor_name("actor");
    return stub.Join(&context, request);
  }

  bool HasActors(int count) const {
    const absl::Time end = absl::Now() + kDeadline;
    while (fleet_.num_actors() != count && absl::Now() < end) {
      absl::SleepFor(absl::Milliseconds(1));
    }
    return fleet_.num_actors() == count;
  }

  // An experiment whose model no connection holds on its way.
  static Fleet::ActiveExperiment LargeExperiment() {
    Fleet::ActiveExperiment experiment;
    experiment.assignment.set_experiment_id("e");
    experiment.assignment.mutable_task()->set_model(std::string(16 << 20, 'x'));
    experiment.seeds = {1};
    experiment.streams_per_member = kStreams;
    return experiment;
  }

  std::string folder_;
  Fleet fleet_{1};
  FleetService service_{fleet_, kPatience};
  std::unique_ptr<RpcServer> server_;
};

TEST_F(StuckActorTest, ItsStreamsGoToAnActorThatReads) {
  const auto stuck_stub = Connect();
  grpc::ClientContext stuck_context;
  const auto stuck = Join(*stuck_stub, stuck_context);
  ASSERT_TRUE(HasActors(1));
  fleet_.Start(LargeExperiment());
  const auto stub = Connect();
  grpc::ClientContext context;
  const auto reader = Join(*stub, context);

  uint32_t grants = 0;
  v1::FleetEvent event;
  while (grants < kStreams && reader->Read(&event)) {
    if (event.has_grant()) ++grants;
  }
  EXPECT_EQ(grants, kStreams);
  EXPECT_EQ(fleet_.num_actors(), 1);
  while (stuck->Read(&event)) EXPECT_FALSE(event.has_grant());
  EXPECT_EQ(stuck->Finish().error_code(), grpc::StatusCode::CANCELLED);
  context.TryCancel();
  reader->Finish();
}

TEST_F(StuckActorTest, AnActorThatReadsWhatThereIsStays) {
  const auto stub = Connect();
  grpc::ClientContext context;
  const auto reader = Join(*stub, context);
  ASSERT_TRUE(HasActors(1));
  fleet_.Start(LargeExperiment());
  v1::FleetEvent event;
  for (uint32_t i = 0; i < 1 + kStreams; ++i) ASSERT_TRUE(reader->Read(&event));
  // Nothing comes for a while, and nothing is wrong with that.
  absl::SleepFor(2 * kPatience);
  EXPECT_EQ(fleet_.num_actors(), 1);
  fleet_.End("e");
  ASSERT_TRUE(reader->Read(&event));
  EXPECT_TRUE(event.has_end());
  context.TryCancel();
  reader->Finish();
  EXPECT_TRUE(HasActors(0));
}

}  // namespace
}  // namespace sr2l
