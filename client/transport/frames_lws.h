// FramesLws: the messages of one WebSocket: a queue out, pieces of one in, and the close frame.
#pragma once

#include <libwebsockets.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kith::client {

class FramesLws {
 public:
  void send(lws* wsi, std::string message);
  // Bytes that are not with the system yet.
  [[nodiscard]] std::size_t buffered() const { return queued_bytes_ + in_lws_; }
  // libwebsockets can take more. Returns its verdict: -1 ends the connection.
  int on_writeable(lws* wsi);

  // Calls `deliver` with a message that is whole now; `deliver` may destroy this object. Returns the code to close with
  // if the peer breaks a rule.
  std::optional<std::uint16_t> take(lws* wsi, std::string_view piece,
                                    const std::function<void(std::string_view)>& deliver);

  // A close frame leaves after the queue; nothing more is taken in. False: it is closing already.
  bool close(std::uint16_t code);
  [[nodiscard]] bool closing() const { return closing_; }
  // The peer's code, or ours if we began; 0: none.
  [[nodiscard]] std::uint16_t close_code() const { return close_code_; }
  void on_peer_close(std::string_view body);
  // Drops what is queued and what is incomplete; what libwebsockets has still leaves.
  void clear();
  // The socket is gone, with what libwebsockets had.
  void on_gone() {
    clear();
    in_lws_ = 0;
  }

 private:
  std::deque<std::string> queue_;  // messages with LWS_PRE bytes in front
  std::size_t queued_bytes_ = 0;
  std::size_t in_lws_ = 0;
  std::string message_;  // pieces of an incomplete message
  bool closing_ = false;
  bool close_sent_ = false;
  std::uint16_t close_code_ = 0;
};

}  // namespace kith::client
