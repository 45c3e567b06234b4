// Encoding, decoding and id fields. The rules of requests are in frame_rules.cc.
#include "src/frame_codec.h"

#include <google/protobuf/stubs/logging.h>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"

namespace kith {

// The lite runtime keeps unknown fields but does not expose them: a frame larger than its known fields has
// one.
bool has_unknown_body(const v1::ClientFrame& frame) {
  if (frame.body_case() != v1::ClientFrame::BODY_NOT_SET) return false;
  v1::ClientFrame known;
  known.set_req_id(frame.req_id());
  return frame.ByteSizeLong() > known.ByteSizeLong();
}

bool has_unknown_body(const v1::ServerFrame& frame) {
  if (frame.body_case() != v1::ServerFrame::BODY_NOT_SET) return false;
  v1::ServerFrame known;
  known.set_reply_to(frame.reply_to());
  known.set_must_understand(frame.must_understand());
  return frame.ByteSizeLong() > known.ByteSizeLong();
}

namespace {

Error too_large(std::size_t size) {
  return make_error(ErrorCode::kTooLarge,
                    "the frame has " + std::to_string(size) + " bytes, at most " +
                        std::to_string(limits::frame_bytes_max) + " are allowed");
}

template <class Frame>
Status encode_any_into(const Frame& frame, std::string& out) {
  const std::size_t size = frame.ByteSizeLong();
  if (size > limits::frame_bytes_max) return too_large(size);
  out.resize(size);
  frame.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(out.data()));
  return {};
}

template <class Frame>
Result<std::string> encode_any(const Frame& frame) {
  std::string out;
  if (auto encoded = encode_any_into(frame, out); !encoded) return encoded.error();
  return out;
}

template <class Frame>
Result<Frame> decode_any(std::string_view bytes) {
  if (bytes.size() > limits::frame_bytes_max) return too_large(bytes.size());
  // The error is typed; bytes of a stranger must not write lines to the host's stderr.
  const google::protobuf::LogSilencer quiet;
  Frame frame;
  if (!frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return make_error(ErrorCode::kProtocol, "the bytes are no frame of this protocol");
  }
  if (frame.body_case() == Frame::BODY_NOT_SET && !has_unknown_body(frame)) {
    return make_error(ErrorCode::kProtocol, "the frame has no body");
  }
  return frame;
}

template <class T>
std::optional<T> id_from(std::string_view bytes) {
  if (const auto id = T::from_bytes(bytes)) return T(*id);
  return std::nullopt;
}

}  // namespace

Result<std::string> encode(const v1::ClientFrame& frame) {
  return encode_any(frame);
}
Result<std::string> encode(const v1::ServerFrame& frame) {
  return encode_any(frame);
}

Status encode_into(const v1::ServerFrame& frame, std::string& out) {
  return encode_any_into(frame, out);
}

Result<v1::ClientFrame> decode_client_frame(std::string_view bytes) {
  return decode_any<v1::ClientFrame>(bytes);
}

Result<v1::ServerFrame> decode_server_frame(std::string_view bytes) {
  auto frame = decode_any<v1::ServerFrame>(bytes);
  if (frame && frame->body_case() == v1::ServerFrame::BODY_NOT_SET && frame->must_understand()) {
    return make_error(ErrorCode::kUpgradeRequired,
                      "the server sent something that needs a newer release of this client");
  }
  return frame;
}

std::optional<UserId> user_id(std::string_view bytes) {
  return id_from<UserId>(bytes);
}
std::optional<DeviceId> device_id(std::string_view bytes) {
  return id_from<DeviceId>(bytes);
}
std::optional<ConversationId> conversation_id(std::string_view bytes) {
  return id_from<ConversationId>(bytes);
}
std::optional<MessageId> message_id(std::string_view bytes) {
  return id_from<MessageId>(bytes);
}
std::optional<SessionId> session_id(std::string_view bytes) {
  return id_from<SessionId>(bytes);
}

}  // namespace kith
