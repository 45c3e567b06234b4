// Agreeing on a protocol version and capabilities, for both roles. Pure.
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

// Not every server of this release has it.
inline constexpr std::string_view kSearchCap = "search";

// What this release can do beyond the frames that every peer of kMajor knows. Sorted.
const std::vector<std::string>& capabilities();

struct Negotiated {
  std::uint32_t minor = 0;  // min of both
  // What both know, sorted; names that this release does not know are ignored. Of capabilities().
  std::vector<std::string_view> caps;
};

// Server. kUpgradeRequired: another major, or a minor below kMinorMinimum. The Hello has passed
// validate().
Result<Negotiated> negotiate(const v1::Hello& hello);

// Client: fills the version and capabilities of its Hello.
void offer(v1::Hello& hello);
// Client. kProtocol: the answer is no Welcome that this release can work with; kUpgradeRequired: a
// minor that was not offered.
Status check_welcome(const v1::Welcome& welcome);

}  // namespace kith::handshake
