// Resume tickets: signed notes with which a device signs in again without the authenticator.
#pragma once

#include <string>
#include <string_view>

#include "kith/core/result.h"
#include "kith/core/time.h"

namespace kith::v1 {
class ResumeTicket;
}

namespace kith {

inline constexpr std::size_t kTicketKeyBytesMin = 32;

// Returns one version byte, the payload, and HMAC-SHA256 over both. The key is the cluster's secret; fails with
// kInvalidArgument below kTicketKeyBytesMin bytes. Not encrypted: the content is no secret from its
// bearer.
Result<std::string> seal(const v1::ResumeTicket& ticket, std::string_view key);

// Verifies a ticket and returns its content. Fails with kUnauthenticated if the key did not sign it (wrong key,
// truncated, altered, unknown version), and with kTokenExpired if it is genuine but too old, or made for a token
// that has ended: sign in with a fresh token. The caller must compare the session epoch with later revocations.
Result<v1::ResumeTicket> open_ticket(std::string_view sealed, std::string_view key, Timestamp now);

}  // namespace kith
