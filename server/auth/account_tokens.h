// Tokens and tickets that this server issues: access tokens of its own accounts and resume tickets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/ids.h"
#include "kith/core/result.h"
#include "kith/core/time.h"
#include "server/auth/admission.h"

namespace kith::server {

struct AccountToken {
  std::string handle;
  DeviceId device;
  std::int64_t issued_ms = 0;
  std::int64_t expires_ms = 0;
  LastEnded after{};

  // A session opened with it ends when the token would no longer be accepted.
  [[nodiscard]] std::int64_t session_end_ms() const;
};

// The keys of both kinds are derived from one secret, so that a token never passes for a ticket.
class AccountTokens {
 public:
  // Tokens signed with `previous` stay valid; nothing new is signed with it. Empty: none.
  explicit AccountTokens(std::string_view secret, std::string_view previous = {});

  [[nodiscard]] std::string issue(const AccountToken& token) const;
  // Fails with kUnauthenticated (not issued by this server), kTokenExpired.
  [[nodiscard]] Result<AccountToken> read(std::string_view token, Timestamp now) const;

  [[nodiscard]] Result<std::string> issue_ticket(const Admission& holder, Timestamp now) const;
  // kUnauthenticated, kTokenExpired.
  [[nodiscard]] Result<Admission> read_ticket(std::string_view sealed, Timestamp now) const;

 private:
  struct Keys {
    explicit Keys(std::string_view secret);
    std::string token, ticket;
  };
  std::vector<Keys> keys_;  // the first signs
};

}  // namespace kith::server
