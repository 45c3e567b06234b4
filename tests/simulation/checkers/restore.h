// Invariant 29: a server that goes on from a copy has everything in the copy, at its place, and other messages that a
// device of their sender knew come back.
#pragma once

#include <map>
#include <set>

#include "tests/simulation/checker.h"

namespace kith::sim {

class RestoreChecker : public Checker {
 public:
  // Right after the copy has taken the server's place, for the rest of the run.
  RestoreChecker(const Truth& truth, Findings& findings);
  void refused(const MessageId& id) override { refused_.insert(id); }
  void discarded(const Who& who, const MessageId& id) override;
  void rolled_back(const Who& who) override;
  void forgot_history(const Who&) override {}
  void at_rest() override;

 private:
  struct Known {
    ConversationId conversation;
    std::set<std::size_t> devices;  // that have it
  };
  void knows(const Who& who);
  [[nodiscard]] bool may_write(const UserId& user, const ConversationId& id) const;
  [[nodiscard]] bool stays_refused(const ConversationId& conversation, const MessageId& id,
                                   const UserId& user) const;

  std::map<ConversationId, std::map<std::uint64_t, server::Event>> kept_;
  std::map<std::pair<UserId, MessageId>, Known> known_;
  std::set<MessageId> refused_;  // by the lost history
};

}  // namespace kith::sim
