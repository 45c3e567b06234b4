// The runtime of production: one loop with its thread and its sockets.
#pragma once

#include <memory>

#include "client/transport_lws.h"
#include "kith/client/options.h"
#include "src/loop/loop_uv.h"

namespace kith::client {

class RuntimeUv : public Runtime {
 public:
  RuntimeUv() : transports(make_lws_transport_factory(loop)) { loop.start(); }
  ~RuntimeUv() override {
    loop.run_sync([this] { transports.reset(); });
    loop.stop();
  }

  LoopUv loop;
  std::unique_ptr<TransportFactory> transports;
};

// The runtime that the options name, or a new one.
inline std::shared_ptr<RuntimeUv> runtime_of(const ClientOptions& options) {
  auto given = std::dynamic_pointer_cast<RuntimeUv>(options.runtime);
  return given ? given : std::make_shared<RuntimeUv>();
}

// Where the options lead: kInvalidArgument names the field, kIo if ca_file cannot be read.
Result<Endpoint> endpoint_of(const ClientOptions& options);

}  // namespace kith::client
