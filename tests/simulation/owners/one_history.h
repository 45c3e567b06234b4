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
  OneHistory() = default;
  explicit OneHistory(const SharedTopic& topic);

  // The next record of the log. Returns what became of it; nullopt: it is void, or changes the owner.
  std::optional<server::Outcome> add(const server::LogEntry& entry);

  // Returns a command that has two places; empty if none has.
  [[nodiscard]] const std::string& placed_twice() const { return placed_twice_; }
  // These return null if there is none.
  [[nodiscard]] const server::Conversation* conversation(const ConversationId& id) const {
    const auto it = conversations_.find(id);
    return it == conversations_.end() ? nullptr : &it->second;
  }
  [[nodiscard]] const server::Event* event(const ConversationId& id, std::uint64_t seq) const;
  [[nodiscard]] const server::Placement* place(const server::LogRecord& command) const;
  // Returns the differences between the cells and this history; empty if there are none.
  [[nodiscard]] std::string difference(const Cells& cells) const;

 private:
  using Key = std::tuple<ConversationId, UserId, MessageId>;
  server::Outcome decide_one(const server::LogEntry& entry);

  server::Tenure current_;
  std::map<ConversationId, server::Conversation> conversations_;
  std::map<ConversationId, std::map<std::uint64_t, server::Event>> events_;
  std::map<Key, server::Placement> places_;
  std::string placed_twice_;
};

}  // namespace kith::sim
