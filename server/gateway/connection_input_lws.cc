// ConnectionInput: requests and frames of clients.
#include "server/gateway/connection_input_lws.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <string>

#include "kith/core/limits.h"

namespace kith::server {
namespace {

constexpr std::uint16_t kNoCode = 1005, kTooMany = 1008;
constexpr BucketRate kControlRate =
    BucketRate::per_s(limits::control_frames_per_s, limits::control_frames_burst);

using Stage = ConnectionSlot::Stage;

// The client's ephemeral key is useless once the handshake is done, yet OpenSSL keeps it: 7 KiB for
// X25519MLKEM768 (OpenSSL 3.5). Setting a new type frees its content.
void forget_ephemeral_key(SSL* ssl) {
  EVP_PKEY* key = nullptr;
  if (ssl == nullptr || SSL_get_peer_tmp_key(ssl, &key) != 1) return;
  EVP_PKEY_set_type(key, EVP_PKEY_X25519);
  EVP_PKEY_free(key);
}

// RFC 6455 section 4.2.2.
std::string accept_of(const std::string& key) {
  const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char hash[20];
  lws_SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash);
  char encoded[32] = "";
  lws_b64_encode_string(reinterpret_cast<const char*>(hash), sizeof hash, encoded, sizeof encoded);
  return encoded;
}

}  // namespace

void ConnectionInput::forget(std::uint32_t index) {
  half_messages_.drop(index);
  ports_.slots[index].reader.give_up();
}

void ConnectionInput::on_bytes(std::uint32_t index, std::span<char> bytes) {
  if (ports_.slots[index].stage == Stage::kEntering) bytes = on_head(index, bytes);
  const Stage stage = ports_.slots[index].stage;
  if (stage != Stage::kOpen && stage != Stage::kClosing) return;
  on_frames(index, bytes);
  const auto oldest = half_messages_.note(index, ports_.slots[index].reader.held());
  if (!oldest) return;
  ports_.slots[*oldest].reader.give_up();
  ports_.output.kill(ports_.slots[*oldest]);
}

// Returns the bytes behind the head of the request.
std::span<char> ConnectionInput::on_head(std::uint32_t index, std::span<char> bytes) {
  ConnectionSlot& slot = ports_.slots[index];
  std::string& head = *slot.head;
  const std::size_t before = head.size();
  head.append(bytes.data(), std::min(bytes.size(), limits::request_head_bytes_max + 2 - before));
  const UpgradeRequest request = read_upgrade_request(head);
  switch (request.kind) {
    case UpgradeRequest::Kind::kIncomplete:
      return {};
    case UpgradeRequest::Kind::kRefused:
      ports_.output.answer_http(index, request.status, request.header, request.why);
      return {};
    case UpgradeRequest::Kind::kHealth:
      if (healthy_ && !healthy_()) {
        ports_.output.answer_http(index, "503 Service Unavailable", {}, "failing");
      } else {
        ports_.output.answer_http(index, "200 OK", {}, "ok");
      }
      return {};
    case UpgradeRequest::Kind::kUpgrade:
      break;
  }
  establish(index, request);
  return bytes.subspan(request.size - before);
}

void ConnectionInput::establish(std::uint32_t index, const UpgradeRequest& request) {
  ConnectionSlot& slot = ports_.slots[index];
  std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ";
  answer.append(accept_of(request.key)).append("\r\n");
  if (request.names_protocol) answer.append("Sec-WebSocket-Protocol: kith.v1\r\n");
  slot.out.add_raw(answer.append("\r\n"));
  ports_.output.mark_dirty(index);
  slot.stage = Stage::kOpen;
  slot.head.reset();
  slot.control = {};
  ports_.entrance.established(slot, request.forwarded_for);
  lws_set_timeout(slot.wsi, NO_PENDING_TIMEOUT, 0);  // lws gave it some time for all this
  forget_ephemeral_key(lws_get_ssl(slot.wsi));
  slot.opened = true;
  ports_.handler.on_open(ports_.slots.id_of(index),
                         PeerInfo{slot.address.text(), slot.address.group_text(), tls_});
}

void ConnectionInput::on_frames(std::uint32_t index, std::span<char> bytes) {
  ConnectionSlot& slot = ports_.slots[index];
  while (!slot.dead) {
    const FrameReader::Event event = slot.reader.next(bytes);
    switch (event.what) {
      case FrameReader::What::kNothing:
        return;
      case FrameReader::What::kMessage:
        if (slot.stage == Stage::kOpen)
          ports_.handler.on_message(ports_.slots.id_of(index), event.bytes);
        break;
      case FrameReader::What::kPing:
      case FrameReader::What::kPong:
      case FrameReader::What::kPiece:
        on_control(index, event);
        break;
      case FrameReader::What::kClose:
        on_peer_close(index, event.code);
        break;
      case FrameReader::What::kRefused:
        ports_.output.close(ports_.slots.id_of(index), event.code, event.bytes);
        break;
    }
  }
}

// Counts control frames: they cost the peer little, and each needs an answer.
void ConnectionInput::on_control(std::uint32_t index, const FrameReader::Event& event) {
  ConnectionSlot& slot = ports_.slots[index];
  if (slot.stage != Stage::kOpen) return;
  if (slot.control.take(kControlRate, 1, ports_.clock.steady_ms()) != 0) {
    return ports_.output.close(ports_.slots.id_of(index), kTooMany, "too many control frames");
  }
  // A peer that does not read its data gets no pongs either.
  const bool answered =
      event.what == FrameReader::What::kPing && slot.out.waiting() < limits::write_ahead_bytes;
  if (!answered) return;
  ports_.output.send_pong(index, event.bytes);
}

// The answer to our close ends the connection; a close that the peer began is answered with its code.
void ConnectionInput::on_peer_close(std::uint32_t index, std::uint16_t code) {
  ports_.output.close(ports_.slots.id_of(index), code == kNoCode ? 1000 : code, {});
  ports_.slots[index].hang_up = true;
  ports_.output.mark_dirty(index);
}

}  // namespace kith::server
