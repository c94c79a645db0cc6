#ifndef SR2L_TESTS_COMMON_TEST_AUTHORITY_H_
#define SR2L_TESTS_COMMON_TEST_AUTHORITY_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <filesystem>
#include <memory>
#include <string>

#include "common/rpc/credentials.h"

namespace sr2l {

// A certificate authority for one test: signs certificates for 127.0.0.1 and localhost
// and writes them as PEM files into `folder`. Aborts when OpenSSL fails.
class TestAuthority {
 public:
  TestAuthority(const std::filesystem::path& folder, const std::string& name);

  // Files with which a process shows the common name `role` and, if `spiffe_id` is not
  // empty, that id, and trusts this authority.
  TransportSecurity Issue(const std::string& role, const std::string& spiffe_id = "");

 private:
  struct KeyDeleter {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  struct CertificateDeleter {
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  using KeyPtr = std::unique_ptr<EVP_PKEY, KeyDeleter>;
  using CertificatePtr = std::unique_ptr<X509, CertificateDeleter>;

  CertificatePtr Sign(EVP_PKEY* subject_key, const std::string& common_name,
                      const std::string& alternative_names) const;

  const std::filesystem::path folder_;
  const std::string name_;
  const KeyPtr key_;
  CertificatePtr certificate_;
  int issued_ = 0;
};

}  // namespace sr2l

#endif  // SR2L_TESTS_COMMON_TEST_AUTHORITY_H_
