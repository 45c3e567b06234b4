// The front's side of a partition, with a rule that is broken on purpose, or none.
#pragma once

#include <memory>

#include "server/dispatch/linked_partition.h"
#include "tests/simulation/cluster/cluster_rules.h"

namespace kith::sim {

std::unique_ptr<server::LinkedPartition> make_front(const server::PartitionFront& front,
                                                    Scheduler& scheduler, ClusterRule broken);

}  // namespace kith::sim
