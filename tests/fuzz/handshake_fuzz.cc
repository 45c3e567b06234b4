// Any Hello at a server and any Welcome at a client: an agreement within what both offered, or a
// typed refusal.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "kith/v1/session.pb.h"
#include "src/handshake.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size > 65536) return 0;
  kith::v1::Hello hello;
  if (hello.ParseFromArray(bytes, static_cast<int>(size))) {
    const auto agreed = kith::handshake::negotiate(hello);
    if (agreed) {
      if (hello.major() != kith::handshake::kMajor) std::abort();
      if (agreed->minor > hello.minor() || agreed->minor > kith::handshake::kMinor) std::abort();
      const auto& own = kith::handshake::capabilities();
      if (agreed->caps.size() > own.size()) std::abort();
      for (const auto& cap : agreed->caps) {
        if (std::find(own.begin(), own.end(), cap) == own.end()) std::abort();
        if (std::find(hello.caps().begin(), hello.caps().end(), cap) == hello.caps().end()) {
          std::abort();
        }
      }
    } else if (agreed.error().code != kith::ErrorCode::kUpgradeRequired) {
      std::abort();
    }
  }
  kith::v1::Welcome welcome;
  if (welcome.ParseFromArray(bytes, static_cast<int>(size)) &&
      kith::handshake::check_welcome(welcome)) {
    if (welcome.session_id().size() != 16 || welcome.user_id().size() != 16) std::abort();
    if (welcome.heartbeat_s() == 0) std::abort();
  }
  return 0;
}
