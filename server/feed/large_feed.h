// LargeFeed: which large groups a user is in, and how far each has come.
//
// Members of a large group get no feed mark for a message; their sync compares heads instead. What
// is asked once per user stays in memory and follows the decisions.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "kith/core/ids.h"
#include "kith/server/ports/conversation_store.h"

namespace kith::server {

class LargeFeed {
 public:
  using Peek = std::function<const Conversation*(const ConversationId&)>;

  // `peek`: the conversation as decided, if it is in memory; null: the store has it whole.
  LargeFeed(ConversationStore& store, Peek peek);
  ~LargeFeed();

  // A record was decided on a large group; `changed`: members whose rows changed.
  void note(const Conversation& conversation, std::span<const UserId> changed);
  // The large groups of a user, each with the position of its last record, in any order. May answer
  // inside the call; answers of one user come in the order of the calls.
  void of(const UserId& user, Done<std::vector<FeedEntry>> done);

 private:
  using Groups = std::set<ConversationId>;
  void loaded(const UserId& user, const std::vector<FeedEntry>& stored);
  void correct(const UserId& user, Groups& groups, const Conversation& conversation);
  std::vector<FeedEntry> entries(const Groups& groups) const;
  void bound();

  ConversationStore& store_;
  Peek peek_;
  std::unordered_map<UserId, Groups, IdHash> of_;
  std::map<ConversationId, Position> heads_;  // of every group in of_, and of those noted
  std::unordered_map<UserId, std::vector<Done<std::vector<FeedEntry>>>, IdHash> loading_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace kith::server
