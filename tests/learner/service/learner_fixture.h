#ifndef SR2L_TESTS_LEARNER_SERVICE_LEARNER_FIXTURE_H_
#define SR2L_TESTS_LEARNER_SERVICE_LEARNER_FIXTURE_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "common/rpc/credentials.h"
#include "sr2l/v1/experiment.grpc.pb.h"
#include "sr2l/v1/fleet.grpc.pb.h"
#include "tests/learner/service/learner_server.h"
#include "tests/replay/replay_server.h"

namespace sr2l {

// The learner's services over a real connection, with a real replay service behind them
// and no actors but those that a test plays itself.
class LearnerFixture : public ::testing::Test {
 protected:
  LearnerFixture() { Restart(); }
  ~LearnerFixture() override {
    learner_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Restart() {
    learner_.reset();
    learner_ = std::make_unique<LearnerServer>(folder_, replay_.address());
    channel_ = *MakeChannel(learner_->address, {});
    experiments_ = v1::Experiments::NewStub(channel_);
    fleet_ = v1::Fleet::NewStub(channel_);
  }

  static void SetDeadline(grpc::ClientContext& context) {
    context.set_wait_for_ready(true);
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
  }

  static v1::SubmitRequest Request() {
    v1::SubmitRequest request;
    request.mutable_config()->mutable_task()->set_builtin("inverted_pendulum");
    request.mutable_config()->mutable_trpo();
    request.mutable_config()->set_rounds(2);
    return request;
  }

  grpc::Status Submit(const v1::SubmitRequest& request, v1::SubmitResponse* response) {
    grpc::ClientContext context;
    SetDeadline(context);
    return experiments_->Submit(&context, request, response);
  }

  std::string SubmitGood() {
    v1::SubmitResponse response;
    const grpc::Status status = Submit(Request(), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.experiment_id();
  }

  v1::Experiment Cancel(const std::string& id) {
    v1::CancelRequest request;
    request.set_experiment_id(id);
    request.set_reason("enough");
    grpc::ClientContext context;
    SetDeadline(context);
    v1::Experiment experiment;
    const grpc::Status status = experiments_->Cancel(&context, request, &experiment);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return experiment;
  }

  grpc::Status SetLimiter(const std::string& id, const v1::LimiterConfig& limiter,
                          v1::Experiment* experiment) {
    v1::SetLimiterRequest request;
    request.set_experiment_id(id);
    *request.mutable_limiter() = limiter;
    grpc::ClientContext context;
    SetDeadline(context);
    return experiments_->SetLimiter(&context, request, experiment);
  }

  // Watches until `enough` holds; the experiment as it then was.
  template <typename Predicate>
  v1::Experiment WatchUntil(const std::string& id, Predicate enough) {
    v1::GetRequest request;
    request.set_experiment_id(id);
    grpc::ClientContext context;
    SetDeadline(context);
    const auto reader = experiments_->Watch(&context, request);
    v1::Experiment experiment;
    while (reader->Read(&experiment)) {
      if (!enough(experiment)) continue;
      context.TryCancel();
      return experiment;
    }
    ADD_FAILURE() << "Watch ended early: " << reader->Finish().error_message();
    return experiment;
  }

  v1::Experiment WatchToEnd(const std::string& id) {
    return WatchUntil(id, [](const v1::Experiment& e) { return HasEnded(e.state()); });
  }

  int NumExperiments() {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::ListResponse response;
    EXPECT_TRUE(experiments_->List(&context, v1::ListRequest(), &response).ok());
    return response.experiments_size();
  }

  std::string folder_ = [] {
    std::string pattern = ::testing::TempDir() + "/learner-XXXXXX";
    return std::string(mkdtemp(pattern.data()));
  }();
  ReplayServer replay_{uint64_t{64} << 20};
  std::unique_ptr<LearnerServer> learner_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Experiments::Stub> experiments_;
  std::unique_ptr<v1::Fleet::Stub> fleet_;
};

}  // namespace sr2l

#endif  // SR2L_TESTS_LEARNER_SERVICE_LEARNER_FIXTURE_H_
