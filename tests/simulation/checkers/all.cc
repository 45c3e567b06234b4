// The list of all checkers.
#include "tests/simulation/checker.h"

namespace kith::sim {

Checkers all_checkers(const Truth&, Findings&) {
  Checkers checkers;
  return checkers;
}

}  // namespace kith::sim
