// WebSocket frames of a client.
#include "benchmarks/load/ws_frame.h"

#include <algorithm>
#include <cctype>
#include <cstring>

namespace kith::bench {
namespace {

constexpr unsigned char kFin = 0x80;
constexpr unsigned char kMasked = 0x80;

void append_masked(std::string& out, std::string_view payload, std::uint32_t mask) {
  const std::size_t at = out.size();
  out.append(payload);
  char* bytes = out.data() + at;
  const std::uint64_t wide = (std::uint64_t{mask} << 32) | mask;
  std::size_t i = 0;
  for (; i + sizeof wide <= payload.size(); i += sizeof wide) {
    std::uint64_t block = 0;
    std::memcpy(&block, bytes + i, sizeof block);
    block ^= wide;
    std::memcpy(bytes + i, &block, sizeof block);
  }
  char key[4];
  std::memcpy(key, &mask, sizeof key);
  for (; i < payload.size(); ++i) bytes[i] = static_cast<char>(bytes[i] ^ key[i % 4]);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

}  // namespace

void append_ws_frame(std::string& out, WsOp op, std::string_view payload, std::uint32_t mask) {
  const std::size_t size = payload.size();
  out.push_back(static_cast<char>(kFin | static_cast<unsigned char>(op)));
  if (size < 126) {
    out.push_back(static_cast<char>(kMasked | size));
  } else if (size < 0x1'0000) {
    out.push_back(static_cast<char>(kMasked | 126));
    out.push_back(static_cast<char>(size >> 8));
    out.push_back(static_cast<char>(size));
  } else {
    out.push_back(static_cast<char>(kMasked | 127));
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(size >> shift));
  }
  out.append(reinterpret_cast<const char*>(&mask), sizeof mask);
  append_masked(out, payload, mask);
}

WsRead read_ws_frame(std::string_view& bytes, std::size_t payload_max, WsFrame& frame) {
  if (bytes.size() < 2) return WsRead::kMore;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if ((byte(0) & 0x70) != 0 || (byte(1) & kMasked) != 0) return WsRead::kBad;
  std::size_t size = byte(1) & 0x7f;
  std::size_t head = 2;
  if (size >= 126) {
    const std::size_t wide = size == 126 ? 2 : 8;
    if (bytes.size() < head + wide) return WsRead::kMore;
    size = 0;
    for (std::size_t i = 0; i < wide; ++i) size = size << 8 | byte(head + i);
    head += wide;
  }
  if (size > payload_max) return WsRead::kBad;
  if (bytes.size() < head + size) return WsRead::kMore;
  frame.op = static_cast<WsOp>(byte(0) & 0x0f);
  frame.fin = (byte(0) & kFin) != 0;
  frame.payload = bytes.substr(head, size);
  bytes.remove_prefix(head + size);
  return WsRead::kFrame;
}

std::string upgrade_request(const std::string& path, const std::string& authority,
                            const std::string& key) {
  return "GET " + path + " HTTP/1.1\r\nHost: " + authority +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13"
         "\r\nSec-WebSocket-Protocol: kith.v1\r\nSec-WebSocket-Key: " +
         key + "\r\n\r\n";
}

UpgradeAnswer read_upgrade_answer(std::string_view bytes, std::string_view accept) {
  const auto end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return {};
  UpgradeAnswer answer{end + 4, bytes.starts_with("HTTP/1.1 101")};
  bool proven = false;
  std::string_view head = bytes.substr(0, end + 2);
  while (!head.empty()) {
    const auto line_end = head.find("\r\n");
    const std::string_view line = head.substr(0, line_end);
    head.remove_prefix(line_end + 2);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    if (lower(line.substr(0, colon)) != "sec-websocket-accept") continue;
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    proven = value == accept;
  }
  answer.accepted = answer.accepted && proven;
  return answer;
}

}  // namespace kith::bench
