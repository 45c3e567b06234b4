// Invariant 24: once a password has been changed, nothing made with an earlier one signs in or goes on. Invariant
// 25: a deleted account signs in nowhere and receives nothing; it leaves its groups, whenever the server ends
// meanwhile, nobody makes it a member, and its profile says that it is deleted.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "tests/simulation/checker.h"

namespace kith::sim {

class AccountsChecker : public Checker {
 public:
  using Checker::Checker;
  void connects(const Who& who) override { unheard_.erase(who.device); }
  void falls_silent(const Who& who) override { unheard_.insert(who.device); }
  void asks(const Who& who, const v1::ClientFrame& frame) override;
  void server_says(const Who& who, const v1::ServerFrame& frame) override;
  void logged(std::uint32_t partition, const server::LogEntry& entry) override;
  void user_changed(const UserId& user) override;
  void user_removed(const UserId& user) override { removed_at_[user] = truth_.now(); }
  void at_rest() override;

 private:
  struct Change {
    std::string hash;
    std::int64_t at = 0;
  };
  [[nodiscard]] bool gone_for(const UserId& user, std::int64_t ms) const;
  void follow(const Who& who, const v1::ServerFrame& frame);
  void judge_session(const Who& who);
  void profile(const v1::UserProfile& profile);

  std::map<UserId, Change> changes_;  // of passwords
  // The passwords that a device has set: its own changes spare its own sessions, also if the answer is
  // lost.
  std::map<std::size_t, std::set<std::string>> wanted_;
  std::set<std::size_t> unheard_;  // devices whose connection is half-open
  // Commands that the log has had: a repetition changes nothing.
  std::set<std::pair<ConversationId, MessageId>> logged_;
  std::map<UserId, std::int64_t> removed_at_;
  // The passwords that requests of a device bring, by request.
  std::map<std::pair<std::size_t, std::uint64_t>, std::string> asked_;
  std::map<std::string, std::string> made_with_;   // the passwords behind tokens and tickets
  std::map<std::size_t, std::string> offered_;     // by the last Hello of a device
  std::map<std::size_t, std::string> session_of_;  // the password behind its last session
};

}  // namespace kith::sim
