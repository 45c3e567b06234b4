// Rules of ownership that a run may break on purpose, each from outside: at the log, the store or the link.
#pragma once

#include <cstdint>

namespace kith::sim {

enum class OwnerRule : std::uint8_t {
  kNone,
  kTakeOverVoids,       // late appends of an earlier owner count
  kDoubtIsStamped,      // a repetition goes into the log as a first attempt
  kNewOwnersDoubt,      // … only with an owner that has just begun
  kOldRequestsDoubted,  // a request that was under way for long counts as fresh
  kUnknownIsSaid,       // the log denies a record that may still come
  kForeignIsRead,       // an owner misses records of another appender
  kTenureIsStored,      // the store forgets who owned the log
  kRowsBeforeHeads,     // the store writes heads before their events
  kPositionLast,        // the store writes its position first
  kCellsByPosition,     // a row that is written late takes the place of a newer one
};

}  // namespace kith::sim
