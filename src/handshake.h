// Negotiates the protocol version and the capabilities, for both roles. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/result.h"

namespace kith::v1 {
class Hello;
class Welcome;
}  // namespace kith::v1

namespace kith::handshake {

inline constexpr std::uint32_t kMajor = 1;         // also in the URL: /v1/ws
inline constexpr std::uint32_t kMinor = 0;         // highest minor that this release speaks
inline constexpr std::uint32_t kMinorMinimum = 0;  // lowest minor that this release still serves

// The capability to search, which a server of this release may lack.
inline constexpr std::string_view kSearchCap = "search";

// The capabilities of this release beyond the frames that every peer of kMajor knows, sorted.
const std::vector<std::string>& capabilities();

struct Negotiated {
  std::uint32_t minor = 0;  // min of both
  // The capabilities of both peers, sorted; a subset of capabilities(), since unknown names are ignored.
  std::vector<std::string_view> caps;
};

// Server: answers a Hello that has passed validate(). Fails with kUpgradeRequired for another major or a minor
// below kMinorMinimum.
Result<Negotiated> negotiate(const v1::Hello& hello);

// Client: fills the version and capabilities of its Hello.
void offer(v1::Hello& hello);
// Client: checks the Welcome. Fails with kProtocol if this release cannot work with it, and with
// kUpgradeRequired if its minor was not offered.
Status check_welcome(const v1::Welcome& welcome);

}  // namespace kith::handshake
