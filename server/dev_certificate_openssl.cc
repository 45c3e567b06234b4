// Dev_certificate: X.509 with OpenSSL, ECDSA P-256.
#include "kith/server/dev_certificate.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "src/freed_openssl.h"

namespace kith::server {
namespace {

constexpr long kDay = 24L * 60 * 60;
constexpr long kLife = 825 * kDay;  // the longest that Apple's platforms accept

KeyPtr make_key() {
  return KeyPtr(EVP_EC_gen("P-256"));
}

bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

CertificatePtr begin(const char* name, EVP_PKEY* key) {
  CertificatePtr certificate(X509_new());
  unsigned char serial[16];
  if (!certificate || RAND_bytes(serial, sizeof serial) != 1) return nullptr;
  serial[0] &= 0x7f;
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get()));
  BN_free(number);
  X509_set_version(certificate.get(), X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay);  // clocks of clients differ
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kLife - kDay);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  if (X509_set_pubkey(certificate.get(), key) != 1) return nullptr;
  return certificate;
}

CertificatePtr make_ca(EVP_PKEY* key) {
  CertificatePtr ca = begin("Kith development CA", key);
  if (!ca) return nullptr;
  X509_set_issuer_name(ca.get(), X509_get_subject_name(ca.get()));
  if (!add_extension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign") ||
      !add_extension(ca.get(), ca.get(), NID_subject_key_identifier, "hash") ||
      X509_sign(ca.get(), key, EVP_sha256()) == 0) {
    return nullptr;
  }
  return ca;
}

CertificatePtr make_leaf(EVP_PKEY* key, X509* ca, EVP_PKEY* ca_key) {
  CertificatePtr leaf = begin("localhost", key);
  if (!leaf) return nullptr;
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(ca));
  if (!add_extension(leaf.get(), ca, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(leaf.get(), ca, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(leaf.get(), ca, NID_ext_key_usage, "serverAuth") ||
      !add_extension(leaf.get(), ca, NID_authority_key_identifier, "keyid") ||
      !add_extension(leaf.get(), ca, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") ||
      X509_sign(leaf.get(), ca_key, EVP_sha256()) == 0) {
    return nullptr;
  }
  return leaf;
}

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  return PEM_write_bio_X509(bio.get(), certificate) == 1 ? text_of(bio.get()) : std::string();
}

std::string pem_of(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  return PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1
             ? text_of(bio.get())
             : std::string();
}

// Whole or not at all, also when two processes do it at once.
bool write_file(const std::string& file, std::string_view text, mode_t mode) {
  const std::string fresh = file + "." + std::to_string(getpid());
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) return false;
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  return close(fd) == 0 && written && rename(fresh.c_str(), file.c_str()) == 0;
}

bool still_valid(const DevCertificate& files) {
  if (access(files.ca_file.c_str(), R_OK) != 0 || access(files.key_file.c_str(), R_OK) != 0) {
    return false;
  }
  const BioPtr leaf_file(BIO_new_file(files.certificate_file.c_str(), "r"));
  const BioPtr ca_file(BIO_new_file(files.ca_file.c_str(), "r"));
  const BioPtr key_file(BIO_new_file(files.key_file.c_str(), "r"));
  if (!leaf_file || !ca_file || !key_file) return false;
  const CertificatePtr leaf(PEM_read_bio_X509(leaf_file.get(), nullptr, nullptr, nullptr));
  const CertificatePtr ca(PEM_read_bio_X509(ca_file.get(), nullptr, nullptr, nullptr));
  const KeyPtr key(PEM_read_bio_PrivateKey(key_file.get(), nullptr, nullptr, nullptr));
  if (!leaf || !ca || !key) return false;
  int days = 0;
  int seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(leaf.get())) != 1) return false;
  // A crash between two files leaves parts of two generations.
  return days >= 1 && X509_verify(leaf.get(), X509_get0_pubkey(ca.get())) == 1 &&
         X509_check_private_key(leaf.get(), key.get()) == 1;
}

}  // namespace

Result<DevCertificate> ensure_dev_certificate(const std::string& directory) {
  const std::filesystem::path place(directory);
  const DevCertificate files{(place / "dev_ca.pem").string(), (place / "dev_cert.pem").string(),
                             (place / "dev_key.pem").string()};
  std::error_code error;
  if (std::filesystem::create_directories(place, error)) {
    std::filesystem::permissions(place, std::filesystem::perms::owner_all, error);
  }
  if (error) {
    return make_error(ErrorCode::kIo, "cannot create " + directory + ": " + error.message());
  }
  if (still_valid(files)) return files;

  const KeyPtr ca_key = make_key();
  const KeyPtr key = make_key();
  const CertificatePtr ca = ca_key ? make_ca(ca_key.get()) : nullptr;
  const CertificatePtr leaf = ca && key ? make_leaf(key.get(), ca.get(), ca_key.get()) : nullptr;
  if (!leaf) return make_error(ErrorCode::kInternal, "OpenSSL could not make a certificate");
  if (!write_file(files.key_file, pem_of(key.get()), 0600) ||
      !write_file(files.certificate_file, pem_of(leaf.get()), 0644) ||
      !write_file(files.ca_file, pem_of(ca.get()), 0644)) {
    return make_error(ErrorCode::kIo, "cannot write to " + directory + ": " + std::strerror(errno));
  }
  return files;
}

}  // namespace kith::server
