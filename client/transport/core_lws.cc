// CoreLws: one context, callbacks to their transports.
#include "client/transport/core_lws.h"

#include <utility>

#include "kith/core/limits.h"
#include "src/loop/context_lws.h"

namespace kith::client {
namespace {

constexpr std::size_t kVhostsMax = 64;  // distinct sets of CAs and proxies in one factory

}  // namespace

CoreLws::CoreLws(LoopUv& loop, Resolve resolve)
    : loop_(loop), resolve_(std::move(resolve)), protocols_{} {
  protocols_[0].name = "kith.v1";
  protocols_[0].callback = &CoreLws::on_lws;
  protocols_[0].rx_buffer_size = 4 * 1024;
  protocols_[0].tx_packet_size = limits::frame_bytes_max + 16;
}

std::uint64_t CoreLws::add(SocketsLws& transport) {
  transports_.emplace(next_id_, &transport);
  return next_id_++;
}

SocketsLws* CoreLws::find(std::uint64_t id) const {
  const auto it = transports_.find(id);
  return closed_ || it == transports_.end() ? nullptr : it->second;
}

void CoreLws::close() {
  closed_ = true;
  if (context_ != nullptr) destroy_context_lws(loop_, std::exchange(context_, nullptr));
}

Status CoreLws::ensure_context() {
  if (context_ != nullptr) return {};
  auto made = create_context_lws(loop_, shared_from_this());
  if (!made) return made.error();
  context_ = *made;
  return {};
}

Result<lws_vhost*> CoreLws::vhost_for(const ServerUrl& url, const std::string& ca_pem,
                                      const std::optional<Proxy>& proxy) {
  std::string key = url.tls ? "tls " + ca_pem : "plain";
  if (proxy) key += " by " + proxy->with_address(proxy->host);
  if (const auto it = vhosts_.find(key); it != vhosts_.end()) return it->second.vhost;
  if (vhosts_.size() >= kVhostsMax) {
    return make_error(ErrorCode::kTlsFailed, "too many different sets of CA certificates");
  }
  auto info = vhost_info(protocols_, this);
  const std::string name = "v" + std::to_string(vhosts_.size());
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
  made.vhost = create_vhost_lws(context_, info);
  if (made.vhost == nullptr) {
    return make_error(url.tls ? ErrorCode::kTlsFailed : ErrorCode::kConnectFailed,
                      "the WebSocket client could not be set up");
  }
  return vhosts_.emplace(std::move(key), std::move(made)).first->second.vhost;
}

TlsPeer* CoreLws::peer_of(ssl_st* ssl) {
  for (const auto& [id, transport] : transports_) {
    if (transport->owns(ssl)) return transport;
  }
  return nullptr;
}

int CoreLws::on_lws(lws* wsi, lws_callback_reasons reason, void*, void* in, std::size_t size) {
  lws_vhost* vhost = wsi == nullptr ? nullptr : lws_get_vhost(wsi);
  auto* self = vhost == nullptr ? nullptr : static_cast<CoreLws*>(lws_get_vhost_user(vhost));
  if (self == nullptr || self->closed_) return 0;
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
  SocketsLws* transport = self->find(id);
  if (transport != nullptr) return transport->handle(wsi, reason, in, size);
  // Its transport is gone: no bytes any more.
  return reason == LWS_CALLBACK_CLIENT_RECEIVE || reason == LWS_CALLBACK_CLIENT_WRITEABLE ||
                 reason == LWS_CALLBACK_CLIENT_ESTABLISHED ||
                 reason == LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER
             ? -1
             : 0;
}

}  // namespace kith::client
