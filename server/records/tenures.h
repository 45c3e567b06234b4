// Tenures: which owner of a shared log the log itself says is the current one, at each of its places.
#pragma once

#include <cstdint>
#include <iterator>
#include <map>

#include "kith/server/ports/records.h"

namespace kith::server {

// From these rules on a record counts only in its tenure; see decide.h.
inline constexpr std::uint32_t kRulesWithTenure = 5;

// Two processes may believe for seconds that they own a log. Records that one of them appends behind the other's
// take-over are void for every reader of the log: a late append never places a command twice.
class Tenures {
 public:
  // The store has followed the log up to `position`, where `tenure` was the current one.
  void begin(Position position, const Tenure& tenure) {
    begun_.clear();
    begun_.emplace(position, tenure);
  }
  // In log order, each record once. Returns false if the record is void.
  bool admit(const LogEntry& entry);
  // The owner of the newest record; of none: all zero.
  [[nodiscard]] const Tenure& current() const { return begun_.rbegin()->second; }
  // The owner at a position that is not below the one of begin() or of forget_before().
  [[nodiscard]] const Tenure& at(Position position) const {
    return std::prev(begun_.upper_bound(position))->second;
  }
  // Forgets the owners of earlier positions, about which nobody asks any more.
  void forget_before(Position position);

 private:
  std::map<Position, Tenure> begun_{{0, {}}};
};

}  // namespace kith::server
