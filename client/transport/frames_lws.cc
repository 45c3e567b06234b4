// FramesLws: bytes in and out of libwebsockets.
#include "client/transport/frames_lws.h"

#include <utility>

#include "kith/core/limits.h"

namespace kith::client {
namespace {

constexpr std::uint16_t kUnsupported = 1003;
constexpr std::uint16_t kTooBig = 1009;
constexpr std::uint16_t kNormal = 1000;

}  // namespace

void FramesLws::send(lws* wsi, std::string message) {
  queued_bytes_ += message.size();
  message.insert(0, LWS_PRE, '\0');
  queue_.push_back(std::move(message));
  lws_callback_on_writable(wsi);
}

std::optional<std::uint16_t> FramesLws::take(lws* wsi, std::string_view piece,
                                             const std::function<void(std::string_view)>& deliver) {
  if (closing_) return std::nullopt;
  if (lws_frame_is_binary(wsi) == 0) return kUnsupported;
  const std::size_t left = lws_remaining_packet_payload(wsi);
  if (message_.size() + piece.size() + left > limits::frame_bytes_max) return kTooBig;
  if (lws_is_final_fragment(wsi) == 0 || left != 0) {
    message_.append(piece);
    return std::nullopt;
  }
  if (message_.empty()) {
    deliver(piece);
    return std::nullopt;
  }
  message_.append(piece);
  const std::string whole = std::exchange(message_, {});
  deliver(whole);
  return std::nullopt;
}

int FramesLws::on_writeable(lws* wsi) {
  while (lws_partial_buffered(wsi) == 0) {
    in_lws_ = 0;
    if (queue_.empty()) break;
    std::string message = std::move(queue_.front());
    queue_.pop_front();
    const std::size_t size = message.size() - LWS_PRE;
    queued_bytes_ -= size;
    in_lws_ = size;
    if (lws_write(wsi, reinterpret_cast<unsigned char*>(message.data()) + LWS_PRE, size,
                  LWS_WRITE_BINARY) < 0) {
      return -1;
    }
  }
  if (in_lws_ != 0 || !queue_.empty()) {
    lws_callback_on_writable(wsi);
    return 0;
  }
  if (!closing_ || std::exchange(close_sent_, true)) return 0;
  // A close frame of our own: asked to close from WRITEABLE, lws 4.1 hangs up without one. The mask
  // is zero: masks hide data that an attacker chose from proxies, and there is none in here.
  unsigned char frame[LWS_PRE + 8] = {};
  unsigned char* bytes = frame + LWS_PRE;
  bytes[0] = 0x88;
  bytes[1] = 0x82;
  bytes[6] = static_cast<unsigned char>(close_code_ >> 8);
  bytes[7] = static_cast<unsigned char>(close_code_);
  return lws_write(wsi, bytes, 8, LWS_WRITE_RAW) < 0 ? -1 : 0;
}

bool FramesLws::close(std::uint16_t code) {
  if (std::exchange(closing_, true)) return false;
  close_code_ = code == 0 ? kNormal : code;
  return true;
}

void FramesLws::on_peer_close(std::string_view body) {
  if (body.size() < 2) return;
  const auto* bytes = reinterpret_cast<const unsigned char*>(body.data());
  close_code_ = static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

void FramesLws::clear() {
  queue_.clear();
  queued_bytes_ = 0;
  message_.clear();
}

}  // namespace kith::client
