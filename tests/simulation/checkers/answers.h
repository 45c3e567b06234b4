// Invariant 23: every request is answered, or its connection ends.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "tests/simulation/checker.h"

namespace kith::sim {

class AnswersChecker : public Checker {
 public:
  using Checker::Checker;
  void connects(const Who& who) override;
  void falls_silent(const Who& who) override;
  void asks(const Who& who, const v1::ClientFrame& frame) override;
  void server_says(const Who& who, const v1::ServerFrame& frame) override;
  void at_rest() override;

 private:
  std::map<std::size_t, std::map<std::uint64_t, std::int64_t>>
      asked_;                      // by device and request: when
  std::set<std::size_t> unheard_;  // devices whose connection is half-open
};

}  // namespace kith::sim
