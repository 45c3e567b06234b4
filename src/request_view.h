// RequestView parses the two most frequent requests, SendBatch and AckEvents, as views into the bytes of the frame. It
// copies nothing, and its lists reuse their memory from one frame to the next.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace kith::v1 {
class ClientFrame;
class OutMessage;
}  // namespace kith::v1

namespace kith {

struct RequestView {
  enum class Kind : std::uint8_t { kNone, kSend, kAck };
  // See OutMessage.
  struct Message {
    std::string_view id;
    std::string_view content;
    std::string_view reply_to_message_id;
    std::uint64_t reply_to_seq = 0;
    std::uint64_t client_ts_ms = 0;
    std::uint32_t attempt = 0;
    std::uint32_t mentions_from = 0, mentions_to = 0;  // a range in the mentions of the frame
  };
  // See HeadRef.
  struct Head {
    std::string_view conversation;
    std::uint64_t seq = 0;
  };

  Kind kind = Kind::kNone;
  std::string_view whole;  // the frame that it was read from; empty if it was none
  std::uint64_t req_id = 0;
  std::string_view conversation;  // this field and those below: of a SendBatch
  std::string_view direct_peer;
  std::vector<Message> messages;
  std::vector<std::string_view> mentions;
  std::vector<Head> upto;  // of an AckEvents

  // Returns false if the bytes are no such request, or are encoded in an unusual way; decode_client_frame()
  // then decides about them. The bytes must outlive the use of this object.
  bool read(std::string_view frame);
  // The same for a decoded frame.
  bool read(const v1::ClientFrame& frame);
  void add(const v1::OutMessage& message);

  [[nodiscard]] std::span<const std::string_view> mentions_of(const Message& message) const {
    return std::span(mentions).subspan(message.mentions_from,
                                       message.mentions_to - message.mentions_from);
  }

 private:
  void clear();
  bool read_send(std::string_view bytes);
  bool read_message(std::string_view bytes);
  bool read_ack(std::string_view bytes);
};

// Returns true if the bytes are the Content of a plain message, encoded in the usual way. If not, they may still be
// readable.
bool is_plain_content(std::string_view content);

}  // namespace kith
