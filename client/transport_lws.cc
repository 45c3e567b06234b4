// Transport_lws: resolves, connects, verifies and upgrades; says in typed errors where it failed;
// then moves messages.
#include "client/transport_lws.h"

#include <libwebsockets.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/transport/address_race.h"
#include "client/transport/connect_stage.h"
#include "client/transport/core_lws.h"
#include "client/transport/frames_lws.h"
#include "client/transport/proxy.h"
#include "client/transport/received_bytes.h"
#include "client/transport/socket_race_lws.h"
#include "client/transport/url.h"
#include "kith/core/limits.h"
#include "src/loop/context_lws.h"
#include "src/timer.h"

namespace kith::client {
namespace {

using namespace std::chrono_literals;
using Stage = ConnectStage::Stage;

constexpr auto kConnectLimit = 10s;
constexpr std::size_t kAddressesTried = 4;
// RFC 8305: the next address joins in when the ones before have not connected within this.
constexpr auto kAttemptDelay = 250ms;

class TransportLws : public Transport, private SocketsLws {
  // Does nothing once this transport is detached: libwebsockets and the loop know it by its id alone.
  template <class F>
  auto guarded(F action) {
    return [core = std::weak_ptr<CoreLws>(core_), id = id_, action]<class... Args>(Args&&... args) {
      const auto alive = core.lock();
      if (alive && alive->find(id) != nullptr) action(std::forward<Args>(args)...);
    };
  }

 public:
  TransportLws(std::shared_ptr<CoreLws> core, const Endpoint& endpoint, TransportListener& listener)
      : core_(std::move(core)),
        id_(core_->add(*this)),
        listener_(listener),
        endpoint_(endpoint),
        connect_limit_(core_->loop(), [this] { fail(stage_.error("no answer within 10 s")); }),
        next_attempt_(core_->loop(), [this] { connect_next(); }),
        cut_(core_->loop(), [this] {
          finish(frames_.close_code(),
                 make_error(ErrorCode::kUnavailable, "the server did not answer the close"));
        }) {
    connect_limit_.start(kConnectLimit);
    core_->loop().post(guarded([this] { begin(); }));
  }
  ~TransportLws() override { detach(); }

  void send(std::string message) override;
  std::size_t buffered() const override { return frames_.buffered(); }
  void close(std::uint16_t code) override;

 private:
  const std::string& tls_host() const override { return stage_.url().host; }
  const std::string& tls_key() const override { return tls_key_; }
  void on_tls_started() override {
    stage_.reach(Stage::kTls);
    if (race_.choose_tls()) next_attempt_.stop();
  }
  void on_tls_done() override { stage_.reach(Stage::kUpgrade); }
  void on_certificate_refused(const std::string& why) override { stage_.refuse_certificate(why); }
  bool owns(ssl_st* ssl) override { return race_.owns(ssl); }
  int handle(lws* wsi, lws_callback_reasons reason, void* in, std::size_t size) override;

  void begin();
  void on_resolved(const std::vector<std::string>& found);
  void connect_next();
  void attempt();
  void on_connection_error(lws* wsi, std::string why);
  void on_attempt_failed(lws* wsi, std::string_view why);
  void on_gone(lws* wsi);
  void fail(const Error& error) { finish(0, error); }
  void finish(std::uint16_t code, const Error& error);
  void detach();

  std::shared_ptr<CoreLws> core_;
  const std::uint64_t id_;
  TransportListener& listener_;
  Endpoint endpoint_;
  ConnectStage stage_;
  std::string tls_key_;
  lws_vhost* vhost_ = nullptr;
  SocketRaceLws race_;
  FramesLws frames_;
  Timer connect_limit_;
  Timer next_attempt_;
  Timer cut_;
};

void TransportLws::begin() {
  auto url = parse_server_url(endpoint_.url);
  if (!url) return fail(url.error());
  tls_key_ = url->authority();
  stage_.set_target(*url, std::nullopt);
  if (auto status = core_->ensure_context(); !status) return fail(status.error());
  auto proxy = proxy_for(*url, endpoint_.proxy, proxy_variables());
  if (!proxy) return fail(proxy.error());
  stage_.set_target(*url, *proxy);
  auto vhost = core_->vhost_for(*url, endpoint_.ca_pem, *proxy);
  if (!vhost) return fail(vhost.error());
  vhost_ = *vhost;
  // Resolved here and not by libwebsockets, which would block the loop.
  core_->resolve()(stage_.host(),
                   guarded([this](const std::vector<std::string>& found) { on_resolved(found); }));
}

void TransportLws::on_resolved(const std::vector<std::string>& found) {
  race_.set_addresses(race_order(found, kAddressesTried));
  if (!race_.has_address()) return fail(stage_.no_address());
  connect_next();
}

// Another address joins the race, and after a pause the next one.
void TransportLws::connect_next() {
  next_attempt_.stop();
  if (race_.winner() != nullptr || !race_.has_address()) return;
  attempt();
  if (core_->find(id_) != this || race_.winner() != nullptr || !race_.has_address()) return;
  next_attempt_.start(kAttemptDelay);
}

void TransportLws::attempt() {
  const ServerUrl& url = stage_.url();
  const std::string authority = url.authority();
  const std::string address = race_.next_address();
  lws_client_connect_info info{};
  info.context = core_->context();
  info.vhost = vhost_;
  if (stage_.proxy()) {
    lws_set_proxy(vhost_, stage_.proxy()->with_address(address).c_str());
    info.address = url.host.c_str();
  } else {
    info.address = address.c_str();
  }
  info.port = url.port;
  info.path = url.path.c_str();
  info.host = authority.c_str();
  info.protocol = core_->protocol();
  info.local_protocol_name = core_->protocol();
  info.alpn = "http/1.1";
  info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (url.tls ? LCCSCF_USE_SSL : 0);
  // A number that libwebsockets hands back; it is never used as a pointer.
  info.opaque_user_data = reinterpret_cast<void*>(
      static_cast<std::uintptr_t>(id_));  // NOLINT(performance-no-int-to-ptr)
  const std::string failure = race_.join(info);
  if (!failure.empty()) on_attempt_failed(nullptr, failure);
}

void TransportLws::on_connection_error(lws* wsi, std::string why) {
  // A plain connection that carried bytes towards us: an answer, though none that upgrades.
  const bool answered = !stage_.url().tls && received_bytes(lws_get_socket_fd(wsi)) > 0;
  if (stage_.at(Stage::kUpgrade) && answered) why = "HS: no HTTP";
  if (why.empty()) why = "cannot connect";
  if (!race_.note_failure(why)) on_attempt_failed(wsi, why);
}

// `wsi`: null for one that came to nothing while it was made.
void TransportLws::on_attempt_failed(lws* wsi, std::string_view why) {
  if (wsi != nullptr && !race_.give_up(wsi)) return;
  if (stage_.at(Stage::kConnect)) {
    if (race_.has_address()) {
      // Not from inside a callback of the socket that failed.
      core_->loop().post(guarded([this] { connect_next(); }));
      return;
    }
    if (race_.running()) return;
  }
  fail(stage_.error(why));
}

void TransportLws::on_gone(lws* wsi) {
  if (race_.joining()) return;
  if (race_.winner() == nullptr) return on_attempt_failed(wsi, "closed");
  race_.forget_winner();
  if (!stage_.at(Stage::kOpen)) return fail(stage_.error("closed"));
  finish(frames_.close_code(), stage_.closed(frames_.close_code()));
}

int TransportLws::handle(lws* wsi, lws_callback_reasons reason, void* in, std::size_t size) {
  // A socket that was too slow, on its way out: it must send nothing.
  if (race_.winner() != nullptr && wsi != race_.winner()) {
    return reason == LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER ? -1 : 0;
  }
  const std::string_view bytes(static_cast<const char*>(in), in == nullptr ? 0 : size);
  switch (reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      on_connection_error(wsi, std::string(bytes));
      return 0;
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
      if (race_.choose(wsi)) next_attempt_.stop();
      stage_.reach(Stage::kUpgrade);
      return 0;
    case LWS_CALLBACK_CLIENT_HTTP_REDIRECT:
      return 1;  // the token would go to a server that the user did not name
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      stage_.reach(Stage::kOpen);
      connect_limit_.stop();
      listener_.on_open();
      return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
      if (const auto code = frames_.take(
              wsi, bytes, [this](std::string_view message) { listener_.on_message(message); })) {
        frames_.clear();
        close(*code);
      }
      return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
      return frames_.on_writeable(wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
      if (frames_.closing()) return 1;  // the answer to our close: done
      frames_.on_peer_close(bytes);
      return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
      on_gone(wsi);
      return 0;
    default:
      return 0;
  }
}

void TransportLws::send(std::string message) {
  if (!stage_.at(Stage::kOpen) || frames_.closing() || race_.winner() == nullptr) return;
  frames_.send(race_.winner(), std::move(message));
}

void TransportLws::close(std::uint16_t code) {
  if (!frames_.close(code)) return;
  if (stage_.at(Stage::kOpen) && race_.winner() != nullptr) {
    if (!cut_.waits()) cut_.start(limits::close_limit);
    lws_callback_on_writable(race_.winner());
    return;
  }
  core_->loop().post(guarded([this] {
    fail(make_error(ErrorCode::kUnavailable, "closed before the connection was there"));
  }));
}

// Nothing of libwebsockets or the loop reaches this object afterwards.
void TransportLws::detach() {
  if (!core_->remove(id_)) return;
  connect_limit_.stop();
  next_attempt_.stop();
  cut_.stop();
  for (lws* wsi : race_.release()) {
    if (!core_->closed()) kill_lws(wsi);
  }
  frames_.on_gone();
}

void TransportLws::finish(std::uint16_t code, const Error& error) {
  if (core_->find(id_) == nullptr) return;
  detach();
  listener_.on_close(code, error);  // may destroy this
}

class FactoryLws : public TransportFactory {
 public:
  FactoryLws(LoopUv& loop, Resolve resolve)
      : core_(std::make_shared<CoreLws>(loop, std::move(resolve))) {}
  ~FactoryLws() override { core_->close(); }
  std::unique_ptr<Transport> open(const Endpoint& endpoint, TransportListener& listener) override {
    return std::make_unique<TransportLws>(core_, endpoint, listener);
  }

 private:
  std::shared_ptr<CoreLws> core_;
};

}  // namespace

std::unique_ptr<TransportFactory> make_lws_transport_factory(LoopUv& loop) {
  return make_lws_transport_factory(loop, make_uv_resolver(loop));
}

std::unique_ptr<TransportFactory> make_lws_transport_factory(LoopUv& loop, Resolve resolve) {
  return std::make_unique<FactoryLws>(loop, std::move(resolve));
}

}  // namespace kith::client
