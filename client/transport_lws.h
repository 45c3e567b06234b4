// Transport over libwebsockets. One factory serves every client of its loop; TLS sessions are
// resumed per server.
#pragma once

#include <memory>

#include "client/transport.h"
#include "client/transport/resolver_uv.h"
#include "src/loop/loop_uv.h"

namespace kith::client {

// Loop thread (or before it runs) for construction and destruction; must outlive its transports.
std::unique_ptr<TransportFactory> make_lws_transport_factory(LoopUv& loop);
std::unique_ptr<TransportFactory> make_lws_transport_factory(LoopUv& loop, Resolve resolve);

}  // namespace kith::client
