// OneHistory decides a log alone, and judges by it the answers, pushes and rows of owners.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "server/conversation/decide.h"
#include "tests/simulation/owners/cell_store.h"
#include "tests/simulation/owners/shared_log.h"

namespace kith::sim {

class OneHistory {
 public:
  explicit OneHistory(const SharedTopic& topic);

  // Returns a command that has two places; empty if none has.
  [[nodiscard]] const std::string& placed_twice() const { return placed_twice_; }
  // Returns null if there is none.
  [[nodiscard]] const server::Event* event(const ConversationId& id, std::uint64_t seq) const;
  [[nodiscard]] const server::Placement* place(const server::LogRecord& command) const;
  // Returns the differences between the cells and this history; empty if there are none.
  [[nodiscard]] std::string difference(const Cells& cells) const;

 private:
  using Key = std::tuple<ConversationId, UserId, MessageId>;
  void decide_one(const server::LogEntry& entry);

  std::map<ConversationId, server::Conversation> conversations_;
  std::map<ConversationId, std::map<std::uint64_t, server::Event>> events_;
  std::map<Key, server::Placement> places_;
  std::string placed_twice_;
};

}  // namespace kith::sim
