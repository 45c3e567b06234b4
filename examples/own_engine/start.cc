// A messenger on engines of your own.
#include "start.h"

#include <utility>

#include "broker_log.h"
#include "kith/server/ports/server_ports.h"
#include "posting_bus.h"

namespace own_engine {

// [own_engine_start]
kith::Result<std::unique_ptr<kith::server::Server>> start_on(std::shared_ptr<Broker> broker,
                                                             kith::server::ServerOptions options) {
  kith::server::ServerPorts ports;
  ports.log = [broker](kith::Scheduler& loop,
                       std::uint32_t partition) -> std::unique_ptr<kith::server::CommandLog> {
    return std::make_unique<BrokerLog>(std::shared_ptr<Topic>(broker, &broker->topic(partition)),
                                       loop);
  };
  ports.bus = [](kith::Scheduler& loop) -> std::unique_ptr<kith::server::Bus> {
    return std::make_unique<PostingBus>(loop);
  };
  // The others are the embedded ones in options.data_dir.
  return kith::server::Server::start(std::move(options), ports);
}
// [/own_engine_start]

}  // namespace own_engine
