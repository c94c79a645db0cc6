#ifndef SR2L_DEPLOY_CLI_MEMBER_FILES_H_
#define SR2L_DEPLOY_CLI_MEMBER_FILES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "sr2l/v1/policy.pb.h"

namespace sr2l {

// The files of the final policies in a run's folder, policies/member_<k>.member, by member.
// NotFound when there is none.
absl::StatusOr<std::map<uint32_t, std::string>> FinalMemberFiles(const std::string& folder);

// InvalidArgument names the file when it does not read.
absl::StatusOr<v1::TrainedMember> ReadMemberFile(const std::string& path);

// The member with its final policy, or with the kept one of this version. NotFound says which
// there are.
absl::StatusOr<v1::TrainedMember> ReadMember(const std::string& folder, uint32_t member,
                                             std::optional<uint64_t> version);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_MEMBER_FILES_H_
