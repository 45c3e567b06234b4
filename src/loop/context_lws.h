// One libwebsockets context on a LoopUv: the settings, the start-up check and the slow destruction that
// client and server share.
#pragma once

#include <libwebsockets.h>

#include <memory>

#include "kith/core/result.h"
#include "src/loop/loop_uv.h"

namespace kith {

// Checks that the loaded libwebsockets is the one compiled against, because its structs changed between
// releases; fails with kInternal otherwise. Cheap; called before every context is made.
Status check_lws_library();

// Makes a context without listening sockets, signal handlers or timers of its own; the caller makes its
// vhosts with vhost_info(). `keep` owns the objects that callbacks use (protocol table, user pointers); it
// is released when libwebsockets has finished with the context, some loop turns after
// destroy_context_lws(). Loop thread, or before the loop runs.
Result<lws_context*> create_context_lws(LoopUv& loop, std::shared_ptr<void> keep);

// Settings every vhost of Kith has: HTTP/1.1 only, no extensions, no lws keep-alive timers.
lws_context_creation_info vhost_info(const lws_protocols* protocols, void* user);

// Turns TLS on in a vhost. lws borrows `client` until it has finished with the context. A server's vhost
// needs one too: otherwise lws makes its own, loads every CA of the system into it, and leaks it if the
// process has several contexts (4.1).
void use_tls(lws_context_creation_info& info, SSL_CTX* client);

// Makes a vhost; nullptr if the TLS material is unusable. One at a time per process: lws shares
// state between contexts here.
lws_vhost* create_vhost_lws(lws_context* context, const lws_context_creation_info& info);

// Closes every socket at once; callbacks may run inside this call and for some turns after it.
void destroy_context_lws(LoopUv& loop, lws_context* context);

// Cuts one connection soon, never inside the call. Loop thread, inside a callback of lws or
// outside.
void kill_lws(lws* wsi);

}  // namespace kith
