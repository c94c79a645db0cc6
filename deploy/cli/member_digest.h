#ifndef SR2L_DEPLOY_CLI_MEMBER_DIGEST_H_
#define SR2L_DEPLOY_CLI_MEMBER_DIGEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "sr2l/v1/policy.pb.h"

namespace sr2l {

// SHA-256, in hexadecimal, of what a member has learned: the policy's parameters, its
// log_std as little-endian float32, and the baseline's parameters, one after the other.
std::string DigestOf(const v1::TrainedMember& member);

// A line "member env_steps updates sha256" for each final policies/member_<k>.member of
// a run's folder, by member. NotFound when there is none; InvalidArgument names a file
// that does not read.
absl::StatusOr<std::string> DigestRun(const std::string& folder);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_MEMBER_DIGEST_H_
