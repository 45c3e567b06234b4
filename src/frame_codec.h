// Frames to bytes and back, and the rules that every client request must obey before anybody acts
// on it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kith/core/ids.h"
#include "kith/core/result.h"

namespace kith::v1 {
class ClientFrame;
class OutMessage;
class ServerFrame;
}  // namespace kith::v1

namespace kith {

struct RequestView;

// One WebSocket message. kTooLarge above limits::frame_bytes_max; kInternal if a text field is not
// UTF-8.
Result<std::string> encode(const v1::ClientFrame& frame);
Result<std::string> encode(const v1::ServerFrame& frame);
// The same into a string that keeps its memory, in place of what it holds.
Status encode_into(const v1::ServerFrame& frame, std::string& out);

// kTooLarge; kProtocol if the bytes are no frame or carry no body. A body from a newer release is
// not an error here: the frame's body_case() is then BODY_NOT_SET and its unknown fields survive
// encode(). validate() answers kUnimplemented for it, has_unknown_body() tells.
Result<v1::ClientFrame> decode_client_frame(std::string_view bytes);
// Like above; an unknown body (BODY_NOT_SET) is for the client to ignore, unless the server set
// must_understand: kUpgradeRequired.
Result<v1::ServerFrame> decode_server_frame(std::string_view bytes);

// No body that this release knows, but something: a request or push of a newer one.
bool has_unknown_body(const v1::ClientFrame& frame);
bool has_unknown_body(const v1::ServerFrame& frame);

// The first step of the server for every frame: id sizes, counts, text, sizes. It knows nothing of
// sessions or members. kUnimplemented: a request of a newer release; answer it by its req_id and go
// on. All others but kProtocol are also answers to the request; none of them was caused by a client
// of this release.
Status validate(const v1::ClientFrame& frame);
Status validate(const RequestView& request);
// What validate() checks of each message of a SendBatch; the client uses it before a message enters
// the outbox.
Status check_message(const v1::OutMessage& message);
// 1 … limits::handle_bytes_max bytes of UTF-8 without control characters.
Status check_handle(std::string_view handle);
Status check_title(std::string_view title);
Status check_display_name(std::string_view name);

// Id fields: nothing unless exactly 16 bytes.
std::optional<UserId> user_id(std::string_view bytes);
std::optional<DeviceId> device_id(std::string_view bytes);
std::optional<ConversationId> conversation_id(std::string_view bytes);
std::optional<MessageId> message_id(std::string_view bytes);
std::optional<SessionId> session_id(std::string_view bytes);

}  // namespace kith
