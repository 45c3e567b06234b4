// Invariant 8: private data does not leave the server, neither read marks nor presence; and a user who keeps
// them private does not see those of others. Invariant 13: a user becomes a member only if they exist and
// let the other add them at that time; and a block gets the same answer as "nobody".
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "tests/simulation/checker.h"

namespace kith::sim {

class PrivacyChecker : public Checker {
 public:
  using Checker::Checker;
  void server_says(const Who& who, const v1::ServerFrame& frame) override;
  void published(const Who& who, const v1::ServerFrame& frame) override;
  void logged_before(std::uint32_t partition, const server::LogEntry& entry) override;
  void logged(std::uint32_t partition, const server::LogEntry& entry) override;
  void applied(std::uint32_t partition, const server::StoreBatch& batch) override;
  void user_changed(const UserId& user) override;

 private:
  struct Published {
    LogPlace at;  // the log ended here
    ConversationId conversation;
    std::uint64_t read;
  };
  [[nodiscard]] const server::UserRecord* user(const UserId& id) const;
  [[nodiscard]] std::int64_t under_way_ms() const;
  [[nodiscard]] bool settled(const UserId& id, std::int64_t for_ms) const;
  [[nodiscard]] bool hides_reads(const UserId& id, std::int64_t for_ms) const;
  void show(std::uint32_t partition, const server::LogEntry& entry);
  void made_members(const server::LogEntry& entry);
  void refused(const Who& who, const v1::Error& error);
  template <class State>
  void hides(const Who& who, const State& state);
  void reads(const v1::ReceiptState& state);
  void judge(const Published& published);
  void presence(const Who& who, const v1::PresencePush& push);
  void typing(const Who& who, const v1::TypingPush& push);
  void shown(const ConversationId& conversation, const UserId& user, std::uint64_t seq);
  void remember_history();

  std::map<UserId, std::int64_t> changed_at_;
  std::set<ConversationId> made_;
  std::map<std::uint32_t, server::Position> logged_;  // by partition
  bool history_known_ = false;
  // The sender of a record, if they do not keep it private that they have read up to there.
  std::map<LogPlace, UserId> sharing_;
  // The highest seq that a member has shown to others as read.
  std::map<ConversationId, std::map<UserId, std::uint64_t>> shown_;
  std::vector<Published> published_;  // until the store has caught up with it
};

}  // namespace kith::sim
