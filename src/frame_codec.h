// Encodes and decodes frames, and checks the rules that every client request must obey before the server acts
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

// Encodes a frame as one WebSocket message. Fails with kTooLarge above limits::frame_bytes_max, and with
// kInternal if a text field is not UTF-8.
Result<std::string> encode(const v1::ClientFrame& frame);
Result<std::string> encode(const v1::ServerFrame& frame);
// The same into `out`, whose content is replaced and whose memory is reused.
Status encode_into(const v1::ServerFrame& frame, std::string& out);

// Fails with kTooLarge, and with kProtocol if the bytes are no frame or carry no body. A body of a newer
// release is no error here: body_case() is then BODY_NOT_SET, has_unknown_body() is true, encode() keeps the
// unknown fields, and validate() fails with kUnimplemented.
Result<v1::ClientFrame> decode_client_frame(std::string_view bytes);
// The same for a server's frame. The client ignores an unknown body (BODY_NOT_SET); with must_understand set,
// decoding it fails with kUpgradeRequired.
Result<v1::ServerFrame> decode_server_frame(std::string_view bytes);

// True if the frame has a body that this release does not know: a request or push of a newer one.
bool has_unknown_body(const v1::ClientFrame& frame);
bool has_unknown_body(const v1::ServerFrame& frame);

// Checks id sizes, counts, text and sizes: the server's first step for every frame, without sessions or
// members. Fails with kUnimplemented for a request of a newer release. That and all other errors except
// kProtocol answer the request by its req_id, and the connection goes on; a client of this release causes
// none of them.
Status validate(const v1::ClientFrame& frame);
Status validate(const RequestView& request);
// Checks one message of a SendBatch as validate() does; the client calls it before a message enters the
// outbox.
Status check_message(const v1::OutMessage& message);
// A handle has 1 to limits::handle_bytes_max bytes of UTF-8 without control characters.
Status check_handle(std::string_view handle);
Status check_title(std::string_view title);
Status check_display_name(std::string_view name);

// Reads an id field; returns nothing unless it has exactly 16 bytes.
std::optional<UserId> user_id(std::string_view bytes);
std::optional<DeviceId> device_id(std::string_view bytes);
std::optional<ConversationId> conversation_id(std::string_view bytes);
std::optional<MessageId> message_id(std::string_view bytes);
std::optional<SessionId> session_id(std::string_view bytes);

}  // namespace kith
