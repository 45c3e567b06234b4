// A take-over counts if it outranks the current tenure.
#include "server/records/tenures.h"

#include <iterator>
#include <variant>

namespace kith::server {

bool Tenures::admit(const LogEntry& entry) {
  const LogRecord& r = entry.record;
  if (std::holds_alternative<TakeOverOp>(r.op)) {
    if (r.tenure.epoch <= current().epoch) return false;
    begun_.emplace(entry.position, r.tenure);
    return true;
  }
  // Marks may be repeated: nothing depends on who wrote one.
  if (r.rules_version < kRulesWithTenure || std::holds_alternative<UserMarkOp>(r.op)) return true;
  return r.tenure == current();
}

void Tenures::forget_before(Position position) {
  begun_.erase(begun_.begin(), std::prev(begun_.upper_bound(position)));
}

}  // namespace kith::server
