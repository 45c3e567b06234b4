// WebSocket frames as a client writes and reads them (RFC 6455), on bytes alone: the load
// generator's counterpart of a WebSocket library that keeps 6 KiB for each connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kith::bench {

enum class WsOp : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

// Appends one whole frame, masked with `mask`.
void append_ws_frame(std::string& out, WsOp op, std::string_view payload, std::uint32_t mask);

struct WsFrame {
  WsOp op = WsOp::kBinary;
  bool fin = false;
  std::string_view payload;  // inside the bytes that were read
};

enum class WsRead : std::uint8_t {
  kFrame,  // taken off the front
  kMore,   // the frame is not whole yet; nothing was taken
  kBad,    // no server may send this: masked, reserved bits, or longer than `payload_max`
};
WsRead read_ws_frame(std::string_view& bytes, std::size_t payload_max, WsFrame& frame);

// The request that turns a connection into a WebSocket. `authority` is host:port.
std::string upgrade_request(const std::string& path, const std::string& authority,
                            const std::string& key);

// The head of the answer: where it ends (0 = not whole yet), and whether it accepts the upgrade.
struct UpgradeAnswer {
  std::size_t size = 0;
  bool accepted = false;
};
UpgradeAnswer read_upgrade_answer(std::string_view bytes, std::string_view accept);

}  // namespace kith::bench
