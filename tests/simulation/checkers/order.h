// Invariants 2, 10 and 12: one gapless history per conversation, the same everywhere, in the order
// of its senders, with time that runs back only with the server's clock, also after any replay.
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "tests/simulation/checker.h"

namespace kith::sim {

class OrderChecker : public Checker {
 public:
  using Checker::Checker;
  void logged(std::uint32_t partition, const server::LogEntry& entry) override;
  void applied(std::uint32_t partition, const server::StoreBatch& batch) override;
  void cached(const Who& who, const client::CacheChange& change) override;
  void accepted(const Who& who, const Sent& sent) override;
  void told(const Who& who, const client::Event& event) override;
  void at_rest() override;

 private:
  void stored(std::uint32_t partition, const server::Event& event);
  void ends_with_its_events(const ConversationId& id);
  void held(const Who& who, const client::StoredEvent& event);

  struct Last {
    std::uint64_t seq = 0;
    std::map<UserId, std::uint64_t> ordinals;  // as each member counts
    std::int64_t ts_ms = 0;
  };
  [[nodiscard]] std::string miscount(const server::Event& event, Last& last) const;
  [[nodiscard]] bool right_time(std::uint32_t partition, const server::Event& event,
                                std::int64_t last_ms) const;
  std::map<ConversationId, Last> last_;
  std::map<std::uint32_t, server::Position> applied_;  // by partition
  std::map<LogPlace, std::int64_t> logged_at_;         // by the server's clock then
  // As the first device, or the first that was not shown a VOID, has it.
  std::map<std::pair<ConversationId, std::uint64_t>, v1::Event> seen_;
  std::map<std::tuple<ConversationId, std::uint64_t, UserId>, std::uint64_t> seen_ordinals_;
  std::map<std::pair<std::size_t, ConversationId>, std::vector<MessageId>> sent_;
  std::set<MessageId> failed_;  // what was sent again later may stand later
};

}  // namespace kith::sim
