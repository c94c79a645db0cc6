#ifndef SR2L_TESTS_DEPLOY_TEMPORARY_FOLDER_H_
#define SR2L_TESTS_DEPLOY_TEMPORARY_FOLDER_H_

#include <string>

namespace sr2l {

// A fresh folder under $TMPDIR, removed with all that is in it when this goes.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// The whole of a file; empty when there is none.
std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& content);

}  // namespace sr2l

#endif  // SR2L_TESTS_DEPLOY_TEMPORARY_FOLDER_H_
