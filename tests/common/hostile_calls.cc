#include "tests/common/hostile_calls.h"

#include <google/protobuf/unknown_field_set.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "absl/time/clock.h"
#include "common/rpc/credentials.h"
#include "sr2l/v1/experiment.pb.h"
#include "sr2l/v1/fleet.pb.h"
#include "tests/common/dice.h"
#include "tests/replay/chunks.h"

namespace sr2l {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

// Of the replay's tests: one stream of 8 steps a round, of which the first is stored.
v1::TableSpec Table(const std::string& experiment_id) {
  return MakeSpec(experiment_id, 0, 1, 8);
}

void AddReplayRequests(const std::string& experiment_id,
                       std::map<std::string, std::string>& requests) {
  v1::CreateTablesRequest create;
  *create.add_tables() = Table(experiment_id);
  requests["CreateTables"] = create.SerializeAsString();
  v1::ReadRoundRequest read;
  read.set_experiment_id(experiment_id);
  read.add_members(0);
  read.set_round(0);
  read.set_max_wait_seconds(0);
  requests["ReadRound"] = read.SerializeAsString();
  v1::SampleRequest sample;
  sample.set_experiment_id(experiment_id);
  sample.add_members()->set_seed(1);
  sample.set_up_to_step(8);
  sample.set_num_draws(3);
  sample.set_max_wait_seconds(0);
  requests["Sample"] = sample.SerializeAsString();
  v1::SetLimitsRequest limits;
  limits.set_experiment_id(experiment_id);
  limits.add_members(0);
  limits.mutable_limits()->set_minimum_size(1);
  requests["SetLimits"] = limits.SerializeAsString();
  v1::ReleaseRoundsRequest release;
  release.set_experiment_id(experiment_id);
  release.add_members(0);
  release.set_before_round(0);
  requests["ReleaseRounds"] = release.SerializeAsString();
  v1::DropExperimentRequest drop;
  drop.set_experiment_id(experiment_id);
  requests["DropExperiment"] = drop.SerializeAsString();
  requests["Sync"] = v1::SyncRequest().SerializeAsString();
  v1::OpenStreamRequest open;
  *open.mutable_key() = MakeKey(Table(experiment_id), 0);
  open.set_lease_epoch(1);
  requests["OpenStream"] = open.SerializeAsString();
  v1::AppendRequest append;
  *append.mutable_chunk() =
      MakeChunk(Table(experiment_id), {.first_step = 8, .num_steps = 6, .ends = {2}});
  requests["Append"] = append.SerializeAsString();
  v1::DescribeTablesRequest describe;
  describe.set_experiment_id(experiment_id);
  requests["DescribeTables"] = describe.SerializeAsString();
}

void AddLearnerRequests(const std::string& experiment_id,
                        std::map<std::string, std::string>& requests) {
  v1::SubmitRequest submit;
  submit.mutable_config()->mutable_task()->set_builtin("inverted_pendulum");
  submit.mutable_config()->mutable_trpo()->set_max_kl(0.02);
  submit.mutable_config()->set_rounds(2);
  submit.set_idempotency_key("key");
  submit.set_dry_run(true);
  requests["Submit"] = submit.SerializeAsString();
  v1::ListRequest list;
  list.add_states(v1::RUNNING);
  list.set_page_size(10);
  requests["List"] = list.SerializeAsString();
  v1::GetRequest get;
  get.set_experiment_id(experiment_id);
  requests["Get"] = requests["Watch"] = get.SerializeAsString();
  v1::CancelRequest cancel;
  cancel.set_experiment_id(experiment_id);
  cancel.set_reason("enough");
  requests["Cancel"] = cancel.SerializeAsString();
  v1::SetLimiterRequest set_limiter;
  set_limiter.set_experiment_id(experiment_id);
  set_limiter.mutable_limiter()->set_samples_per_insert(8);
  requests["SetLimiter"] = set_limiter.SerializeAsString();
  v1::JoinRequest join;
  join.set_actor_name("actor");
  join.set_max_streams(2);
  requests["Join"] = join.SerializeAsString();
  v1::ReportFailureRequest report;
  report.set_experiment_id(experiment_id);
  report.set_reason("no such model");
  requests["ReportFailure"] = report.SerializeAsString();
  v1::ReportEvaluationRequest evaluation;
  evaluation.set_experiment_id(experiment_id);
  evaluation.set_round(2);
  evaluation.set_epoch(uint64_t{1} << 32);
  evaluation.add_returns(1.5);
  evaluation.add_lengths(20);
  requests["ReportEvaluation"] = evaluation.SerializeAsString();
}

// Some of the prefixes of `whole`, among them the empty one.
std::vector<std::string> Truncated(const std::string& whole) {
  std::vector<std::string> inputs;
  const size_t stride = std::max<size_t>(1, whole.size() / 60);
  for (size_t size = 0; size < whole.size(); size += stride) {
    inputs.push_back(whole.substr(0, size));
  }
  return inputs;
}

std::vector<std::string> FlippedAndRandom(const std::string& whole) {
  std::vector<std::string> inputs;
  for (uint64_t draw = 0; draw < 100; ++draw) {
    Dice dice(draw);
    std::string bytes = whole;
    if (draw % 2 == 0) {
      bytes.assign(dice.Below(300), '\0');
      for (char& byte : bytes) byte = static_cast<char>(dice.Below(256));
    } else {
      do {
        char& byte = bytes[dice.Below(bytes.size())];
        byte = static_cast<char>(byte ^ (1 << dice.Below(8)));
      } while (dice.OneIn(2));
    }
    inputs.push_back(std::move(bytes));
  }
  return inputs;
}

// The valid request with a field that nobody knows, above the limit.
std::string Oversized(const std::string& whole) {
  google::protobuf::UnknownFieldSet padding;
  padding.AddLengthDelimited(1000, std::string(kMaxMessageBytes, 'x'));
  std::string bytes;
  padding.SerializeToString(&bytes);
  return whole + bytes;
}

}  // namespace

std::vector<RpcMethod> MethodsOf(const google::protobuf::ServiceDescriptor& service,
                                 const std::string& experiment_id) {
  std::map<std::string, std::string> requests;
  AddReplayRequests(experiment_id, requests);
  AddLearnerRequests(experiment_id, requests);
  std::vector<RpcMethod> methods;
  for (int i = 0; i < service.method_count(); ++i) {
    const std::string& name = service.method(i)->name();
    EXPECT_TRUE(requests.contains(name)) << "no request for " << name;
    methods.push_back({"/" + service.full_name() + "/" + name, requests[name]});
  }
  return methods;
}

std::string MethodName(const RpcMethod& method) {
  return method.path.substr(method.path.rfind('/') + 1);
}

grpc::Status CallWithBytes(grpc::GenericStub& stub, const std::string& path,
                           const std::string& bytes, bool first_answer_only) {
  grpc::ClientContext context;
  const absl::Time deadline = absl::Now() + kPatience;
  context.set_deadline(absl::ToChronoTime(deadline));
  grpc::CompletionQueue queue;
  const auto await = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok));
    return ok;
  };
  const auto call = stub.PrepareCall(&context, path, &queue);
  call->StartCall(nullptr);
  if (await()) {
    const grpc::Slice slice(bytes);
    call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
    await();
    grpc::ByteBuffer answer;
    call->Read(&answer, nullptr);
    while (await()) {
      if (first_answer_only) context.TryCancel();
      call->Read(&answer, nullptr);
    }
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  await();
  EXPECT_LT(absl::Now(), deadline) << path << " hangs";
  return status;
}

void SendHostileBytes(const std::shared_ptr<grpc::Channel>& channel, const RpcMethod& method) {
  grpc::GenericStub stub(channel);
  const std::string name = MethodName(method);
  const bool endless = name == "Watch" || name == "Join";
  std::vector<std::string> inputs = Truncated(method.valid_request);
  for (std::string& input : FlippedAndRandom(method.valid_request)) {
    inputs.push_back(std::move(input));
  }
  for (const std::string& input : inputs) {
    const grpc::Status status = CallWithBytes(stub, method.path, input, endless);
    EXPECT_NE(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
    // A round or a draw that never comes is answered with what is missing.
    if (name != "ReadRound" && name != "Sample") {
      EXPECT_NE(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
    }
  }
  const grpc::Status refusal =
      CallWithBytes(stub, method.path, Oversized(method.valid_request), endless);
  EXPECT_EQ(refusal.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED)
      << refusal.error_message();
}

}  // namespace sr2l
