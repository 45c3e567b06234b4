// CoreLws: shared by the transports of one loop: the context of libwebsockets, its vhosts, and which transport a socket
// belongs to.
#pragma once

#include <libwebsockets.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "client/transport/proxy.h"
#include "client/transport/resolver_uv.h"
#include "client/transport/tls_context_openssl.h"
#include "client/transport/url.h"
#include "src/loop/loop_uv.h"

namespace kith::client {

// A transport as libwebsockets reaches it.
class SocketsLws : public TlsPeer {
 public:
  // A callback for one of its sockets; returns what libwebsockets is to do.
  virtual int handle(lws* wsi, lws_callback_reasons reason, void* in, std::size_t size) = 0;
  // True if `ssl` is of one of its sockets; remembers which for on_tls_started().
  virtual bool owns(ssl_st* ssl) = 0;
};

// Loop thread. Lives until libwebsockets is done with the context.
class CoreLws : public TlsPeers, public std::enable_shared_from_this<CoreLws> {
 public:
  CoreLws(LoopUv& loop, Resolve resolve);

  [[nodiscard]] LoopUv& loop() { return loop_; }
  [[nodiscard]] const Resolve& resolve() const { return resolve_; }
  Status ensure_context();
  [[nodiscard]] lws_context* context() { return context_; }
  // Proxies belong to a vhost: one that has a proxy is never used without it.
  Result<lws_vhost*> vhost_for(const ServerUrl& url, const std::string& ca_pem,
                               const std::optional<Proxy>& proxy);
  [[nodiscard]] const char* protocol() const { return protocols_[0].name; }

  // The id that a transport's sockets carry.
  std::uint64_t add(SocketsLws& transport);
  // False: it is gone already.
  bool remove(std::uint64_t id) { return transports_.erase(id) > 0; }
  // Null: gone, or the factory is.
  [[nodiscard]] SocketsLws* find(std::uint64_t id) const;

  void close();
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  struct Vhost {
    std::unique_ptr<TlsContext> tls;  // null: plain
    lws_vhost* vhost = nullptr;
  };

  TlsPeer* peer_of(ssl_st* ssl) override;
  static int on_lws(lws* wsi, lws_callback_reasons reason, void* user, void* in, std::size_t size);

  LoopUv& loop_;
  const Resolve resolve_;
  lws_protocols protocols_[2];
  lws_context* context_ = nullptr;
  std::unordered_map<std::string, Vhost> vhosts_;  // by what makes them differ
  std::unordered_map<std::uint64_t, SocketsLws*> transports_;
  std::uint64_t next_id_ = 1;
  bool closed_ = false;
};

}  // namespace kith::client
