// ServedIdentity: the certificate that a server shows, which may be replaced while it serves.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/gateway/tls_identity_openssl.h"

namespace kith::server {

// Threads: any.
class ServedIdentity {
 public:
  // `file`: where it was read from.
  void set(std::shared_ptr<const TlsIdentity> identity, std::string file) {
    const std::lock_guard lock(mutex_);
    identity_ = std::move(identity);
    file_ = std::move(file);
  }
  struct Warnings {
    std::string file;
    std::string subject;
    std::vector<std::string> texts;
  };
  // None of a plain server.
  [[nodiscard]] Warnings warnings(Timestamp now) const {
    const std::lock_guard lock(mutex_);
    if (!identity_) return {};
    return {file_, identity_->subject(), identity_->warnings(now)};
  }
  [[nodiscard]] std::optional<Timestamp> valid_until() const {
    const std::lock_guard lock(mutex_);
    return identity_ ? std::optional(identity_->valid_until()) : std::nullopt;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const TlsIdentity> identity_;  // null: plain
  std::string file_;
};

}  // namespace kith::server
