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
  void logged(const server::LogEntry& entry) override;
  void applied(const server::StoreBatch&) override;
  void at_rest() override;

 private:
  // A committed cursor, and the device's state then.
  struct Claim {
    std::size_t device;
    server::FeedVersion cursor;
    server::Position log_end;  // then
    std::map<ConversationId, std::uint64_t> heads;
  };
  void judge(const Claim& claim);
  void count_unread(const Who& who, client::Engine& engine);

  std::vector<Claim> claims_;  // until the store has what they are about
  server::Position logged_ = 0;
};

}  // namespace kith::sim
