// Invariants 4 and 6: a device claims only what it holds, and counts unread messages as the server
// does.
#pragma once

#include <map>
#include <vector>

#include "tests/simulation/checker.h"

namespace kith::sim {

class CacheChecker : public Checker {
 public:
  using Checker::Checker;
  void cached(const Who& who, const client::CacheChange& change) override;
  void logged(std::uint32_t partition, const server::LogEntry& entry) override;
  void applied(std::uint32_t partition, const server::StoreBatch&) override;
  void at_rest() override;

 private:
  // A committed cursor, and the device's state then.
  struct Claim {
    std::size_t device;
    server::FeedVersion cursor;
    // Then, of the partitions whose stores do not have everything yet.
    std::map<std::uint32_t, server::Position> log_ends;
    std::map<ConversationId, std::uint64_t> heads;
  };
  void judge(const Claim& claim, std::uint32_t partition);
  void count_unread(const Who& who, client::Engine& engine);

  std::vector<Claim> claims_;                         // until the stores have what they are about
  std::map<std::uint32_t, server::Position> logged_;  // by partition
};

}  // namespace kith::sim
