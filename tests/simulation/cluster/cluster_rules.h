// Rules of a cluster that a run may break on purpose, from outside: at the ports, the host or the link.
#pragma once

#include <cstdint>

#include "tests/simulation/owners/owner_rules.h"

namespace kith::sim {

enum class ClusterRule : std::uint8_t {
  kNone,
  kMarksAreRepeated,     // marks that were lost with a link are not given again
  kFlushIsAnswered,      // the store is written before the front has the marks
  kAnyVersion,           // a front that has just started knows no version of before
  kSyncNeedsOwners,      // a sync passes over what cannot be read
  kCommandsNotRepeated,  // the front repeats commands whose link has broken, as first attempts
  kMarksForAllHomes,     // only the home of the first user of a mark gets it
  kForeignNotKept,       // a home keeps records of other homes' users
};

struct BrokenInCluster {
  ClusterRule rule = ClusterRule::kNone;
  OwnerRule engine = OwnerRule::kNone;  // of the logs and the stores
};

}  // namespace kith::sim
