// A backup of a data directory that no server has open.
#include <atomic>

#include "kith/server/ports/server_ports.h"
#include "kith/server/server.h"
#include "server/adapters/embedded/embedded.h"
#include "server/adapters/embedded/partition_count.h"
#include "src/loop/loop_uv.h"

namespace kith::server {

Status backup_data_dir(const std::string& data_dir, const std::string& to) {
  const auto partitions = partitions_of(data_dir);
  if (!partitions) return partitions.error();
  const std::atomic<bool> never{false};
  LoopUv loop;
  loop.start();
  Status done;
  loop.run_sync([&] {
    auto stores = open_ports(data_dir, {}, loop, false, *partitions, [&loop](std::uint32_t) {
      return PartitionLoop{loop, loop.soon()};
    });
    done = stores ? (*stores)->backup(to, never) : Status(stores.error());
  });
  loop.stop();
  return done;
}

}  // namespace kith::server
