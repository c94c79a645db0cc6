#ifndef SR2L_TESTS_REPLAY_DISK_SYNCS_H_
#define SR2L_TESTS_REPLAY_DISK_SYNCS_H_

#include <string>

namespace sr2l {

// Whether this program's syncs of files reach the disk: disk_syncs.cc stands in for the system's
// fsync and fdatasync. Thread-safe; one for the whole program.
class DiskSyncs {
 public:
  // As the system does them.
  static void Pass();
  // At once and in vain, for tests of what does not depend on them.
  static void Skip();
  // Syncs of files whose path ends like this, of all if empty, fail with EIO, and what is not on
  // the disk yet never comes there, while the system believes that it did.
  static void Fail(const std::string& ending = "");
  // Syncs wait until Pass.
  static void Hold();

  // Since the last of the calls above.
  static int num_failed();
  static int num_held();  // that wait now

  // What a loss of power would leave of a log's folder. What the disk holds without a sync (by
  // then the names of files and what lies in the small ones beside the database) is there.
  static void CopyAfterPowerCut(const std::string& folder, const std::string& target);
};

}  // namespace sr2l

#endif  // SR2L_TESTS_REPLAY_DISK_SYNCS_H_
