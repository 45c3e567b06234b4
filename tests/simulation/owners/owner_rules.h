// Rules of ownership that a run may break on purpose, each from outside: at the log, the store or the link.
#pragma once

#include <cstdint>

namespace kith::sim {

enum class OwnerRule : std::uint8_t {
  kNone,
  kTakeOverVoids,       // what an earlier owner appends late counts
  kDoubtIsStamped,      // a first attempt that is known goes into the log as one that is not
  kNewOwnersDoubt,      // … only that of an owner which has just begun
  kOldRequestsDoubted,  // a request that was under way for long counts as fresh
  kUnknownIsSaid,       // the log says of what may still come that it is not there
  kForeignIsRead,       // an owner misses what another has appended
  kTenureIsStored,      // the store forgets who owned the log
  kRowsBeforeHeads,     // the store writes heads before their events
  kPositionLast,        // the store writes its position first
  kCellsByPosition,     // a row that is written late takes the place of a newer one
};

}  // namespace kith::sim
