// Invariants 1, 3 and 14: a SENT message is stored for ever, once, and every accepted one gets
// there.
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "tests/simulation/checker.h"

namespace kith::sim {

class MessagesChecker : public Checker {
 public:
  using Checker::Checker;
  void asks(const Who& who, const v1::ClientFrame& frame) override;
  void server_says(const Who& who, const v1::ServerFrame& frame) override;
  void logged(std::uint32_t partition, const server::LogEntry& entry) override;
  void durable(const MessageId& id) override { logged_.insert(id); }
  void refused(const MessageId& id) override { refused_.insert(id); }
  void cached(const Who& who, const client::CacheChange& change) override;
  void accepted(const Who& who, const Sent& sent) override;
  void discarded(const Who&, const MessageId& id) override { discarded_.insert(id); }
  void told(const Who& who, const client::Event& event) override;
  void forgot_history(const Who& who) override;
  void rolled_back(const Who& who) override { rolled_back_.insert(who.device); }
  void at_rest() override;

 private:
  using Key = std::pair<ConversationId, MessageId>;
  using Stored = std::map<Key, const server::Event*>;
  struct Accepted {
    Who who;
    Sent sent;
    MessageId answered;  // as the person meant it, whatever history came after
  };
  void placed(const ConversationId& conversation, const MessageId& id, std::uint64_t seq,
              const std::string& seen_by);
  void see(const Who& who, const v1::Event& event);
  void judge(const Accepted& accepted, const Stored& stored);
  // Groups that a request of a device shall create.
  std::map<std::pair<std::size_t, std::uint64_t>, ConversationId> creations_;
  // Conversations that a user was not allowed to start.
  std::set<std::pair<UserId, ConversationId>> denied_;
  [[nodiscard]] bool could_be_refused(const Accepted& accepted) const;

  std::map<Key, std::uint64_t> placed_;
  std::set<MessageId> logged_;
  std::set<MessageId> discarded_;
  std::set<MessageId> refused_;  // at some time: replies to them are then rejected, too
  std::vector<Accepted> accepted_;
  std::set<std::size_t> rolled_back_;  // devices that have lost their power
};

}  // namespace kith::sim
