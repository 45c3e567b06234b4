// ClientHello: the record's head (RFC 8446, 5.1) and the message's (4).
#include "server/gateway/client_hello.h"

#include "kith/core/limits.h"

namespace kith::server {
namespace {

constexpr std::size_t kRecordHead = 5, kHeads = 9;
constexpr std::size_t kRecordMax = 16 * 1024;
constexpr unsigned kHandshake = 22, kClientHello = 1;

}  // namespace

std::optional<std::size_t> client_hello_needs(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (!bytes.empty() && at(0) != kHandshake) return std::nullopt;
  if (bytes.size() >= 2 && at(1) != 3) return std::nullopt;
  if (bytes.size() < kHeads) return kHeads;
  const std::size_t record = static_cast<std::size_t>(at(3)) << 8 | at(4);
  const std::size_t message =
      static_cast<std::size_t>(at(6)) << 16 | static_cast<std::size_t>(at(7)) << 8 | at(8);
  const bool sound = at(5) == kClientHello && record >= kHeads - kRecordHead &&
                     record <= kRecordMax && message <= limits::client_hello_bytes_max;
  if (!sound) return std::nullopt;
  return kRecordHead + record;
}

}  // namespace kith::server
