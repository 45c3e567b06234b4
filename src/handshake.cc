// Version and capability negotiation.
#include "src/handshake.h"

#include <algorithm>

#include "kith/core/ids.h"
#include "kith/core/limits.h"
#include "kith/v1/session.pb.h"

namespace kith::handshake {
namespace {

constexpr std::uint32_t kHeartbeatMaxS = 3600;

Error upgrade(std::string sentence) {
  return make_error(ErrorCode::kUpgradeRequired, std::move(sentence));
}

Error protocol(std::string sentence) {
  return make_error(ErrorCode::kProtocol, std::move(sentence));
}

}  // namespace

const std::vector<std::string>& capabilities() {
  static const std::vector<std::string> caps = {"large_groups", "presence", "receipts", "search",
                                                "typing"};
  return caps;
}

Result<Negotiated> negotiate(const v1::Hello& hello) {
  if (hello.major() != kMajor) {
    return upgrade("this server speaks protocol " + std::to_string(kMajor) +
                   ", the client asked for " + std::to_string(hello.major()));
  }
  Negotiated out;
  out.minor = std::min(hello.minor(), kMinor);
  if (hello.minor() < kMinorMinimum) {
    return upgrade("this server needs protocol " + std::to_string(kMajor) + "." +
                   std::to_string(kMinorMinimum) + " or newer");
  }
  out.caps.reserve(capabilities().size());
  for (const std::string& cap : capabilities()) {
    if (std::find(hello.caps().begin(), hello.caps().end(), cap) != hello.caps().end()) {
      out.caps.push_back(cap);
    }
  }
  return out;
}

void offer(v1::Hello& hello) {
  hello.set_major(kMajor);
  hello.set_minor(kMinor);
  hello.clear_caps();
  for (const std::string& cap : capabilities()) hello.add_caps(cap);
}

Status check_welcome(const v1::Welcome& welcome) {
  if (welcome.minor() > kMinor) {
    return upgrade("the server chose protocol minor " + std::to_string(welcome.minor()) +
                   ", which was not offered");
  }
  if (welcome.session_id().size() != SessionId::kSize) {
    return protocol("the server's Welcome has no session id");
  }
  if (welcome.user_id().size() != UserId::kSize) {
    return protocol("the server's Welcome has no user id");
  }
  if (welcome.heartbeat_s() == 0 || welcome.heartbeat_s() > kHeartbeatMaxS) {
    return protocol("the server's Welcome has no usable heartbeat");
  }
  if (welcome.resume_ticket().size() > limits::token_bytes_max) {
    return protocol("the server's resume ticket is too large");
  }
  return {};
}

}  // namespace kith::handshake
