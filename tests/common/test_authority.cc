#include "tests/common/test_authority.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "common/status/check.h"

namespace sr2l {
namespace {

void AddName(X509_NAME* name, const std::string& common_name) {
  SR2L_CHECK(X509_NAME_add_entry_by_txt(
      name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(common_name.c_str()), -1,
      -1, 0));
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  SR2L_CHECK(extension != nullptr);
  SR2L_CHECK(X509_add_ext(certificate, extension, -1));
  X509_EXTENSION_free(extension);
}

template <typename Write>
std::string WriteFile(const std::filesystem::path& path, Write write) {
  FILE* file = std::fopen(path.c_str(), "w");
  SR2L_CHECK(file != nullptr);
  SR2L_CHECK(write(file));
  SR2L_CHECK(std::fclose(file) == 0);
  return path.string();
}

}  // namespace

TestAuthority::TestAuthority(const std::filesystem::path& folder, const std::string& name)
    : folder_(folder), name_(name), key_(EVP_EC_gen("P-256")) {
  certificate_ = Sign(key_.get(), name, /*alternative_names=*/"");
  WriteFile(folder_ / (name_ + ".crt"),
            [this](FILE* file) { return PEM_write_X509(file, certificate_.get()); });
}

TestAuthority::CertificatePtr TestAuthority::Sign(EVP_PKEY* subject_key,
                                                  const std::string& common_name,
                                                  const std::string& alternative_names) const {
  CertificatePtr certificate(X509_new());
  X509* raw = certificate.get();
  const bool is_authority = alternative_names.empty();
  SR2L_CHECK(X509_set_version(raw, X509_VERSION_3));
  SR2L_CHECK(ASN1_INTEGER_set(X509_get_serialNumber(raw), issued_ + 1));
  SR2L_CHECK(X509_gmtime_adj(X509_getm_notBefore(raw), -3600));
  SR2L_CHECK(X509_gmtime_adj(X509_getm_notAfter(raw), 3600));
  AddName(X509_get_subject_name(raw), common_name);
  AddName(X509_get_issuer_name(raw), name_);
  SR2L_CHECK(X509_set_pubkey(raw, subject_key));
  AddExtension(raw, NID_basic_constraints, is_authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (is_authority) AddExtension(raw, NID_key_usage, "critical,keyCertSign");
  if (!is_authority) AddExtension(raw, NID_subject_alt_name, alternative_names);
  SR2L_CHECK(X509_sign(raw, key_.get(), EVP_sha256()) > 0);
  return certificate;
}

TransportSecurity TestAuthority::Issue(const std::string& role, const std::string& spiffe_id) {
  ++issued_;
  const KeyPtr key(EVP_EC_gen("P-256"));
  std::string alternative_names = "IP:127.0.0.1,DNS:localhost";
  if (!spiffe_id.empty()) absl::StrAppend(&alternative_names, ",URI:", spiffe_id);
  const CertificatePtr certificate = Sign(key.get(), role, alternative_names);
  const std::string stem = absl::StrCat(name_, "-", issued_);
  TransportSecurity security;
  security.ca_file = (folder_ / (name_ + ".crt")).string();
  security.certificate_file = WriteFile(folder_ / (stem + ".crt"), [&](FILE* file) {
    return PEM_write_X509(file, certificate.get());
  });
  security.key_file = WriteFile(folder_ / (stem + ".key"), [&](FILE* file) {
    return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return security;
}

}  // namespace sr2l
