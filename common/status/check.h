#ifndef SR2L_COMMON_STATUS_CHECK_H_
#define SR2L_COMMON_STATUS_CHECK_H_

#include <cstdio>
#include <cstdlib>

// For what must not happen: a broken invariant of this program, never bad input.
// Prints the condition and its place, and aborts. Active in every build.
#define SR2L_CHECK(condition)                                                       \
  do {                                                                              \
    if (!(condition)) {                                                             \
      std::fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                 \
    }                                                                               \
  } while (false)

#endif  // SR2L_COMMON_STATUS_CHECK_H_
