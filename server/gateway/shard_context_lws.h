// ShardContext is the libwebsockets side of a shard: a context and a vhost, with its certificate if there is TLS.
#pragma once

#include <libwebsockets.h>

#include <memory>

#include "kith/core/result.h"
#include "server/gateway/listener_lws.h"
#include "src/loop/loop_uv.h"

namespace kith::server {

class TlsIdentity;

class ShardContext {
 public:
  // `callback`: called by libwebsockets. Both live until libwebsockets releases the objects given to open().
  ShardContext(LoopUv& loop, bool tls, lws_callback_function* callback);
  ~ShardContext();
  ShardContext(const ShardContext&) = delete;
  ShardContext& operator=(const ShardContext&) = delete;

  // `keep` owns this object and `user`, which the callback finds at the vhost.
  Status open(const ListenerOptions& options, const std::shared_ptr<void>& keep, void* user);
  // Closes every socket.
  void close();
  // New handshakes use it. Fails with kTlsFailed; then nothing has changed.
  Status use_certificate(const TlsIdentity& identity);
  // Passes a socket to libwebsockets; callbacks may run inside the call. Returns null on failure.
  lws* adopt(int fd, void* mark);
  [[nodiscard]] bool tls() const { return tls_; }

  // The answer to LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS.
  static int on_tls_made(SSL_CTX* made);

 private:
  LoopUv& loop_;
  const bool tls_;
  lws_protocols protocols_[2];
  lws_context* context_ = nullptr;
  lws_vhost* vhost_ = nullptr;
  SSL_CTX* server_tls_ = nullptr;         // of the vhost
  SSL_CTX* unused_client_tls_ = nullptr;  // see use_tls()
};

}  // namespace kith::server
