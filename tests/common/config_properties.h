#ifndef SR2L_TESTS_COMMON_CONFIG_PROPERTIES_H_
#define SR2L_TESTS_COMMON_CONFIG_PROPERTIES_H_

#include <string>

namespace sr2l {

// What holds for any text and any override: errors have a message, what is accepted is
// valid, and it survives being resolved again and written out. Aborts where it does not.
// Returns whether the experiment was accepted.
bool CheckConfigProperties(const std::string& text, const std::string& assignment);

}  // namespace sr2l

#endif  // SR2L_TESTS_COMMON_CONFIG_PROPERTIES_H_
