// UpgradeRequest reads the head of the one HTTP request that a connection makes (RFC 9112), and decides
// whether it becomes a WebSocket (RFC 6455 section 4.2). Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kith::server {

struct UpgradeRequest {
  enum class Kind {
    kIncomplete,  // more bytes are needed
    kUpgrade,
    kHealth,   // GET /health
    kRefused,  // `status` and `why` have the fault
  };
  Kind kind = Kind::kIncomplete;
  std::size_t size = 0;         // of the head: what follows is the first frame
  std::string key;              // Sec-WebSocket-Key
  bool names_protocol = false;  // "kith.v1" is among Sec-WebSocket-Protocol: the answer says so
  std::string_view status;      // "404 Not Found"
  std::string_view why;         // one sentence, without a line end
  std::string_view header;      // a line of the answer, with its line end; or empty
  // Values of X-Forwarded-For, in the order of the lines; only a trusted proxy's are worth anything.
  std::vector<std::string> forwarded_for;
};

// `bytes`: those received so far. Waits for at most limits::request_head_bytes_max.
UpgradeRequest read_upgrade_request(std::string_view bytes);

// Any request of HTTP/1: its method and path, checked by the same rules.
struct PlainRequest {
  enum class Kind { kIncomplete, kWhole, kRefused };
  Kind kind = Kind::kIncomplete;
  std::string method, path;  // without its query
  std::string_view status, why;
};

PlainRequest read_plain_request(std::string_view bytes);

}  // namespace kith::server
