#ifndef SR2L_COMMON_POLICY_MEMBER_FILE_H_
#define SR2L_COMMON_POLICY_MEMBER_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "sr2l/v1/policy.pb.h"

namespace sr2l {

// What a file policies/*.member of a run's folder holds: `member`, and after it, as its last
// field, the SHA-256 of all bytes before that field.
std::string EncodeMemberFile(const v1::TrainedMember& member);

// InvalidArgument names the file when it is none, or any byte of it is not as it was written.
absl::StatusOr<v1::TrainedMember> ReadMemberFile(const std::string& path);

}  // namespace sr2l

#endif  // SR2L_COMMON_POLICY_MEMBER_FILE_H_
