// Resume tickets: a signed note with which a device comes back without asking the authenticator.
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

// One version byte, the payload, HMAC-SHA256 over both. The key is the cluster's secret, at least
// kTicketKeyBytesMin bytes: kInvalidArgument otherwise. Not encrypted: nothing in it is secret from
// its bearer.
Result<std::string> seal(const v1::ResumeTicket& ticket, std::string_view key);

// kUnauthenticated: not a ticket of this key (wrong key, truncated, altered, unknown version).
// kTokenExpired: genuine, but too old or made for a token that has ended; sign in with a fresh
// token. The session epoch is for the caller to compare: only it knows who was revoked since.
Result<v1::ResumeTicket> open_ticket(std::string_view sealed, std::string_view key, Timestamp now);

}  // namespace kith
