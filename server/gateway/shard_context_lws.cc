// ShardContext: libwebsockets' side of a shard, and TLS.
#include "server/gateway/shard_context_lws.h"

#include <openssl/ssl.h>

#include <string>
#include <utility>

#include "server/gateway/tls_identity_openssl.h"
#include "src/loop/context_lws.h"
#include "src/loop/tls_openssl.h"

namespace kith::server {
namespace {

// libwebsockets exposes the SSL_CTX of a vhost only while it makes it.
thread_local SSL_CTX* tls_being_made = nullptr;

// One ticket instead of two, each costs a signature's worth of CPU.
Status harden(SSL_CTX* ctx) {
  SSL_CTX_set_num_tickets(ctx, 1);
  SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);  // tickets carry the state
  return harden_tls(ctx);
}

}  // namespace

ShardContext::ShardContext(LoopUv& loop, bool tls, lws_callback_function* callback)
    : loop_(loop), tls_(tls), protocols_{} {
  protocols_[0].name = "kith.v1";
  protocols_[0].callback = callback;
}

ShardContext::~ShardContext() {
  SSL_CTX_free(unused_client_tls_);
}

Status ShardContext::open(const ListenerOptions& options, const std::shared_ptr<void>& keep,
                          void* user) {
  auto context = create_context_lws(loop_, keep);
  if (!context) return context.error();
  context_ = *context;
  auto info = vhost_info(protocols_, user);
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

Status ShardContext::use_certificate(const TlsIdentity& identity) {
  if (context_ == nullptr || server_tls_ == nullptr) {
    return make_error(ErrorCode::kInvalidArgument, "the listener has no TLS");
  }
  return identity.use_in(server_tls_);
}

void ShardContext::close() {
  if (context_ != nullptr) destroy_context_lws(loop_, std::exchange(context_, nullptr));
}

lws* ShardContext::adopt(int fd, void* mark) {
  lws_adopt_desc_t adopt{};
  adopt.vh = vhost_;
  adopt.type = static_cast<lws_adoption_type>(LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL);
  adopt.fd.sockfd = fd;
  adopt.opaque = mark;
  return lws_adopt_descriptor_vhost_via_info(&adopt);
}

int ShardContext::on_tls_made(SSL_CTX* made) {
  tls_being_made = made;
  return harden(made).ok() ? 0 : 1;
}

}  // namespace kith::server
