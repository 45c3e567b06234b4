// Names of people and conversations.
#include "client/cli/names.h"

namespace kith::cli {
namespace {

// As many as the sync windows of an ordinary account hold.
constexpr std::size_t kConversationsMax = 10'000;

}  // namespace

Names::Names(const Home& home, const std::string& own_handle) {
  for (const auto& handle : home.people()) learn(handle);
  learn(own_handle);
}

void Names::learn(const std::string& handle) {
  names_[UserId::of(handle)] = handle;
}

void Names::learn(const std::vector<client::Conversation>& conversations) {
  for (const auto& c : conversations) {
    if (c.type != ConversationType::kDirect || c.peer.empty() || c.title.empty()) continue;
    names_.try_emplace(c.peer, c.title);
  }
}

std::string Names::of(const UserId& user) const {
  const auto it = names_.find(user);
  return it != names_.end() ? it->second : "user-" + user.to_string().substr(0, 8);
}

std::string Names::title(const client::Conversation& conversation) const {
  if (conversation.type != ConversationType::kGroup) {
    if (names_.contains(conversation.peer) || conversation.title.empty()) {
      return of(conversation.peer);
    }
    return conversation.title;
  }
  return "#" + (conversation.title.empty() ? conversation.id.to_string().substr(0, 8)
                                           : conversation.title);
}

Result<ConversationId> find_conversation(client::Client& client, const Home& home,
                                         const std::string& who) {
  if (who.empty() || who == "#" || who == "@") {
    return make_error(ErrorCode::kInvalidArgument, "WHO is empty; name a person or a group.");
  }
  if (const auto id = ConversationId::parse(who)) return ConversationId(*id);
  if (who[0] != '@') {
    const std::string title = who[0] == '#' ? who.substr(1) : who;
    std::vector<ConversationId> found;
    for (const auto& c : client.conversations(kConversationsMax)) {
      if (c.type == ConversationType::kGroup && c.title == title) found.push_back(c.id);
    }
    if (found.size() == 1) return found[0];
    if (found.size() > 1) {
      return make_error(ErrorCode::kInvalidArgument,
                        "There are " + std::to_string(found.size()) + " groups called " + title +
                            "; use the conversation id that kith list --json prints.");
    }
    if (who[0] == '#') {
      return make_error(ErrorCode::kNotFound, "You are in no group called " + title + ".");
    }
  }
  const std::string handle = who[0] == '@' ? who.substr(1) : who;
  home.remember(handle);
  return client.direct(handle);
}

}  // namespace kith::cli
