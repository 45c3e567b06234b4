// ListenerShardLws: accepts sockets, reassembles messages, and writes what was sent once per
// connection and loop turn.
#include "server/gateway/listener_shard_lws.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "kith/core/limits.h"
#include "server/gateway/peer_address.h"
#include "server/gateway/tls_identity_openssl.h"
#include "src/loop/context_lws.h"
#include "src/loop/tls_openssl.h"

namespace kith::server {
namespace {

constexpr std::string_view kPath = "/v1/ws";
constexpr std::uint16_t kUnsupported = 1003;
constexpr std::uint16_t kTooBig = 1009;
constexpr int kFlushesPerTurn = 4;
constexpr int kAcceptsPerWake = 16;
constexpr std::size_t kWriteBytes = 64 * 1024;
constexpr std::size_t kReceiveBuffer = 1024;  // per connection; a longer message comes in pieces
// Room that is made for what a frame announces; more is made for what has come.
constexpr std::size_t kReserved = 4 * 1024;
constexpr std::size_t kKeptCapacity = 512;  // larger buffers go back to the heap when empty
constexpr std::uint32_t kReservedDescriptors = 128;  // databases, logs, pipes
constexpr std::uint32_t kNoSlot = 0xffff'ffff;
// libwebsockets tells the SSL_CTX of a vhost only while it makes it.
thread_local SSL_CTX* tls_being_made = nullptr;
constexpr auto kOutOfDescriptorsPause = std::chrono::milliseconds(200);

std::uint32_t connections_allowed(std::uint32_t asked, std::uint32_t shards) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const auto all = static_cast<std::uint32_t>(std::min<rlim_t>(limit.rlim_cur, 10'000'000));
  const std::uint32_t most = all > 2 * kReservedDescriptors ? all - kReservedDescriptors : all / 2;
  const std::uint32_t total = asked == 0 ? most : std::min(asked, most);
  return std::max<std::uint32_t>(1, total / std::max<std::uint32_t>(1, shards));
}

constexpr unsigned char kBinaryFrame = 0x82;  // FIN and opcode
constexpr unsigned char kCloseFrame = 0x88;

void append_frame(std::string& out, unsigned char first, std::string_view message) {
  const std::size_t size = message.size();
  out.push_back(static_cast<char>(first));
  if (size < 126) {
    out.push_back(static_cast<char>(size));
  } else if (size < 0x1'0000) {
    out.push_back(static_cast<char>(126));
    out.push_back(static_cast<char>(size >> 8));
    out.push_back(static_cast<char>(size));
  } else {
    out.push_back(static_cast<char>(127));
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(size >> shift));
  }
  out.append(message);
}

std::size_t byte_at(const std::string& text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

// Size of the frame that starts at `at`, as append_frame() wrote it.
std::size_t frame_at(const std::string& out, std::size_t at) {
  const std::size_t first = byte_at(out, at + 1);
  if (first < 126) return 2 + first;
  if (first == 126) return 4 + (byte_at(out, at + 2) << 8 | byte_at(out, at + 3));
  std::size_t size = 0;
  for (std::size_t i = 2; i < 10; ++i) size = size << 8 | byte_at(out, at + i);
  return 10 + size;
}

// Whole frames of about kWriteBytes: a pong of lws must never land inside a frame.
std::size_t chunk_at(const std::string& out, std::size_t at) {
  std::size_t end = at;
  do {
    const std::size_t next = end + frame_at(out, end);
    if (end != at && next - at > kWriteBytes) break;
    end = next;
  } while (end < out.size());
  return end - at;
}

void give_back(std::string& buffer) {
  if (buffer.capacity() > kKeptCapacity) {
    std::string().swap(buffer);
  } else {
    buffer.clear();
  }
}

int answer_http(lws* wsi, std::string_view status, std::string_view body) {
  std::string text(LWS_PRE, '\0');
  text.append("HTTP/1.1 ").append(status);
  text.append("\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: ");
  text.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  lws_write(wsi, reinterpret_cast<unsigned char*>(text.data()) + LWS_PRE, text.size() - LWS_PRE,
            LWS_WRITE_HTTP_FINAL);
  return -1;  // hang up
}

PeerAddress peer_address(lws* wsi) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getpeername(lws_get_socket_fd(wsi), reinterpret_cast<sockaddr*>(&address), &size);
  return PeerAddress::from(reinterpret_cast<const sockaddr*>(&address));
}

// One ticket instead of two, each costs a signature's worth of CPU.
Status harden(SSL_CTX* ctx) {
  SSL_CTX_set_num_tickets(ctx, 1);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);  // tickets carry the state
  return harden_tls(ctx);
}

// The client's ephemeral key is of no use once the handshake is done, yet OpenSSL keeps it: 7 KiB
// for X25519MLKEM768 (OpenSSL 3.5). A new type makes the key forget what it held.
void forget_ephemeral_key(SSL* ssl) {
  EVP_PKEY* key = nullptr;
  if (ssl == nullptr || SSL_get_peer_tmp_key(ssl, &key) != 1) return;
  EVP_PKEY_set_type(key, EVP_PKEY_X25519);
  EVP_PKEY_free(key);
}

}  // namespace

std::size_t frame_bytes(std::size_t size) {
  return size + (size < 126 ? 2 : size < 0x1'0000 ? 4 : 10);
}

ListenerShardLws::ListenerShardLws(const ListenerOptions& options, std::uint32_t shard,
                                   LoopUv& loop, ShardHandler& handler)
    : loop_(loop),
      handler_(handler),
      shard_(shard),
      tls_(!options.tls_certificate_file.empty()),
      connections_max_(connections_allowed(options.connections_max, options.shards)),
      healthy_(options.healthy),
      handshakes_per_s_(std::max<double>(
          1, static_cast<double>(options.handshakes_per_s) / std::max(1U, options.shards))),
      protocols_{},
      tokens_(handshakes_per_s_),
      tokens_at_ms_(loop.clock().steady_ms()) {
  protocols_[0].name = "kith.v1";
  protocols_[0].callback = &ListenerShardLws::on_lws;
  protocols_[0].per_session_data_size = sizeof(std::uint32_t);
  protocols_[0].rx_buffer_size = kReceiveBuffer;
  protocols_[0].tx_packet_size = kWriteBytes + 16;
}

ListenerShardLws::~ListenerShardLws() {
  if (listening_ >= 0) ::close(listening_);
  SSL_CTX_free(unused_client_tls_);
}

Result<std::shared_ptr<ListenerShardLws>> ListenerShardLws::open(const ListenerOptions& options,
                                                                 std::uint32_t shard, int listening,
                                                                 LoopUv& loop,
                                                                 ShardHandler& handler) {
  std::shared_ptr<ListenerShardLws> self(new ListenerShardLws(options, shard, loop, handler));
  self->listening_ = listening;
  if (auto status = self->open_context(options, self); !status) {
    self->close_all();
    return status.error();
  }
  self->open_poll(listening);
  self->turn_end_ = loop.at_turn_end([shard_ptr = self.get()] { shard_ptr->flush_dirty(); });
  return self;
}

Status ListenerShardLws::open_context(const ListenerOptions& options,
                                      const std::shared_ptr<ListenerShardLws>& self) {
  auto context = create_context_lws(loop_, self);
  if (!context) return context.error();
  context_ = *context;
  auto info = vhost_info(protocols_, this);
  info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
  if (tls_) {
    unused_client_tls_ = SSL_CTX_new(TLS_client_method());
    use_tls(info, unused_client_tls_);
    info.ssl_cert_filepath = options.tls_certificate_file.c_str();
    info.ssl_private_key_filepath = options.tls_key_file.c_str();
  }
  tls_being_made = nullptr;
  vhost_ = create_vhost_lws(context_, info);
  server_tls_ = std::exchange(tls_being_made, nullptr);
  if (vhost_ != nullptr) return {};
  return make_error(tls_ ? ErrorCode::kTlsFailed : ErrorCode::kIo,
                    tls_ ? "the TLS certificate " + options.tls_certificate_file + " or its key " +
                               options.tls_key_file + " cannot be used"
                         : "the WebSocket server could not be set up");
}

Status ListenerShardLws::use_certificate(const TlsIdentity& identity) {
  if (closed_ || server_tls_ == nullptr) {
    return make_error(ErrorCode::kInvalidArgument, "the listener has no TLS");
  }
  return identity.use_in(server_tls_);
}

void ListenerShardLws::open_poll(int listening) {
  poll_ = new uv_poll_t{};
  poll_->data = this;
  uv_poll_init(loop_.uv(), poll_, listening);
  uv_poll_start(poll_, UV_READABLE, [](uv_poll_t* poll, int, int) {
    static_cast<ListenerShardLws*>(poll->data)->accept_some();
  });
}

bool ListenerShardLws::take_handshake_token() {
  const std::int64_t now = loop_.clock().steady_ms();
  const double refill = static_cast<double>(now - tokens_at_ms_) * handshakes_per_s_ / 1000;
  tokens_ = std::min(handshakes_per_s_, tokens_ + refill);  // a burst of one second
  tokens_at_ms_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

void ListenerShardLws::pause_accepting(Millis wait) {
  uv_poll_stop(poll_);
  loop_.cancel(accept_timer_);
  accept_timer_ = loop_.after(wait, [this] {
    accept_timer_ = 0;
    if (poll_ == nullptr) return;
    uv_poll_start(poll_, UV_READABLE, [](uv_poll_t* poll, int, int) {
      static_cast<ListenerShardLws*>(poll->data)->accept_some();
    });
  });
}

void ListenerShardLws::accept_some() {
  for (int i = 0; i < kAcceptsPerWake && poll_ != nullptr; ++i) {
    if (!take_handshake_token()) {
      pause_accepting(Millis(static_cast<std::int64_t>(1000 / handshakes_per_s_) + 1));
      return;
    }
    const int fd = accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      tokens_ += 1;
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        pause_accepting(kOutOfDescriptorsPause);
      }
      if (errno == ECONNABORTED || errno == EINTR) continue;
      return;
    }
    if (sockets_ >= connections_max_) {
      ::close(fd);  // the client backs off; in the backlog it would only wait
      continue;
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    lws_adopt_desc_t adopt{};
    adopt.vh = vhost_;
    adopt.type =
        static_cast<lws_adoption_type>(LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL);
    adopt.fd.sockfd = fd;
    adopt.opaque = this;  // marks the sockets counted here
    ++sockets_;
    lws_adopt_descriptor_vhost_via_info(&adopt);
  }
}

int ListenerShardLws::on_lws(lws* wsi, lws_callback_reasons reason, void* user, void* in,
                             std::size_t size) {
  if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS) {
    tls_being_made = static_cast<SSL_CTX*>(user);
    return harden(static_cast<SSL_CTX*>(user)).ok() ? 0 : 1;
  }
  lws_vhost* vhost = lws_get_vhost(wsi);
  if (vhost == nullptr) return 0;
  auto* self = static_cast<ListenerShardLws*>(lws_get_vhost_user(vhost));
  if (self == nullptr) return 0;
  return self->handle(wsi, reason, static_cast<std::uint32_t*>(user), in, size);
}

int ListenerShardLws::handle(lws* wsi, lws_callback_reasons reason, std::uint32_t* index, void* in,
                             std::size_t size) {
  if (reason == LWS_CALLBACK_WSI_DESTROY) {
    if (lws_get_opaque_user_data(wsi) == this && sockets_ > 0) --sockets_;
    return 0;
  }
  if (closed_) return 0;
  switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: {
      char path[64] = "";
      const int got = lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI);
      if (got > 0 && std::string_view(path) == kPath) return 0;
      return answer_http(wsi, "404 Not Found", "not found\n");
    }
    case LWS_CALLBACK_HTTP: {
      const std::string_view path(static_cast<const char*>(in), in == nullptr ? 0 : size);
      if (path == "/health" && healthy_ && !healthy_()) {
        return answer_http(wsi, "503 Service Unavailable", "failing\n");
      }
      if (path == "/health") return answer_http(wsi, "200 OK", "ok\n");
      return answer_http(wsi, "404 Not Found", "not found\n");
    }
    case LWS_CALLBACK_ESTABLISHED:
      return on_established(wsi, index);
    case LWS_CALLBACK_RECEIVE:
      if (index == nullptr || *index >= slots_.size()) return -1;
      return on_receive(wsi, *index, {static_cast<const char*>(in), size});
    case LWS_CALLBACK_SERVER_WRITEABLE:
      if (index == nullptr || *index >= slots_.size()) return -1;
      return on_writeable(*index);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
      // The answer to our close ends the connection; only a close that the peer began is answered
      // by lws.
      return index != nullptr && *index < slots_.size() && slots_[*index].closing ? 1 : 0;
    case LWS_CALLBACK_CLOSED:
      if (index != nullptr && *index < slots_.size()) {
        on_closed(*index);
        *index = kNoSlot;
      }
      return 0;
    default:
      return 0;
  }
}

int ListenerShardLws::on_established(lws* wsi, std::uint32_t* index) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  *index = free_.back();
  free_.pop_back();
  Slot& slot = slots_[*index];
  const std::uint32_t generation = slot.generation + 1;
  slot = Slot{};
  slot.wsi = wsi;
  slot.generation = generation;
  forget_ephemeral_key(lws_get_ssl(wsi));
  const PeerAddress address = peer_address(wsi);
  handler_.on_open(id_of(*index), PeerInfo{address.text(), address.group_text(), tls_});
  return 0;
}

int ListenerShardLws::on_receive(lws* wsi, std::uint32_t index, std::string_view piece) {
  {
    Slot& slot = slots_[index];
    if (slot.wsi != wsi) return -1;
    if (slot.closing) return 0;
    if (lws_frame_is_binary(wsi) == 0) {
      close(id_of(index), kUnsupported, "binary messages only");
      return 0;
    }
    // What the frame announces counts before it is there.
    const std::size_t whole =
        slot.message.size() + piece.size() + lws_remaining_packet_payload(wsi);
    if (whole > limits::frame_bytes_max) {
      close(id_of(index), kTooBig, "message too big");
      return 0;  // what still comes is dropped, until the peer closes or is cut
    }
    if (lws_is_final_fragment(wsi) == 0 || lws_remaining_packet_payload(wsi) != 0) {
      if (slot.message.empty()) slot.message.reserve(std::min(whole, kReserved));
      slot.message.append(piece);
      return 0;
    }
    if (slot.message.empty()) {
      handler_.on_message(id_of(index), piece);
      return 0;
    }
    slot.message.append(piece);
  }
  // Moved out first: the handler may close, and slots_ may grow.
  std::string message = std::move(slots_[index].message);
  slots_[index].message = {};
  handler_.on_message(id_of(index), message);
  return 0;
}

int ListenerShardLws::on_writeable(std::uint32_t index) {
  if (!flush(index)) return -1;
  settle(index);
  return 0;
}

void ListenerShardLws::on_closed(std::uint32_t index) {
  const ConnectionId id = id_of(index);
  Slot& slot = slots_[index];
  if (slot.wsi == nullptr) return;
  loop_.cancel(slot.cut_timer);
  const bool dirty = slot.dirty;
  const std::uint32_t generation = slot.generation;
  slot = Slot{};
  slot.generation = generation;
  slot.dirty = dirty;  // its place in dirty_ is swept at the end of the turn, then the slot is free
  if (!dirty) free_.push_back(index);
  handler_.on_close(id);
}

ListenerShardLws::Slot* ListenerShardLws::find(ConnectionId id) {
  if (id.shard != shard_ || id.index >= slots_.size()) return nullptr;
  Slot& slot = slots_[id.index];
  return slot.wsi != nullptr && slot.generation == id.generation ? &slot : nullptr;
}

const ListenerShardLws::Slot* ListenerShardLws::find(ConnectionId id) const {
  return const_cast<ListenerShardLws*>(this)->find(id);
}

ConnectionId ListenerShardLws::id_of(std::uint32_t index) const {
  return {shard_, index, slots_[index].generation};
}

void ListenerShardLws::mark_dirty(std::uint32_t index) {
  if (slots_[index].dirty) return;
  slots_[index].dirty = true;
  dirty_.push_back(index);
}

void ListenerShardLws::send(ConnectionId id, std::string_view message) {
  Slot* slot = find(id);
  if (slot == nullptr || slot->closing) return;
  if (slot->out.size() - slot->out_at + message.size() > limits::send_buffer_cut_bytes) {
    kill(*slot);
    return;
  }
  append_frame(slot->out, kBinaryFrame, message);
  // From here on the caller may hold things back until it is told that all is out, also if the kernel
  // takes all at the end of this turn.
  if (buffered(id) >= limits::write_ahead_bytes) slot->behind = true;
  mark_dirty(id.index);
}

std::size_t ListenerShardLws::buffered(ConnectionId id) const {
  const Slot* slot = find(id);
  return slot == nullptr ? 0 : slot->out.size() - slot->out_at + slot->in_lws;
}

void ListenerShardLws::close(ConnectionId id, std::uint16_t code, std::string_view reason) {
  Slot* slot = find(id);
  if (slot == nullptr || slot->closing) return;
  slot->closing = true;
  give_back(slot->message);
  // Written as a frame of our own: lws, told to close from WRITEABLE, hangs up without its close
  // frame in 4.1.
  const std::uint16_t told = code == 0 ? 1000 : code;
  std::string payload{static_cast<char>(told >> 8), static_cast<char>(told)};
  payload.append(reason.substr(0, 123));  // a control frame carries 125 bytes
  append_frame(slot->out, kCloseFrame, payload);
  arm_cut(id.index);
  mark_dirty(id.index);
}

void ListenerShardLws::pause_reading(ConnectionId id, bool paused) {
  Slot* slot = find(id);
  if (slot != nullptr && !slot->closing) lws_rx_flow_control(slot->wsi, paused ? 0 : 1);
}

void ListenerShardLws::kill(Slot& slot) {
  slot.closing = true;
  slot.out.clear();
  slot.out_at = 0;
  kill_lws(slot.wsi);
}

void ListenerShardLws::arm_cut(std::uint32_t index) {
  Slot& slot = slots_[index];
  if (slot.cut_timer != 0) return;
  const ConnectionId id = id_of(index);
  slot.cut_timer = loop_.after(limits::close_limit, [this, id] {
    if (Slot* late = find(id)) {
      late->cut_timer = 0;
      kill(*late);
    }
  });
}

void ListenerShardLws::flush_dirty() {
  // What on_drained() brings forth goes out in the same turn, unless a peer takes it faster than the
  // loop may give it time.
  for (int round = 0; round < kFlushesPerTurn && !dirty_.empty(); ++round) flush_dirty_once();
  for (const std::uint32_t index : dirty_) {
    if (slots_[index].wsi != nullptr) lws_callback_on_writable(slots_[index].wsi);
  }
}

void ListenerShardLws::flush_dirty_once() {
  flushing_.swap(dirty_);
  for (const std::uint32_t index : flushing_) {
    slots_[index].dirty = false;
    if (slots_[index].wsi == nullptr) {
      free_.push_back(index);
      continue;
    }
    if (!flush(index)) {
      kill(slots_[index]);
      continue;
    }
    settle(index);
  }
  flushing_.clear();
}

bool ListenerShardLws::flush(std::uint32_t index) {
  std::size_t taken = 0;
  Slot& slot = slots_[index];
  while (lws_partial_buffered(slot.wsi) == 0) {
    taken += std::exchange(slot.in_lws, 0);
    if (slot.out_at >= slot.out.size()) break;
    const std::size_t size = chunk_at(slot.out, slot.out_at);
    if (lws_write(slot.wsi, reinterpret_cast<unsigned char*>(slot.out.data()) + slot.out_at, size,
                  LWS_WRITE_RAW) < 0) {
      return false;
    }
    slot.out_at += size;
    slot.in_lws = size;
  }
  if (slot.out_at >= slot.out.size()) {
    give_back(slot.out);
    slot.out_at = 0;
  } else if (slot.out_at > limits::send_queue_hard_bytes) {
    slot.out.erase(0, slot.out_at);
    slot.out_at = 0;
  }
  if (taken != 0) handler_.on_taken(id_of(index), taken);
  return true;
}

// After a flush: asks for a WRITEABLE, or tells that all is out.
void ListenerShardLws::settle(std::uint32_t index) {
  Slot& slot = slots_[index];
  if (slot.wsi == nullptr) return;
  if (slot.in_lws != 0 || slot.out_at < slot.out.size()) {
    slot.behind = true;
    lws_callback_on_writable(slot.wsi);
    return;
  }
  if (!std::exchange(slot.behind, false) || slot.closing) return;
  handler_.on_drained(id_of(index));
}

void ListenerShardLws::stop_accepting() {
  loop_.cancel(std::exchange(accept_timer_, 0));
  if (poll_ == nullptr) return;
  uv_poll_stop(poll_);
  uv_close(reinterpret_cast<uv_handle_t*>(std::exchange(poll_, nullptr)),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
  ::close(std::exchange(listening_, -1));
}

void ListenerShardLws::close_all() {
  if (std::exchange(closed_, true)) return;
  stop_accepting();
  loop_.remove_turn_end(turn_end_);
  for (const Slot& slot : slots_) loop_.cancel(slot.cut_timer);
  if (context_ != nullptr) destroy_context_lws(loop_, std::exchange(context_, nullptr));
}

}  // namespace kith::server
