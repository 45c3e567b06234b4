// Transport_lws: resolves, connects, verifies and upgrades; says in typed errors where it failed;
// then moves messages.
#include "client/transport_lws.h"

#include <libwebsockets.h>

#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "client/transport/address_race.h"
#include "client/transport/proxy.h"
#include "client/transport/received_bytes.h"
#include "client/transport/tls_context_openssl.h"
#include "client/transport/url.h"
#include "kith/core/limits.h"
#include "src/loop/context_lws.h"

namespace kith::client {
namespace {

using namespace std::chrono_literals;

constexpr auto kConnectLimit = 10s;
constexpr std::size_t kAddressesTried = 4;
// RFC 8305: the next address joins in when the ones before have not connected within this.
constexpr auto kAttemptDelay = 250ms;
constexpr std::size_t kVhostsMax = 64;  // distinct sets of CAs and proxies in one factory
constexpr std::uint16_t kUnsupported = 1003;
constexpr std::uint16_t kTooBig = 1009;

class TransportLws;

// Shared by the transports of one loop. Lives until libwebsockets is done with the context.
class Core : public TlsPeers, public std::enable_shared_from_this<Core> {
 public:
  Core(LoopUv& on, Resolve resolver) : loop(on), resolve(std::move(resolver)), protocols{} {
    protocols[0].name = "kith.v1";
    protocols[0].callback = &Core::on_lws;
    protocols[0].rx_buffer_size = 4 * 1024;
    protocols[0].tx_packet_size = limits::frame_bytes_max + 16;
  }

  Status ensure_context();
  // Proxies belong to a vhost: one that has a proxy is never used without it.
  Result<lws_vhost*> vhost_for(const ServerUrl& url, const std::string& ca_pem,
                               const std::optional<Proxy>& proxy);
  TransportLws* find(std::uint64_t id) const {
    const auto it = transports.find(id);
    return it == transports.end() ? nullptr : it->second;
  }
  TlsPeer* peer_of(ssl_st* ssl) override;
  static int on_lws(lws* wsi, lws_callback_reasons reason, void* user, void* in, std::size_t size);

  LoopUv& loop;
  const Resolve resolve;
  lws_protocols protocols[2];
  lws_context* context = nullptr;
  struct Vhost {
    std::unique_ptr<TlsContext> tls;  // null: plain
    lws_vhost* vhost = nullptr;
  };
  std::unordered_map<std::string, Vhost> vhosts;  // by what makes them differ
  std::unordered_map<std::uint64_t, TransportLws*> transports;
  std::uint64_t next_id = 1;
  bool closed = false;
};

class TransportLws : public Transport, public TlsPeer {
 public:
  TransportLws(std::shared_ptr<Core> core, const Endpoint& endpoint, TransportListener& listener)
      : core_(std::move(core)), id_(core_->next_id++), listener_(listener), endpoint_(endpoint) {
    core_->transports.emplace(id_, this);
    connect_timer_ = core_->loop.after(kConnectLimit, guarded([](TransportLws& t) {
                                         t.connect_timer_ = 0;
                                         t.fail(t.classify("no answer within 10 s"));
                                       }));
    core_->loop.post(guarded([](TransportLws& t) { t.begin(); }));
  }
  ~TransportLws() override { detach(); }

  void send(std::string message) override;
  std::size_t buffered() const override { return queued_bytes_ + in_lws_; }
  void close(std::uint16_t code) override;

  const std::string& tls_host() const override { return url_.host; }
  const std::string& tls_key() const override { return tls_key_; }
  void on_tls_started() override {
    stage_ = Stage::kTls;
    choose(tls_wsi_);
  }
  void on_tls_done() override { stage_ = Stage::kUpgrade; }
  void on_certificate_refused(const std::string& why) override { certificate_error_ = why; }

  int handle(lws* wsi, lws_callback_reasons reason, void* in, std::size_t size);
  // Is `ssl` of one of this transport's sockets? Remembers which for on_tls_started().
  bool owns(ssl_st* ssl);

 private:
  enum class Stage { kConnect, kTls, kUpgrade, kOpen };

  template <class F>
  std::function<void()> guarded(F&& action) {
    return [core = std::weak_ptr<Core>(core_), id = id_, action] {
      const auto alive = core.lock();
      TransportLws* self = alive && !alive->closed ? alive->find(id) : nullptr;
      if (self != nullptr) action(*self);
    };
  }

  void begin();
  void resolve();
  void on_resolved(const std::vector<std::string>& found);
  void connect_next();
  void attempt();
  void choose(lws* wsi);
  void on_attempt_failed(lws* wsi, std::string_view why);
  bool give_up(lws* wsi);
  int on_receive(lws* wsi, std::string_view piece);
  int on_writeable(lws* wsi);
  void refuse(std::uint16_t code);
  bool answered_something(lws* wsi) const;
  Error classify(std::string_view why) const;
  void fail(Error error) { finish(0, std::move(error)); }
  void finish(std::uint16_t code, const Error& error);
  void detach();
  void arm_cut();

  std::shared_ptr<Core> core_;
  const std::uint64_t id_;
  TransportListener& listener_;
  Endpoint endpoint_;
  ServerUrl url_;
  std::string tls_key_;
  std::optional<Proxy> proxy_;
  lws_vhost* vhost_ = nullptr;
  std::vector<std::string> addresses_;
  std::size_t next_address_ = 0;
  std::vector<lws*> attempts_;  // sockets that race for the connection
  lws* starting_ = nullptr;     // the one that libwebsockets is making
  lws* tls_wsi_ = nullptr;      // the one whose TLS was last looked at
  lws* wsi_ = nullptr;          // the one that won
  bool inside_connect_ = false;
  std::string connect_error_;  // reported inside lws_client_connect_via_info()
  Stage stage_ = Stage::kConnect;
  std::string certificate_error_;
  Scheduler::TimerId connect_timer_ = 0;
  Scheduler::TimerId attempt_timer_ = 0;
  Scheduler::TimerId cut_timer_ = 0;

  std::deque<std::string> queue_;  // messages with LWS_PRE bytes in front
  std::size_t queued_bytes_ = 0;
  std::size_t in_lws_ = 0;
  std::string message_;  // pieces of an incomplete message
  bool closing_ = false;
  bool close_sent_ = false;
  std::uint16_t close_code_ = 0;  // the peer's, or ours if we began
};

Status Core::ensure_context() {
  if (context != nullptr) return {};
  auto made = create_context_lws(loop, shared_from_this());
  if (!made) return made.error();
  context = *made;
  return {};
}

Result<lws_vhost*> Core::vhost_for(const ServerUrl& url, const std::string& ca_pem,
                                   const std::optional<Proxy>& proxy) {
  std::string key = url.tls ? "tls " + ca_pem : "plain";
  if (proxy) key += " by " + proxy->with_address(proxy->host);
  if (const auto it = vhosts.find(key); it != vhosts.end()) return it->second.vhost;
  if (vhosts.size() >= kVhostsMax) {
    return make_error(ErrorCode::kTlsFailed, "too many different sets of CA certificates");
  }
  auto info = vhost_info(protocols, this);
  const std::string name = "v" + std::to_string(vhosts.size());
  info.vhost_name = name.c_str();
  // Empty: without it libwebsockets reads http_proxy by itself, for every host.
  info.http_proxy_address = "";
  Vhost made;
  if (url.tls) {
    auto tls = TlsContext::create(ca_pem, *this);
    if (!tls) return tls.error();
    made.tls = std::move(*tls);
    use_tls(info, made.tls->get());
  }
  made.vhost = create_vhost_lws(context, info);
  if (made.vhost == nullptr) {
    return make_error(url.tls ? ErrorCode::kTlsFailed : ErrorCode::kConnectFailed,
                      "the WebSocket client could not be set up");
  }
  return vhosts.emplace(std::move(key), std::move(made)).first->second.vhost;
}

TlsPeer* Core::peer_of(ssl_st* ssl) {
  for (const auto& [id, transport] : transports) {
    if (transport->owns(ssl)) return transport;
  }
  return nullptr;
}

int Core::on_lws(lws* wsi, lws_callback_reasons reason, void*, void* in, std::size_t size) {
  lws_vhost* vhost = wsi == nullptr ? nullptr : lws_get_vhost(wsi);
  auto* self = vhost == nullptr ? nullptr : static_cast<Core*>(lws_get_vhost_user(vhost));
  if (self == nullptr || self->closed) return 0;
  switch (reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
    case LWS_CALLBACK_CLIENT_HTTP_REDIRECT:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_RECEIVE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
      break;
    default:
      return 0;
  }
  const auto id = reinterpret_cast<std::uintptr_t>(lws_get_opaque_user_data(wsi));
  TransportLws* transport = self->find(id);
  if (transport != nullptr) return transport->handle(wsi, reason, in, size);
  // Its transport is gone: no bytes any more.
  return reason == LWS_CALLBACK_CLIENT_RECEIVE || reason == LWS_CALLBACK_CLIENT_WRITEABLE ||
                 reason == LWS_CALLBACK_CLIENT_ESTABLISHED ||
                 reason == LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER
             ? -1
             : 0;
}

void TransportLws::begin() {
  auto url = parse_server_url(endpoint_.url);
  if (!url) return fail(url.error());
  url_ = *url;
  tls_key_ = url_.authority();
  if (auto status = core_->ensure_context(); !status) return fail(status.error());
  auto proxy = proxy_for(url_, endpoint_.proxy, proxy_variables());
  if (!proxy) return fail(proxy.error());
  proxy_ = std::move(*proxy);
  auto vhost = core_->vhost_for(url_, endpoint_.ca_pem, proxy_);
  if (!vhost) return fail(vhost.error());
  vhost_ = *vhost;
  resolve();
}

void TransportLws::resolve() {
  // Resolved here and not by libwebsockets, which would block the loop.
  core_->resolve(proxy_ ? proxy_->host : url_.host,
                 [core = std::weak_ptr<Core>(core_), id = id_](std::vector<std::string> found) {
                   const auto alive = core.lock();
                   TransportLws* self = alive && !alive->closed ? alive->find(id) : nullptr;
                   if (self != nullptr) self->on_resolved(found);
                 });
}

void TransportLws::on_resolved(const std::vector<std::string>& found) {
  addresses_ = race_order(found, kAddressesTried);
  if (addresses_.empty()) {
    const std::string name = proxy_ ? "proxy " + proxy_->host : url_.host;
    return fail(make_error(ErrorCode::kDnsFailed, "the name " + name + " does not resolve"));
  }
  connect_next();
}

// Another address joins the race, and after a pause the next one.
void TransportLws::connect_next() {
  core_->loop.cancel(std::exchange(attempt_timer_, 0));
  if (wsi_ != nullptr || next_address_ >= addresses_.size()) return;
  attempt();
  if (core_->find(id_) != this || wsi_ != nullptr || next_address_ >= addresses_.size()) return;
  attempt_timer_ = core_->loop.after(kAttemptDelay, guarded([](TransportLws& t) {
                                       t.attempt_timer_ = 0;
                                       t.connect_next();
                                     }));
}

void TransportLws::attempt() {
  const std::string authority = url_.authority();
  const std::string address = addresses_[next_address_++];
  lws_client_connect_info info{};
  info.context = core_->context;
  info.vhost = vhost_;
  if (proxy_) {
    lws_set_proxy(vhost_, proxy_->with_address(address).c_str());
    info.address = url_.host.c_str();
  } else {
    info.address = address.c_str();
  }
  info.port = url_.port;
  info.path = url_.path.c_str();
  info.host = authority.c_str();
  info.protocol = core_->protocols[0].name;
  info.local_protocol_name = core_->protocols[0].name;
  info.alpn = "http/1.1";
  info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (url_.tls ? LCCSCF_USE_SSL : 0);
  // A number that libwebsockets hands back; it is never used as a pointer.
  info.opaque_user_data = reinterpret_cast<void*>(
      static_cast<std::uintptr_t>(id_));  // NOLINT(performance-no-int-to-ptr)
  info.pwsi = &starting_;
  connect_error_.clear();
  inside_connect_ = true;
  lws* made = lws_client_connect_via_info(&info);
  inside_connect_ = false;
  starting_ = nullptr;
  if (made != nullptr && connect_error_.empty()) {
    if (wsi_ != made) attempts_.push_back(made);
    return;
  }
  on_attempt_failed(nullptr, connect_error_.empty() ? "cannot connect" : connect_error_);
}

// `wsi` is connected first: the others are given up.
void TransportLws::choose(lws* wsi) {
  if (wsi_ != nullptr || wsi == nullptr) return;
  core_->loop.cancel(std::exchange(attempt_timer_, 0));
  wsi_ = wsi;
  for (lws* other : std::exchange(attempts_, {})) {
    if (other != wsi) kill_lws(other);
  }
}

bool TransportLws::owns(ssl_st* ssl) {
  const auto mine = [&](lws* wsi) { return wsi != nullptr && lws_get_ssl(wsi) == ssl; };
  for (lws* wsi : attempts_) {
    if (mine(wsi)) tls_wsi_ = wsi;
  }
  if (mine(starting_)) tls_wsi_ = starting_;
  if (mine(wsi_)) tls_wsi_ = wsi_;
  return mine(tls_wsi_);
}

bool TransportLws::give_up(lws* wsi) {
  if (tls_wsi_ == wsi) tls_wsi_ = nullptr;
  if (std::erase(attempts_, wsi) == 0 && wsi != wsi_ && wsi != nullptr) return false;
  if (wsi_ == wsi) wsi_ = nullptr;
  return true;
}

// `wsi`: null for one that came to nothing while it was made.
void TransportLws::on_attempt_failed(lws* wsi, std::string_view why) {
  if (wsi != nullptr && !give_up(wsi)) return;
  if (stage_ == Stage::kConnect) {
    if (next_address_ < addresses_.size()) {
      // Not from inside a callback of the socket that failed.
      core_->loop.post(guarded([](TransportLws& t) { t.connect_next(); }));
      return;
    }
    if (!attempts_.empty()) return;
  }
  fail(classify(why));
}

// True if a plain connection carried bytes towards us: an answer, though none that upgrades.
bool TransportLws::answered_something(lws* wsi) const {
  return !url_.tls && received_bytes(lws_get_socket_fd(wsi)) > 0;
}

Error TransportLws::classify(std::string_view why) const {
  const std::string where = url_.authority();
  if (!certificate_error_.empty()) {
    return make_error(ErrorCode::kTlsCertificate,
                      "the certificate of " + where + " does not verify: " + certificate_error_);
  }
  switch (stage_) {
    case Stage::kConnect:
      return make_error(ErrorCode::kConnectFailed,
                        "cannot connect to " + where +
                            (proxy_ ? " through the proxy " + proxy_->host : std::string()));
    case Stage::kTls:
      return make_error(
          ErrorCode::kTlsFailed,
          "TLS with " + where + " failed; if the server has none, its URL begins with ws://");
    case Stage::kUpgrade:
      // lws marks a bad answer to the upgrade with "HS:"; bytes that are no HTTP at all break its
      // header parser.
      if (why.starts_with("HS:") || why.find("header") != std::string_view::npos ||
          why.find("protocol") != std::string_view::npos) {
        return make_error(ErrorCode::kNotKithServer,
                          "something answers at " + where + ", but it is no Kith server");
      }
      return make_error(
          ErrorCode::kUnavailable,
          where + " gave no answer" +
              (url_.tls ? "" : "; if the server has TLS, its URL begins with wss://"));
    case Stage::kOpen:
      break;
  }
  return make_error(ErrorCode::kUnavailable, "the connection to " + where + " broke");
}

int TransportLws::handle(lws* wsi, lws_callback_reasons reason, void* in, std::size_t size) {
  // A socket that was too slow, on its way out: it must send nothing.
  if (wsi_ != nullptr && wsi != wsi_) {
    return reason == LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER ? -1 : 0;
  }
  switch (reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR: {
      std::string why(static_cast<const char*>(in), in == nullptr ? 0 : size);
      if (stage_ == Stage::kUpgrade && answered_something(wsi)) why = "HS: no HTTP";
      if (why.empty()) why = "cannot connect";
      if (inside_connect_) {
        connect_error_ = why;
      } else {
        on_attempt_failed(wsi, why);
      }
      return 0;
    }
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
      choose(wsi);
      stage_ = Stage::kUpgrade;
      return 0;
    case LWS_CALLBACK_CLIENT_HTTP_REDIRECT:
      return 1;  // the token would go to a server that the user did not name
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      stage_ = Stage::kOpen;
      core_->loop.cancel(std::exchange(connect_timer_, 0));
      listener_.on_open();
      return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
      return on_receive(wsi, {static_cast<const char*>(in), size});
    case LWS_CALLBACK_CLIENT_WRITEABLE:
      return on_writeable(wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
      if (closing_) return 1;  // the answer to our close: done
      if (size >= 2) {
        const auto* bytes = static_cast<const unsigned char*>(in);
        close_code_ = static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
      }
      return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
      if (inside_connect_) return 0;
      if (wsi_ == nullptr) {
        on_attempt_failed(wsi, "closed");
        return 0;
      }
      wsi_ = nullptr;
      if (stage_ != Stage::kOpen) {
        fail(classify("closed"));
      } else {
        finish(close_code_,
               make_error(ErrorCode::kUnavailable,
                          close_code_ != 0
                              ? "the connection was closed with code " + std::to_string(close_code_)
                              : "the connection to " + url_.authority() + " broke"));
      }
      return 0;
    default:
      return 0;
  }
}

void TransportLws::refuse(std::uint16_t code) {
  queue_.clear();
  queued_bytes_ = 0;
  message_.clear();
  close(code);
}

int TransportLws::on_receive(lws* wsi, std::string_view piece) {
  if (closing_) return 0;
  if (lws_frame_is_binary(wsi) == 0) {
    refuse(kUnsupported);
    return 0;
  }
  const std::size_t left = lws_remaining_packet_payload(wsi);
  if (message_.size() + piece.size() + left > limits::frame_bytes_max) {
    refuse(kTooBig);
    return 0;
  }
  if (lws_is_final_fragment(wsi) == 0 || left != 0) {
    message_.append(piece);
    return 0;
  }
  if (message_.empty()) {
    listener_.on_message(piece);
    return 0;
  }
  message_.append(piece);
  const std::string whole = std::exchange(message_, {});
  listener_.on_message(whole);
  return 0;
}

int TransportLws::on_writeable(lws* wsi) {
  while (lws_partial_buffered(wsi) == 0) {
    in_lws_ = 0;
    if (queue_.empty()) break;
    std::string message = std::move(queue_.front());
    queue_.pop_front();
    const std::size_t size = message.size() - LWS_PRE;
    queued_bytes_ -= size;
    in_lws_ = size;
    if (lws_write(wsi, reinterpret_cast<unsigned char*>(message.data()) + LWS_PRE, size,
                  LWS_WRITE_BINARY) < 0) {
      return -1;
    }
  }
  if (in_lws_ != 0 || !queue_.empty()) {
    lws_callback_on_writable(wsi);
    return 0;
  }
  if (!closing_ || std::exchange(close_sent_, true)) return 0;
  // A close frame of our own: asked to close from WRITEABLE, lws 4.1 hangs up without one. The mask
  // is zero: masks hide data that an attacker chose from proxies, and there is none in here.
  unsigned char frame[LWS_PRE + 8] = {};
  unsigned char* bytes = frame + LWS_PRE;
  bytes[0] = 0x88;
  bytes[1] = 0x82;
  bytes[6] = static_cast<unsigned char>(close_code_ >> 8);
  bytes[7] = static_cast<unsigned char>(close_code_);
  return lws_write(wsi, bytes, 8, LWS_WRITE_RAW) < 0 ? -1 : 0;
}

void TransportLws::send(std::string message) {
  if (stage_ != Stage::kOpen || closing_ || wsi_ == nullptr) return;
  queued_bytes_ += message.size();
  message.insert(0, LWS_PRE, '\0');
  queue_.push_back(std::move(message));
  lws_callback_on_writable(wsi_);
}

void TransportLws::close(std::uint16_t code) {
  if (closing_) return;
  closing_ = true;
  close_code_ = code == 0 ? 1000 : code;
  if (stage_ == Stage::kOpen && wsi_ != nullptr) {
    arm_cut();
    lws_callback_on_writable(wsi_);
    return;
  }
  core_->loop.post(guarded([](TransportLws& t) {
    t.fail(make_error(ErrorCode::kUnavailable, "closed before the connection was there"));
  }));
}

void TransportLws::arm_cut() {
  if (cut_timer_ != 0) return;
  cut_timer_ = core_->loop.after(
      limits::close_limit, guarded([](TransportLws& t) {
        t.cut_timer_ = 0;
        t.finish(t.close_code_,
                 make_error(ErrorCode::kUnavailable, "the server did not answer the close"));
      }));
}

// Nothing of libwebsockets or the loop reaches this object afterwards.
void TransportLws::detach() {
  if (core_->transports.erase(id_) == 0) return;
  core_->loop.cancel(connect_timer_);
  core_->loop.cancel(attempt_timer_);
  core_->loop.cancel(cut_timer_);
  if (wsi_ != nullptr) attempts_.push_back(wsi_);
  for (lws* wsi : std::exchange(attempts_, {})) {
    if (!core_->closed) kill_lws(wsi);
  }
  wsi_ = tls_wsi_ = nullptr;
  queue_.clear();
  queued_bytes_ = in_lws_ = 0;
}

void TransportLws::finish(std::uint16_t code, const Error& error) {
  if (core_->find(id_) == nullptr) return;
  detach();
  listener_.on_close(code, error);  // may destroy this
}

class FactoryLws : public TransportFactory {
 public:
  FactoryLws(LoopUv& loop, Resolve resolve)
      : core_(std::make_shared<Core>(loop, std::move(resolve))) {}
  ~FactoryLws() override {
    core_->closed = true;
    if (core_->context != nullptr) {
      destroy_context_lws(core_->loop, std::exchange(core_->context, nullptr));
    }
  }
  std::unique_ptr<Transport> open(const Endpoint& endpoint, TransportListener& listener) override {
    return std::make_unique<TransportLws>(core_, endpoint, listener);
  }

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace

std::unique_ptr<TransportFactory> make_lws_transport_factory(LoopUv& loop) {
  return make_lws_transport_factory(loop, make_uv_resolver(loop));
}

std::unique_ptr<TransportFactory> make_lws_transport_factory(LoopUv& loop, Resolve resolve) {
  return std::make_unique<FactoryLws>(loop, std::move(resolve));
}

}  // namespace kith::client
