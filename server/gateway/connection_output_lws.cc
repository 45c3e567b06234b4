// ConnectionOutput: one write per connection and loop turn.
#include "server/gateway/connection_output_lws.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "kith/core/limits.h"
#include "src/loop/context_lws.h"

namespace kith::server {
namespace {

constexpr int kFlushesPerTurn = 4;
constexpr unsigned char kBinaryFrame = 0x82, kCloseFrame = 0x88, kPongFrame = 0x8a;  // FIN, opcode

using Stage = ConnectionSlot::Stage;

}  // namespace

// Bypasses libwebsockets, which would buffer the bytes that the kernel does not take, and read
// nothing meanwhile.
class ConnectionOutput::Pipe : public SocketPipe {
 public:
  explicit Pipe(lws* wsi) : wsi_(wsi), ssl_(lws_get_ssl(wsi)) {}
  std::ptrdiff_t write(std::string_view bytes) override {
    if (ssl_ != nullptr) return write_tls(bytes);
    const ssize_t taken =
        ::send(lws_get_socket_fd(wsi_), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken >= 0) return taken;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
  }
  void ask_writable() override { lws_callback_on_writable(wsi_); }

 private:
  std::ptrdiff_t write_tls(std::string_view bytes) {
    ERR_clear_error();
    const int taken = SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
    if (taken > 0) return taken;
    const int error = SSL_get_error(ssl_, taken);
    ERR_clear_error();
    return error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ ? 0 : -1;
  }

  lws* wsi_;
  SSL* ssl_;
};

void ConnectionOutput::mark_dirty(std::uint32_t index) {
  if (slots_[index].dirty) return;
  slots_[index].dirty = true;
  dirty_.push_back(index);
}

void ConnectionOutput::send(ConnectionId id, std::string_view message) {
  ConnectionSlot* slot = slots_.find(id);
  if (slot == nullptr || slot->stage != Stage::kOpen) return;
  if (slot->out.waiting() + message.size() > limits::send_buffer_cut_bytes) return kill(*slot);
  slot->out.add(kBinaryFrame, message);
  mark_dirty(id.index);
}

void ConnectionOutput::close(ConnectionId id, std::uint16_t code, std::string_view reason) {
  ConnectionSlot* slot = slots_.find(id);
  if (slot == nullptr || slot->stage != Stage::kOpen) return;
  slot->stage = Stage::kClosing;
  const std::uint16_t sent = code == 0 ? 1000 : code;
  std::string payload{static_cast<char>(sent >> 8), static_cast<char>(sent)};
  payload.append(reason.substr(0, 123));  // a control frame carries 125 bytes
  slot->out.add(kCloseFrame, payload);
  slot->paused = false;
  apply_flow(*slot);  // the peer's answer is waited for
  arm_cut(id.index);
  mark_dirty(id.index);
}

void ConnectionOutput::answer_http(std::uint32_t index, std::string_view status,
                                   std::string_view header, std::string_view body) {
  ConnectionSlot& slot = slots_[index];
  std::string text = "HTTP/1.1 ";
  text.append(status).append("\r\nContent-Type: text/plain\r\nConnection: close\r\n");
  text.append(header).append("Content-Length: ").append(std::to_string(body.size() + 1));
  text.append("\r\n\r\n").append(body).append("\n");
  slot.out.add_raw(text);
  slot.stage = Stage::kAnswered;
  slot.head.reset();
  arm_cut(index);
  mark_dirty(index);
}

void ConnectionOutput::send_pong(std::uint32_t index, std::string_view payload) {
  slots_[index].out.add(kPongFrame, payload);
  mark_dirty(index);
}

void ConnectionOutput::apply_flow(ConnectionSlot& slot) {
  if (!slot.dead) lws_rx_flow_control(slot.wsi, slot.paused || slot.held ? 0 : 1);
}

void ConnectionOutput::kill(ConnectionSlot& slot) {
  if (std::exchange(slot.dead, true)) return;
  if (slot.stage == Stage::kOpen) slot.stage = Stage::kClosing;
  slot.out.clear();
  if (slot.wsi != nullptr && slot.wsi != served_) kill_lws(slot.wsi);
}

void ConnectionOutput::arm_cut(std::uint32_t index) {
  ConnectionSlot& slot = slots_[index];
  if (slot.cut_timer != 0) return;
  slot.cut_timer = loop_.after(limits::close_limit, [this, index, generation = slot.generation] {
    ConnectionSlot& late = slots_[index];
    if (late.stage == Stage::kFree || late.generation != generation) return;
    late.cut_timer = 0;
    kill(late);
  });
}

void ConnectionOutput::flush_dirty() {
  // Output of on_drained() leaves in the same turn, unless a peer reads faster than the loop can
  // serve it.
  for (int round = 0; round < kFlushesPerTurn && !dirty_.empty(); ++round) flush_dirty_once();
  for (const std::uint32_t index : dirty_) {
    const ConnectionSlot& slot = slots_[index];
    if (slot.wsi != nullptr && !slot.dead) lws_callback_on_writable(slot.wsi);
  }
}

void ConnectionOutput::flush_dirty_once() {
  flushing_.swap(dirty_);
  for (const std::uint32_t index : flushing_) {
    slots_[index].dirty = false;
    if (slots_[index].stage == Stage::kFree) {
      slots_.free(index);
    } else {
      flush(index);
    }
  }
  flushing_.clear();
}

void ConnectionOutput::flush(std::uint32_t index) {
  ConnectionSlot& slot = slots_[index];
  if (slot.dead || slot.wsi == nullptr) return;
  Pipe pipe(slot.wsi);
  const FrameOutput::Flushed flushed = slot.out.flush(pipe);
  if (!flushed.alive) return kill(slot);
  if (flushed.taken != 0 && slot.opened) handler_.on_taken(slots_.id_of(index), flushed.taken);
  if (!slot.out.empty()) return;
  if (slot.stage == Stage::kOpen) {
    if (flushed.drained) handler_.on_drained(slots_.id_of(index));
  } else if (slot.hang_up) {
    kill(slot);
  } else if (slot.stage == Stage::kAnswered) {
    end_output(slot);
  }
}

// Shuts its own side down, and reads on for a while: closing at once would lose the answer if the
// peer is still sending.
void ConnectionOutput::end_output(ConnectionSlot& slot) {
  if (SSL* ssl = lws_get_ssl(slot.wsi); ssl != nullptr) SSL_shutdown(ssl);
  shutdown(lws_get_socket_fd(slot.wsi), SHUT_WR);
}

}  // namespace kith::server
