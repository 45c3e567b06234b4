// Heads of HTTP requests as strangers send them: no crash, an end within the bytes, and a status for
// whatever is refused.
#include "server/gateway/upgrade_request.h"

#include <cstdint>
#include <cstdlib>

#include "kith/core/limits.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using kith::server::UpgradeRequest;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const UpgradeRequest read = kith::server::read_upgrade_request(bytes);
  if (read.kind == UpgradeRequest::Kind::kIncomplete &&
      size > kith::limits::request_head_bytes_max + 2) {
    std::abort();
  }
  if (read.kind == UpgradeRequest::Kind::kUpgrade && (read.size == 0 || read.size > size))
    std::abort();
  if (read.kind == UpgradeRequest::Kind::kUpgrade && read.key.size() != 24) std::abort();
  if (read.kind == UpgradeRequest::Kind::kRefused && (read.status.empty() || read.why.empty())) {
    std::abort();
  }
  return 0;
}
