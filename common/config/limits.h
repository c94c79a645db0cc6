#ifndef SR2L_COMMON_CONFIG_LIMITS_H_
#define SR2L_COMMON_CONFIG_LIMITS_H_

namespace sr2l {

// Most members of one experiment, and so the most tables that one request names.
inline constexpr int kMaxMembers = 1000;

}  // namespace sr2l

#endif  // SR2L_COMMON_CONFIG_LIMITS_H_
