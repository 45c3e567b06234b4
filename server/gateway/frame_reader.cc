// FrameReader: heads, masks, fragments, and broken rules.
#include "server/gateway/frame_reader.h"

#include <algorithm>
#include <cstring>

#include "kith/core/limits.h"
#include "src/utf8.h"

namespace kith::server {
namespace {

constexpr std::uint8_t kContinuation = 0, kText = 1, kBinary = 2, kClosing = 8, kPinging = 9,
                       kPonging = 10;
constexpr std::uint16_t kProtocolError = 1002, kUnsupported = 1003, kNoCode = 1005, kBadText = 1007,
                        kTooBig = 1009;
constexpr std::size_t kControlMax = 125;
// Memory reserved for an announced frame; more is reserved as bytes arrive.
constexpr std::size_t kReserved = 4 * 1024;
constexpr std::size_t kKeptCapacity = 512;  // larger buffers go back to the heap when empty

void give_back(std::string& buffer) {
  if (buffer.capacity() > kKeptCapacity) {
    std::string().swap(buffer);
  } else {
    buffer.clear();
  }
}

// `at`: how much of the payload came before.
void unmask(std::span<char> piece, const unsigned char* mask, std::size_t at) {
  unsigned char turned[8];
  for (std::size_t i = 0; i < sizeof turned; ++i) turned[i] = mask[(at + i) & 3];
  std::uint64_t wide = 0;
  std::memcpy(&wide, turned, sizeof wide);
  std::size_t i = 0;
  for (; i + sizeof wide <= piece.size(); i += sizeof wide) {
    std::uint64_t word = 0;
    std::memcpy(&word, piece.data() + i, sizeof word);
    word ^= wide;
    std::memcpy(piece.data() + i, &word, sizeof word);
  }
  for (; i < piece.size(); ++i) piece[i] = static_cast<char>(piece[i] ^ turned[i & 7]);
}

bool may_be_sent(std::uint16_t code) {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

}  // namespace

FrameReader::Event FrameReader::refuse(std::uint16_t code, std::string_view why) {
  over_ = true;
  give_back(message_);
  give_back(control_);
  return {What::kRefused, why, code};
}

// Not by assigning an empty string, which would keep the memory.
void FrameReader::give_up() {
  over_ = true;
  in_message_ = false;
  std::string().swap(message_);
  std::string().swap(control_);
}

std::size_t FrameReader::head_size() const {
  if (head_have_ < 2) return 2;
  const unsigned size = head_[1] & 0x7f;
  return 2 + (size == 126 ? 2U : size == 127 ? 8U : 0U) + ((head_[1] & 0x80) != 0 ? 4U : 0U);
}

FrameReader::Event FrameReader::next(std::span<char>& bytes) {
  if (returned_) {
    returned_ = false;
    give_back(control() ? control_ : message_);
  }
  while (!over_) {
    if (!in_payload_) {
      if (bytes.empty()) return {};
      const Event wrong = head(bytes);
      if (wrong.what == What::kRefused) return wrong;
      if (!in_payload_) return {};
    }
    const Event event = payload(bytes);
    if (event.what != What::kNothing || in_payload_) return event;
  }
  bytes = {};
  return {};
}

FrameReader::Event FrameReader::head(std::span<char>& bytes) {
  while (!bytes.empty() && head_have_ < head_size()) {
    head_[head_have_++] = static_cast<unsigned char>(bytes.front());
    bytes = bytes.subspan(1);
    // Rejects a frame at its first two bytes, before waiting for more.
    if (head_have_ == 2 && (head_[1] & 0x80) == 0) {
      return refuse(kProtocolError, "a client's frame must be masked");
    }
  }
  return head_have_ < head_size() ? Event{} : check_head();
}

FrameReader::Event FrameReader::check_head() {
  if ((head_[0] & 0x70) != 0) return refuse(kProtocolError, "no extension was agreed on");
  final_ = (head_[0] & 0x80) != 0;
  opcode_ = head_[0] & 0x0f;
  std::uint64_t size = head_[1] & 0x7f;
  const std::size_t wide = size == 126 ? 2 : size == 127 ? 8 : 0;
  if (wide != 0) {
    size = 0;
    for (std::size_t i = 2; i < 2 + wide; ++i) size = size << 8 | head_[i];
    if (size < (wide == 2 ? 126U : 0x1'0000U) || size >> 63 != 0) {
      return refuse(kProtocolError, "a length is not written as it must be");
    }
  }
  if (control()) {
    if (opcode_ > kPonging) return refuse(kProtocolError, "unknown opcode");
    if (!final_) return refuse(kProtocolError, "a control frame must not be fragmented");
    if (size > kControlMax) return refuse(kProtocolError, "a control frame has at most 125 bytes");
  } else {
    if (opcode_ > kBinary) return refuse(kProtocolError, "unknown opcode");
    if ((opcode_ == kContinuation) != in_message_) {
      return refuse(kProtocolError, in_message_ ? "a message began within another"
                                                : "there is nothing to continue");
    }
    if (opcode_ == kText) return refuse(kUnsupported, "binary messages only");
    // The announced size counts before the bytes arrive.
    if (size > limits::frame_bytes_max - message_.size()) {
      return refuse(kTooBig, "message too big");
    }
    in_message_ = true;
  }
  left_ = static_cast<std::uint32_t>(size);
  mask_at_ = 0;
  in_payload_ = true;
  return {};
}

FrameReader::Event FrameReader::payload(std::span<char>& bytes) {
  const std::size_t size = std::min<std::size_t>(left_, bytes.size());
  const std::span<char> piece = bytes.first(size);
  bytes = bytes.subspan(size);
  unmask(piece, head_.data() + head_have_ - 4, mask_at_);
  mask_at_ = static_cast<std::uint8_t>((mask_at_ + size) & 3);
  left_ -= static_cast<std::uint32_t>(size);
  std::string& kept = control() ? control_ : message_;
  const std::string_view seen(piece.data(), piece.size());
  if (left_ == 0) {
    in_payload_ = false;
    head_have_ = 0;
    const bool whole = control() || final_;
    if (whole && kept.empty()) return finish(seen);
    kept.append(seen);
    if (!whole) return {size == 0 ? What::kPiece : What::kNothing, {}, 0};
    returned_ = true;
    return finish(kept);
  }
  if (kept.empty()) kept.reserve(std::min<std::size_t>(size + left_, kReserved));
  kept.append(seen);
  return {};
}

FrameReader::Event FrameReader::finish(std::string_view whole) {
  switch (opcode_) {
    case kPinging:
      return {What::kPing, whole, 0};
    case kPonging:
      return {What::kPong, whole, 0};
    case kClosing:
      break;
    default:
      in_message_ = false;
      return {What::kMessage, whole, 0};
  }
  over_ = true;
  if (whole.empty()) return {What::kClose, {}, kNoCode};
  if (whole.size() == 1) return refuse(kProtocolError, "half a close code");
  const auto code = static_cast<std::uint16_t>(static_cast<unsigned char>(whole[0]) << 8 |
                                               static_cast<unsigned char>(whole[1]));
  if (!may_be_sent(code)) return refuse(kProtocolError, "a close code that nobody may send");
  if (!is_utf8(whole.substr(2))) return refuse(kBadText, "the reason is not UTF-8");
  return {What::kClose, whole.substr(2), code};
}

}  // namespace kith::server
