// Invariant 32: a message of a 1:1 is withheld exactly when the other side blocked its sender: as the records before it
// in the log say, and as the directory said when it came, unless a change was under way.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/simulation/checker.h"

namespace kith::sim {

class BlocksChecker : public Checker {
 public:
  using Checker::Checker;
  void hears(const Who& who, const v1::ClientFrame& frame) override;
  void server_says(const Who& who, const v1::ServerFrame& frame) override;
  // A server that begins again asks for every block anew. Where it is one of several homes others go on meanwhile, and
  // conversations ask anew when they hear of it.
  void server_starts(const Budget& budget) override {
    if (budget.home.count == 1) changes_.clear();
  }
  void logged_before(std::uint32_t partition, const server::LogEntry& entry) override;
  void logged(std::uint32_t partition, const server::LogEntry& entry) override;
  void applied(std::uint32_t partition, const server::StoreBatch& batch) override;

 private:
  using Pair = std::pair<UserId, UserId>;  // blocks, or not; is blocked
  using Sent = std::tuple<ConversationId, UserId, MessageId>;
  // A request that the server has heard and not answered.
  struct Change {
    std::size_t device;
    std::uint64_t request;
    std::vector<Pair> pairs;
    std::int64_t at_ms;
  };
  struct Expected {
    Pair pair;
    bool withheld = false;
    server::Position logged = 0;  // its first record
  };
  void change(const Who& who, const v1::ClientFrame& frame);
  void sends(const Who& who, const v1::SendBatch& batch);
  [[nodiscard]] bool changing(const Pair& pair) const;
  [[nodiscard]] std::optional<UserId> other_of(const ConversationId& id, const UserId& user) const;
  void remember_history();

  std::vector<Change> changes_;
  std::map<Sent, std::optional<Expected>> sent_;  // none: a change was under way
  // By the log: what each member of a 1:1 says, and which of their messages must be withheld.
  std::map<ConversationId, std::map<UserId, bool>> said_;
  std::map<LogPlace, bool> withheld_;
  std::vector<server::Position> known_;  // by partition: its store had that when this began
  bool history_known_ = false;
};

}  // namespace kith::sim
