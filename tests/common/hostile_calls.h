#ifndef SR2L_TESTS_COMMON_HOSTILE_CALLS_H_
#define SR2L_TESTS_COMMON_HOSTILE_CALLS_H_

#include <google/protobuf/descriptor.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <string>
#include <vector>

namespace sr2l {

// A method of a service, and bytes that it takes for a request of its own.
struct RpcMethod {
  std::string path;  // "/sr2l.v1.Replay/Append"
  std::string valid_request;
};

// Every method of the service, as its .proto has it. The requests belong to experiment
// `experiment_id`; a method without one here is a failed test.
std::vector<RpcMethod> MethodsOf(const google::protobuf::ServiceDescriptor& service,
                                 const std::string& experiment_id);

// The method's name alone, as a name of a parametrized test.
std::string MethodName(const RpcMethod& method);

// Sends `bytes` as the only message of a call. Cancels the call at its first answer where
// `first_answer_only`, for methods that go on answering. Returns how the call ended; one
// that gets no answer within 20 s is a failed test.
grpc::Status CallWithBytes(grpc::GenericStub& stub, const std::string& path,
                           const std::string& bytes, bool first_answer_only);

// Sends truncations and bit flips of the valid request, random bytes, and a message above
// the size limit; each must be answered by the server.
void SendHostileBytes(const std::shared_ptr<grpc::Channel>& channel, const RpcMethod& method);

}  // namespace sr2l

#endif  // SR2L_TESTS_COMMON_HOSTILE_CALLS_H_
