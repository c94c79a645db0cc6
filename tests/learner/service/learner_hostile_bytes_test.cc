// Bytes that are no request, to every method of the learner: each call is answered, and
// the server goes on.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/common/hostile_calls.h"
#include "tests/learner/service/learner_fixture.h"

namespace sr2l {
namespace {

std::vector<RpcMethod> LearnerMethods(const std::string& experiment_id) {
  std::vector<RpcMethod> methods =
      MethodsOf(*v1::ExperimentConfig::descriptor()->file()->service(0), experiment_id);
  const std::vector<RpcMethod> fleet =
      MethodsOf(*v1::JoinRequest::descriptor()->file()->service(0), experiment_id);
  methods.insert(methods.end(), fleet.begin(), fleet.end());
  return methods;
}

class LearnerHostileBytesTest : public LearnerFixture,
                                public ::testing::WithParamInterface<RpcMethod> {};

TEST_P(LearnerHostileBytesTest, EveryCallIsAnsweredAndTheServerStillServes) {
  const std::string id = SubmitGood();
  WatchUntil(id, [](const v1::Experiment& e) { return e.state() == v1::RUNNING; });
  for (const RpcMethod& method : LearnerMethods(id)) {
    if (method.path == GetParam().path) SendHostileBytes(channel_, method);
  }
  v1::SubmitRequest request = Request();
  request.set_dry_run(true);
  v1::SubmitResponse response;
  const grpc::Status status = Submit(request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_GE(NumExperiments(), 1);
}

INSTANTIATE_TEST_SUITE_P(EveryMethod, LearnerHostileBytesTest,
                         ::testing::ValuesIn(LearnerMethods("none")),
                         [](const auto& info) { return MethodName(info.param); });

TEST_F(LearnerFixture, AMethodThatDoesNotExistIsAnsweredAsSuch) {
  grpc::GenericStub stub(channel_);
  for (const char* path : {"/sr2l.v1.Fleet/NoSuchMethod", "/sr2l.v1.Experiments/NoSuchMethod"}) {
    EXPECT_EQ(CallWithBytes(stub, path, "\x01", false).error_code(),
              grpc::StatusCode::UNIMPLEMENTED);
  }
}

}  // namespace
}  // namespace sr2l
