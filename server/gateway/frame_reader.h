// FrameReader parses the bytes of a WebSocket client: frames that are masked and well-formed (RFC 6455
// section 5), whole binary messages of at most limits::frame_bytes_max. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kith::server {

class FrameReader {
 public:
  enum class What : std::uint8_t {
    kNothing,  // all bytes are read: more are needed
    kMessage,  // a whole binary message
    kPing,
    kPong,
    kPiece,    // a fragment without bytes: it costs as much as a ping
    kClose,    // `code` is the peer's, 1005 if it gave none; nothing is read after it
    kRefused,  // the peer broke a rule: close with `code`; nothing is read after it
  };
  struct Event {
    What what = What::kNothing;
    std::string_view bytes;  // valid until the next call, and as long as the input
    std::uint16_t code = 0;
  };

  // Consumes the front of `bytes`, unmasking in place, up to the end of one event.
  Event next(std::span<char>& bytes);

  // Stops reading and frees all memory.
  void give_up();
  // Bytes held of an incomplete message.
  [[nodiscard]] std::size_t held() const { return in_message_ ? message_.capacity() : 0; }

 private:
  static constexpr std::size_t kHeadMax = 14;

  Event head(std::span<char>& bytes);
  Event check_head();
  Event payload(std::span<char>& bytes);
  Event finish(std::string_view whole);
  Event refuse(std::uint16_t code, std::string_view why);
  [[nodiscard]] bool control() const { return (opcode_ & 8) != 0; }
  [[nodiscard]] std::size_t head_size() const;

  std::string message_;  // pieces of an incomplete message
  std::string control_;  // pieces of an incomplete control frame
  std::array<unsigned char, kHeadMax> head_{};
  std::uint8_t head_have_ = 0;
  std::uint8_t opcode_ = 0;
  bool final_ = false;
  bool in_payload_ = false;
  bool in_message_ = false;  // a first fragment has come, the last has not
  bool returned_ = false;    // `message_` or `control_` was returned: the next call clears it
  bool over_ = false;
  std::uint8_t mask_at_ = 0;
  std::uint32_t left_ = 0;  // of the payload
};

}  // namespace kith::server
