// TlsIdentity: a certificate chain and its key, read from PEM files and proven to be able to serve.
#include "server/gateway/tls_identity_openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <utility>

#include "src/freed_openssl.h"
#include "src/secrets_posix.h"

namespace kith::server {
namespace {

constexpr std::size_t kFileBytesMax = 1024 * 1024;
constexpr int kHandshakeRounds = 20;

Error unusable(const std::string& file, const std::string& why) {
  return make_error(ErrorCode::kTlsFailed, file + ": " + why);
}

// Returns OpenSSL's words for its last failure, and empties its queue.
std::string engine_words() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "unknown error" : reason;
}

Result<std::string> read_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return unusable(path, std::strerror(errno));
  if (S_ISDIR(status.st_mode)) return unusable(path, "is a directory");
  std::ifstream file(path, std::ios::binary);
  if (!file) return unusable(path, "cannot be read: " + std::string(std::strerror(errno)));
  std::string content(kFileBytesMax + 1, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (content.size() > kFileBytesMax) return unusable(path, "is too large");
  if (content.empty()) return unusable(path, "is empty");
  return content;
}

// Keeps OpenSSL from asking a terminal for a passphrase.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Timestamp time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return {static_cast<std::int64_t>(timegm(&parts)) * 1'000};
}

std::string date_of(Timestamp at) {
  const auto seconds = static_cast<std::time_t>(at.ms / 1'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32] = "";
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

}  // namespace

Result<std::shared_ptr<const TlsIdentity>> TlsIdentity::load(const std::string& certificate_file,
                                                             const std::string& key_file,
                                                             Timestamp now) {
  std::shared_ptr<TlsIdentity> identity(new TlsIdentity());
  ERR_clear_error();
  Status good = identity->read_chain(certificate_file);
  if (good) good = identity->read_key(key_file);
  if (good) good = identity->check_pair(certificate_file, key_file);
  if (good) good = identity->check_order(certificate_file);
  if (good) good = identity->check_times(certificate_file, now);
  if (good) good = identity->try_handshake(certificate_file);
  ERR_clear_error();
  if (!good) return good.error();
  return std::shared_ptr<const TlsIdentity>(std::move(identity));
}

Status TlsIdentity::read_chain(const std::string& file) {
  const auto content = read_file(file);
  if (!content) return content.error();
  chain_.reset(sk_X509_new_null());
  const BioPtr source(BIO_new_mem_buf(content->data(), static_cast<int>(content->size())));
  while (X509* certificate = PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr)) {
    sk_X509_push(chain_.get(), certificate);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string words = engine_words();
  if (!at_end) {
    return unusable(file, "certificate " + std::to_string(sk_X509_num(chain_.get()) + 1) +
                              " is damaged (" + words + ")");
  }
  if (sk_X509_num(chain_.get()) > 0) return {};
  if (content->find("PRIVATE KEY-----") != std::string::npos) {
    return unusable(file, "holds a key and no certificate; are certificate and key mixed up?");
  }
  return unusable(file, "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)");
}

Status TlsIdentity::read_key(const std::string& file) {
  const auto content = read_file(file);
  if (!content) return content.error();
  const BioPtr source(BIO_new_mem_buf(content->data(), static_cast<int>(content->size())));
  bool asked = false;
  key_.reset(PEM_read_bio_PrivateKey(source.get(), nullptr, no_passphrase, &asked));
  const bool none = content->find("PRIVATE KEY-----") == std::string::npos;
  const std::string words = engine_words();
  if (key_ != nullptr) {
    const Status closed = check_secret_file(file, SecretFile::kGroup);
    return closed ? Status() : Status(make_error(ErrorCode::kTlsFailed, closed.error().message));
  }
  if (asked) return unusable(file, "has a passphrase; store the key without one");
  if (!none) return unusable(file, "the key is damaged (" + words + ")");
  if (content->find("BEGIN CERTIFICATE") != std::string::npos) {
    return unusable(file, "holds a certificate and no key; are certificate and key mixed up?");
  }
  return unusable(file, "holds no key in PEM form (-----BEGIN PRIVATE KEY-----)");
}

Status TlsIdentity::check_pair(const std::string& certificate_file,
                               const std::string& key_file) const {
  if (X509_check_private_key(leaf(), key_.get()) == 1) return {};
  for (int i = 1; i < sk_X509_num(chain_.get()); ++i) {
    if (X509_check_private_key(sk_X509_value(chain_.get(), i), key_.get()) != 1) continue;
    return unusable(certificate_file,
                    "the chain is in the wrong order: the key belongs to certificate " +
                        std::to_string(i + 1) + ", and the server's own must come first");
  }
  return unusable(key_file, "the key does not belong to the certificate in " + certificate_file);
}

Status TlsIdentity::check_order(const std::string& file) const {
  for (int i = 1; i < sk_X509_num(chain_.get()); ++i) {
    X509* const one = sk_X509_value(chain_.get(), i - 1);
    X509* const next = sk_X509_value(chain_.get(), i);
    const bool signed_by_it =
        X509_check_issued(next, one) == X509_V_OK && X509_verify(one, X509_get0_pubkey(next)) == 1;
    if (signed_by_it) continue;
    return unusable(file, "the chain is in the wrong order: certificate " + std::to_string(i + 1) +
                              " is not the issuer of certificate " + std::to_string(i));
  }
  if (X509_check_purpose(leaf(), X509_PURPOSE_SSL_SERVER, 0) == 1) return {};
  return unusable(file, "the certificate is not for a server (extended key usage)");
}

Status TlsIdentity::check_times(const std::string& file, Timestamp now) {
  for (int i = 0; i < sk_X509_num(chain_.get()); ++i) {
    const X509* certificate = sk_X509_value(chain_.get(), i);
    const Timestamp from = time_of(X509_get0_notBefore(certificate));
    const Timestamp until = time_of(X509_get0_notAfter(certificate));
    const std::string which =
        i == 0 ? "the certificate" : "certificate " + std::to_string(i + 1) + " of the chain";
    const std::string clock = "; this machine's clock says " + date_of(now);
    if (now > until) return unusable(file, which + " has expired at " + date_of(until) + clock);
    if (now < from)
      return unusable(file, which + " is valid from " + date_of(from) + " on only" + clock);
    valid_from_ = i == 0 ? from : std::max(valid_from_, from);
    valid_until_ = i == 0 ? until : std::min(valid_until_, until);
  }
  return {};
}

Status TlsIdentity::use_in(SSL_CTX* ctx) const {
  STACK_OF(X509)* rest = sk_X509_new_null();
  for (int i = 1; i < sk_X509_num(chain_.get()); ++i)
    sk_X509_push(rest, sk_X509_value(chain_.get(), i));
  const bool used = SSL_CTX_use_cert_and_key(ctx, leaf(), key_.get(), rest, 1) == 1;
  sk_X509_free(rest);
  if (used) return {};
  return make_error(ErrorCode::kTlsFailed, "OpenSSL refuses the certificate: " + engine_words());
}

// Faults that no rule above covers, e.g. a curve that TLS 1.3 does not have, or a key that is too short for
// this system.
Status TlsIdentity::try_handshake(const std::string& file) const {
  const ContextPtr server_ctx(SSL_CTX_new(TLS_server_method()));
  const ContextPtr client_ctx(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(server_ctx.get(), TLS1_3_VERSION);
  if (Status used = use_in(server_ctx.get()); !used) return unusable(file, used.error().message);
  const SslPtr server(SSL_new(server_ctx.get()));
  const SslPtr client(SSL_new(client_ctx.get()));
  BIO* to_server = nullptr;
  BIO* to_client = nullptr;
  if (BIO_new_bio_pair(&to_server, 0, &to_client, 0) != 1) return unusable(file, engine_words());
  SSL_set_bio(server.get(), to_server, to_server);
  SSL_set_bio(client.get(), to_client, to_client);
  SSL_set_accept_state(server.get());
  SSL_set_connect_state(client.get());
  for (int round = 0; round < kHandshakeRounds; ++round) {
    const int asked = SSL_do_handshake(client.get());
    const int answered = SSL_do_handshake(server.get());
    if (asked == 1 && answered == 1) return {};
    for (const auto& [ssl, result] :
         {std::pair(client.get(), asked), std::pair(server.get(), answered)}) {
      if (result == 1) continue;
      const int error = SSL_get_error(ssl, result);
      if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) continue;
      return unusable(file, "TLS 1.3 does not work with this certificate: " + engine_words());
    }
  }
  return unusable(file, "TLS 1.3 does not work with this certificate");
}

std::string TlsIdentity::subject() const {
  char text[256] = "";
  X509_NAME_oneline(X509_get_subject_name(leaf()), text, sizeof text);
  return text;
}

std::vector<std::string> TlsIdentity::warnings(Timestamp now) const {
  std::vector<std::string> found;
  const std::int64_t left_ms = valid_until_.ms - now.ms;
  if (left_ms < 0) {
    found.push_back("the certificate has expired at " + date_of(valid_until_));
  } else if (left_ms < kExpiresSoonMs) {
    found.push_back("the certificate expires at " + date_of(valid_until_));
  }
  void* const names = X509_get_ext_d2i(leaf(), NID_subject_alt_name, nullptr, nullptr);
  if (names == nullptr) found.push_back("the certificate names no host: most clients refuse it");
  GENERAL_NAMES_free(static_cast<GENERAL_NAMES*>(names));
  return found;
}

}  // namespace kith::server
