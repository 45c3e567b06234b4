// TlsIdentity: a certificate chain and its key, read from PEM files and proven to be able to serve.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "kith/core/result.h"
#include "kith/core/time.h"
#include "src/freed_openssl.h"

namespace kith::server {

// Immutable once loaded; any thread.
class TlsIdentity {
 public:
  // A certificate that expires earlier causes a warning.
  static constexpr std::int64_t kExpiresSoonMs = 14LL * 24 * 3'600 * 1'000;

  // Fails with kTlsFailed if it cannot serve (kith/server/certificate.h); the message begins with the file at fault.
  static Result<std::shared_ptr<const TlsIdentity>> load(const std::string& certificate_file,
                                                         const std::string& key_file,
                                                         Timestamp now);
  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;

  // Makes new handshakes of `ctx` use it; those under way and open connections stay as they are.
  Status use_in(SSL_CTX* ctx) const;
  [[nodiscard]] std::string subject() const;
  [[nodiscard]] Timestamp valid_from() const { return valid_from_; }
  [[nodiscard]] Timestamp valid_until() const { return valid_until_; }
  [[nodiscard]] std::vector<std::string> warnings(Timestamp now) const;

 private:
  TlsIdentity() = default;
  Status read_chain(const std::string& file);
  Status read_key(const std::string& file);
  Status check_pair(const std::string& certificate_file, const std::string& key_file) const;
  Status check_order(const std::string& file) const;
  Status check_times(const std::string& file, Timestamp now);
  Status try_handshake(const std::string& file) const;
  [[nodiscard]] X509* leaf() const { return sk_X509_value(chain_.get(), 0); }

  ChainPtr chain_;  // the server's own first
  KeyPtr key_;
  Timestamp valid_from_;
  Timestamp valid_until_;
};

}  // namespace kith::server
