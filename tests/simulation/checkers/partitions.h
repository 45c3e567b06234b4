// Invariant 34: all records and rows of a conversation are in the partition that its id names, however often the server
// starts.
#pragma once

#include <cstdint>

#include "tests/simulation/checker.h"

namespace kith::sim {

class PartitionsChecker : public Checker {
 public:
  using Checker::Checker;
  void logged(std::uint32_t partition, const server::LogEntry& entry) override;
  void applied(std::uint32_t partition, const server::StoreBatch& batch) override;

 private:
  void is_in(std::uint32_t partition, const ConversationId& id, const char* what);
};

}  // namespace kith::sim
