// Any bytes as the daemon's configuration file.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/daemon/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kith::server::daemon::Config config;
  const kith::Status status = kith::server::daemon::read_config(
      "fuzz", {reinterpret_cast<const char*>(data), size}, config);
  if (!status && status.error().message.rfind("fuzz:", 0) != 0) std::abort();
  return 0;
}
