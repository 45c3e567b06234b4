// Frames of WebSocket clients as strangers send them: no crash, no message above the limit, and the same
// events however the bytes are cut into pieces.
#include "server/gateway/frame_reader.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "kith/core/limits.h"

namespace {

using kith::server::FrameReader;

std::string events(std::string wire, std::size_t piece) {
  FrameReader reader;
  std::string seen;
  for (std::size_t at = 0; at < wire.size(); at += piece) {
    std::span<char> bytes(wire.data() + at, std::min(piece, wire.size() - at));
    while (true) {
      const FrameReader::Event event = reader.next(bytes);
      if (event.what == FrameReader::What::kNothing) break;
      if (event.bytes.size() > kith::limits::frame_bytes_max) std::abort();
      seen += std::to_string(static_cast<int>(event.what)) + ":" + std::to_string(event.code) + ":";
      seen.append(event.bytes).append(";");
    }
    if (!bytes.empty()) std::abort();
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string wire(reinterpret_cast<const char*>(data), size);
  const std::string whole = events(wire, wire.size() + 1);
  if (events(wire, 1) != whole || events(wire, 7) != whole) std::abort();
  return 0;
}
