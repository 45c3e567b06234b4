// ListenerShardLws: libwebsockets' callbacks, requests and frames of clients, and what is written once per
// connection and loop turn.
#include "server/gateway/listener_shard_lws.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "kith/core/limits.h"
#include "server/gateway/proxy_header.h"
#include "server/gateway/tls_identity_openssl.h"
#include "src/loop/context_lws.h"
#include "src/loop/tls_openssl.h"

namespace kith::server {
namespace {

constexpr std::uint32_t kReservedDescriptors = 128;  // databases, logs, pipes
constexpr int kFlushesPerTurn = 4;
constexpr unsigned char kBinaryFrame = 0x82, kCloseFrame = 0x88, kPongFrame = 0x8a;  // FIN, opcode
constexpr std::uint16_t kNoCode = 1005, kTooMany = 1008;
constexpr BucketRate kControlRate =
    BucketRate::per_s(limits::control_frames_per_s, limits::control_frames_burst);
constexpr std::uint32_t kHandshakeBurstS = 2;
// libwebsockets tells the SSL_CTX of a vhost only while it makes it.
thread_local SSL_CTX* tls_being_made = nullptr;

std::uint32_t connections_allowed(std::uint32_t asked, std::uint32_t shards) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const auto all = static_cast<std::uint32_t>(std::min<rlim_t>(limit.rlim_cur, 10'000'000));
  const std::uint32_t most = all > 2 * kReservedDescriptors ? all - kReservedDescriptors : all / 2;
  const std::uint32_t total = asked == 0 ? most : std::min(asked, most);
  return std::max<std::uint32_t>(1, total / std::max<std::uint32_t>(1, shards));
}

Arrivals::Bounds arrival_bounds(bool tls, std::uint32_t shards) {
  const auto share = [&](std::size_t all) { return std::max<std::size_t>(1, all / shards); };
  Arrivals::Bounds bounds;
  bounds.of_one = share(limits::arrivals_of_one_max);
  bounds.shaking_of_one = tls ? share(limits::handshakes_of_one_max) : bounds.of_one;
  bounds.shaking = tls ? share(limits::handshakes_at_once_max) : static_cast<std::size_t>(-1);
  bounds.limit_ms = Millis(limits::arrival_limit).count();
  bounds.grace_ms = Millis(limits::arrival_grace).count();
  return bounds;
}

// A shard's share.
BucketRate handshake_rate(const ListenerOptions& options) {
  const std::uint32_t per_s = std::max(1U, options.handshakes_per_s / std::max(1U, options.shards));
  return BucketRate::per_s(per_s, std::int64_t{per_s} * kHandshakeBurstS);
}

// One ticket instead of two, each costs a signature's worth of CPU.
Status harden(SSL_CTX* ctx) {
  SSL_CTX_set_num_tickets(ctx, 1);
  SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
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

// Past libwebsockets: it would keep what the kernel does not take in a buffer of its own, and read
// nothing meanwhile.
class ListenerShardLws::Pipe : public SocketPipe {
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

ListenerShardLws::ListenerShardLws(const ListenerOptions& options, const AddressRanges& trusted,
                                   std::uint32_t shard, LoopUv& loop, ShardHandler& handler)
    : loop_(loop),
      handler_(handler),
      trusted_(trusted),
      shard_(shard),
      tls_(!options.tls_certificate_file.empty()),
      proxy_protocol_(options.proxy_protocol),
      connections_max_(connections_allowed(options.connections_max, options.shards)),
      healthy_(options.healthy),
      handshake_rate_(handshake_rate(options)),
      protocols_{},
      arrivals_(arrival_bounds(tls_, std::max(1U, options.shards))),
      lobby_(std::make_unique<LobbyUv>(loop, tls_, lobby_hooks())) {
  protocols_[0].name = "kith.v1";
  protocols_[0].callback = &ListenerShardLws::on_lws;
}

ListenerShardLws::~ListenerShardLws() {
  if (listening_ >= 0) ::close(listening_);
  SSL_CTX_free(unused_client_tls_);
}

Result<std::shared_ptr<ListenerShardLws>> ListenerShardLws::open(const ListenerOptions& options,
                                                                 const AddressRanges& trusted,
                                                                 std::uint32_t shard, int listening,
                                                                 LoopUv& loop,
                                                                 ShardHandler& handler) {
  std::shared_ptr<ListenerShardLws> self(
      new ListenerShardLws(options, trusted, shard, loop, handler));
  self->listening_ = listening;
  if (auto status = self->open_context(options, self); !status) {
    self->close_all();
    return status.error();
  }
  self->counters_.listening = listening;
  self->open_acceptor();
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

int ListenerShardLws::on_lws(lws* wsi, lws_callback_reasons reason, void* user, void* in,
                             std::size_t size) {
  if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS) {
    tls_being_made = static_cast<SSL_CTX*>(user);
    return harden(static_cast<SSL_CTX*>(user)).ok() ? 0 : 1;
  }
  lws_vhost* vhost = lws_get_vhost(wsi);
  if (vhost == nullptr) return 0;
  auto* self = static_cast<ListenerShardLws*>(lws_get_vhost_user(vhost));
  return self == nullptr ? 0 : self->handle(wsi, reason, in, size);
}

int ListenerShardLws::handle(lws* wsi, lws_callback_reasons reason, void* in, std::size_t size) {
  std::uint32_t index = 0;
  if (reason == LWS_CALLBACK_WSI_DESTROY) {
    if (lws_get_opaque_user_data(wsi) != nullptr && sockets_ > 0) --sockets_;
    return 0;
  }
  if (closed_) return 0;
  Slot* slot = slot_of(wsi, &index);
  switch (reason) {
    case LWS_CALLBACK_RAW_ADOPT:
      if (slot != nullptr) slot->wsi = wsi;
      return 0;
    case LWS_CALLBACK_RAW_RX:
      if (slot == nullptr || slot->dead) return -1;
      served_ = wsi;
      on_bytes(index, {static_cast<char*>(in), size});
      served_ = nullptr;
      return slot->dead ? -1 : 0;
    case LWS_CALLBACK_RAW_WRITEABLE:
      if (slot == nullptr || slot->dead) return -1;
      served_ = wsi;
      flush(index);
      served_ = nullptr;
      return slot->dead ? -1 : 0;
    case LWS_CALLBACK_RAW_CLOSE:
      if (slot != nullptr) on_closed(index);
      return 0;
    default:
      return 0;
  }
}

// --- what clients say ---

void ListenerShardLws::on_bytes(std::uint32_t index, std::span<char> bytes) {
  if (slots_[index].stage == Stage::kEntering) bytes = on_head(index, bytes);
  const Stage stage = slots_[index].stage;
  if (stage != Stage::kOpen && stage != Stage::kClosing) return;
  on_frames(index, bytes);
  const auto oldest = half_messages_.note(index, slots_[index].reader.held());
  if (!oldest) return;
  slots_[*oldest].reader.give_up();
  kill(slots_[*oldest]);
}

// Answers the bytes behind the head of the request.
std::span<char> ListenerShardLws::on_head(std::uint32_t index, std::span<char> bytes) {
  Slot& slot = slots_[index];
  std::string& head = *slot.head;
  const std::size_t before = head.size();
  head.append(bytes.data(), std::min(bytes.size(), limits::request_head_bytes_max + 2 - before));
  const UpgradeRequest request = read_upgrade_request(head);
  switch (request.kind) {
    case UpgradeRequest::Kind::kIncomplete:
      return {};
    case UpgradeRequest::Kind::kRefused:
      answer_http(index, request.status, request.header, request.why);
      return {};
    case UpgradeRequest::Kind::kHealth:
      if (healthy_ && !healthy_()) {
        answer_http(index, "503 Service Unavailable", {}, "failing");
      } else {
        answer_http(index, "200 OK", {}, "ok");
      }
      return {};
    case UpgradeRequest::Kind::kUpgrade:
      break;
  }
  establish(index, request);
  return bytes.subspan(request.size - before);
}

void ListenerShardLws::establish(std::uint32_t index, const UpgradeRequest& request) {
  Slot& slot = slots_[index];
  std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ";
  answer.append(accept_of(request.key)).append("\r\n");
  if (request.names_protocol) answer.append("Sec-WebSocket-Protocol: kith.v1\r\n");
  slot.out.add_raw(answer.append("\r\n"));
  mark_dirty(index);
  slot.stage = Stage::kOpen;
  slot.head.reset();
  slot.control = {};
  if (!proxy_protocol_) {
    slot.address = forwarded_client(slot.address, request.forwarded_for, trusted_);
    arrivals_.comes_from(slot.arrival, slot.address);
  }
  arrivals_.established(slot.arrival);
  lws_set_timeout(slot.wsi, NO_PENDING_TIMEOUT, 0);  // lws gave it some time for all this
  forget_ephemeral_key(lws_get_ssl(slot.wsi));
  slot.told = true;
  handler_.on_open(id_of(index), PeerInfo{slot.address.text(), slot.address.group_text(), tls_});
}

void ListenerShardLws::on_frames(std::uint32_t index, std::span<char> bytes) {
  Slot& slot = slots_[index];
  while (!slot.dead) {
    const FrameReader::Event event = slot.reader.next(bytes);
    switch (event.what) {
      case FrameReader::What::kNothing:
        return;
      case FrameReader::What::kMessage:
        if (slot.stage == Stage::kOpen) handler_.on_message(id_of(index), event.bytes);
        break;
      case FrameReader::What::kPing:
      case FrameReader::What::kPong:
      case FrameReader::What::kPiece:
        on_control(slot, index, event);
        break;
      case FrameReader::What::kClose:
        on_peer_close(index, event.code);
        break;
      case FrameReader::What::kRefused:
        close(id_of(index), event.code, event.bytes);
        break;
    }
  }
}

// They are answered at little cost, so they are counted.
void ListenerShardLws::on_control(Slot& slot, std::uint32_t index,
                                  const FrameReader::Event& event) {
  if (slot.stage != Stage::kOpen) return;
  if (slot.control.take(kControlRate, 1, loop_.clock().steady_ms()) != 0) {
    return close(id_of(index), kTooMany, "too many control frames");
  }
  // A peer that does not read what it is sent gets no pongs either.
  const bool answered =
      event.what == FrameReader::What::kPing && slot.out.waiting() < limits::write_ahead_bytes;
  if (!answered) return;
  slot.out.add(kPongFrame, event.bytes);
  mark_dirty(index);
}

// The answer to our close ends the connection; a close that the peer began is answered with its code.
void ListenerShardLws::on_peer_close(std::uint32_t index, std::uint16_t code) {
  close(id_of(index), code == kNoCode ? 1000 : code, {});
  slots_[index].hang_up = true;
  mark_dirty(index);
}

void ListenerShardLws::on_closed(std::uint32_t index) {
  const ConnectionId id = id_of(index);
  Slot& slot = slots_[index];
  loop_.cancel(slot.cut_timer);
  if (slot.arrival != 0) {
    arrivals_.left(slot.arrival);
    entering_.erase(slot.arrival);
  }
  if (slot.expelled) --expelled_;
  half_messages_.drop(index);
  slot.reader.give_up();
  slot.out.clear();
  const bool dirty = slot.dirty;
  const bool told = slot.told;
  const std::uint32_t generation = slot.generation;
  slot = Slot{};
  slot.generation = generation;
  slot.dirty = dirty;  // its place in dirty_ is swept at the end of the turn, then the slot is free
  if (!dirty) free_.push_back(index);
  if (told) handler_.on_close(id);
}

// --- what goes out ---

ListenerShardLws::Slot* ListenerShardLws::find(ConnectionId id) {
  if (id.shard != shard_ || id.index >= slots_.size()) return nullptr;
  Slot& slot = slots_[id.index];
  return slot.told && slot.generation == id.generation ? &slot : nullptr;
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
  if (slot == nullptr || slot->stage != Stage::kOpen) return;
  if (slot->out.waiting() + message.size() > limits::send_buffer_cut_bytes) return kill(*slot);
  slot->out.add(kBinaryFrame, message);
  mark_dirty(id.index);
}

std::size_t ListenerShardLws::buffered(ConnectionId id) const {
  const Slot* slot = find(id);
  return slot == nullptr ? 0 : slot->out.waiting();
}

void ListenerShardLws::close(ConnectionId id, std::uint16_t code, std::string_view reason) {
  Slot* slot = find(id);
  if (slot == nullptr || slot->stage != Stage::kOpen) return;
  slot->stage = Stage::kClosing;
  const std::uint16_t told = code == 0 ? 1000 : code;
  std::string payload{static_cast<char>(told >> 8), static_cast<char>(told)};
  payload.append(reason.substr(0, 123));  // a control frame carries 125 bytes
  slot->out.add(kCloseFrame, payload);
  slot->paused = false;
  apply_flow(*slot);  // the peer's answer is waited for
  arm_cut(id.index);
  mark_dirty(id.index);
}

void ListenerShardLws::answer_http(std::uint32_t index, std::string_view status,
                                   std::string_view header, std::string_view body) {
  Slot& slot = slots_[index];
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

void ListenerShardLws::pause_reading(ConnectionId id, bool paused) {
  Slot* slot = find(id);
  if (slot == nullptr || slot->stage != Stage::kOpen) return;
  slot->paused = paused;
  apply_flow(*slot);
}

void ListenerShardLws::hold_reading(ConnectionId id, bool held) {
  Slot* slot = find(id);
  if (slot == nullptr) return;
  slot->held = held;
  apply_flow(*slot);
}

void ListenerShardLws::apply_flow(Slot& slot) {
  if (!slot.dead) lws_rx_flow_control(slot.wsi, slot.paused || slot.held ? 0 : 1);
}

void ListenerShardLws::kill(Slot& slot) {
  if (std::exchange(slot.dead, true)) return;
  if (slot.stage == Stage::kOpen) slot.stage = Stage::kClosing;
  slot.out.clear();
  if (slot.wsi != nullptr && slot.wsi != served_) kill_lws(slot.wsi);
}

void ListenerShardLws::arm_cut(std::uint32_t index) {
  Slot& slot = slots_[index];
  if (slot.cut_timer != 0) return;
  slot.cut_timer = loop_.after(limits::close_limit, [this, index, generation = slot.generation] {
    Slot& late = slots_[index];
    if (late.stage == Stage::kFree || late.generation != generation) return;
    late.cut_timer = 0;
    kill(late);
  });
}

void ListenerShardLws::flush_dirty() {
  // What on_drained() brings forth goes out in the same turn, unless a peer takes it faster than the
  // loop may give it time.
  for (int round = 0; round < kFlushesPerTurn && !dirty_.empty(); ++round) flush_dirty_once();
  for (const std::uint32_t index : dirty_) {
    const Slot& slot = slots_[index];
    if (slot.wsi != nullptr && !slot.dead) lws_callback_on_writable(slot.wsi);
  }
  if (arrivals_.waiting()) let_in();  // places may have become free
}

void ListenerShardLws::flush_dirty_once() {
  flushing_.swap(dirty_);
  for (const std::uint32_t index : flushing_) {
    slots_[index].dirty = false;
    if (slots_[index].stage == Stage::kFree) {
      free_.push_back(index);
    } else {
      flush(index);
    }
  }
  flushing_.clear();
}

void ListenerShardLws::flush(std::uint32_t index) {
  Slot& slot = slots_[index];
  if (slot.dead || slot.wsi == nullptr) return;
  Pipe pipe(slot.wsi);
  const FrameOutput::Flushed flushed = slot.out.flush(pipe);
  if (!flushed.alive) return kill(slot);
  if (flushed.taken != 0 && slot.told) handler_.on_taken(id_of(index), flushed.taken);
  if (!slot.out.empty()) return;
  if (slot.stage == Stage::kOpen) {
    if (flushed.drained) handler_.on_drained(id_of(index));
  } else if (slot.hang_up) {
    kill(slot);
  } else if (slot.stage == Stage::kAnswered) {
    end_output(slot);
  }
}

// Says that nothing more comes, and reads on for a while: hanging up at once would lose the answer if
// the peer is still sending.
void ListenerShardLws::end_output(Slot& slot) {
  if (SSL* ssl = lws_get_ssl(slot.wsi); ssl != nullptr) SSL_shutdown(ssl);
  shutdown(lws_get_socket_fd(slot.wsi), SHUT_WR);
}

void ListenerShardLws::close_all() {
  if (std::exchange(closed_, true)) return;
  stop_accepting();
  loop_.remove_turn_end(turn_end_);
  loop_.cancel(let_in_timer_);
  loop_.cancel(sweep_timer_);
  for (const Slot& slot : slots_) loop_.cancel(slot.cut_timer);
  lobby_.reset();
  if (context_ != nullptr) destroy_context_lws(loop_, std::exchange(context_, nullptr));
}

}  // namespace kith::server
