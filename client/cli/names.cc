// Names of people and conversations.
#include "client/cli/names.h"

#include <algorithm>

#include "client/cli/shown_text.h"

namespace kith::cli {
namespace {

constexpr std::size_t kCandidatesShown = 8;

Error bad(std::string sentence) {
  return make_error(ErrorCode::kInvalidArgument, std::move(sentence));
}

std::string list_of(const std::vector<ConversationId>& ids) {
  std::string out;
  for (std::size_t i = 0; i < ids.size() && i < kCandidatesShown; ++i) {
    out += (i ? ", " : "") + ids[i].to_string();
  }
  if (ids.size() > kCandidatesShown) {
    out += " and " + std::to_string(ids.size() - kCandidatesShown) + " more";
  }
  return out;
}

}  // namespace

Names::Names(const Home& home, const std::string& own_handle, Lookup lookup)
    : lookup_(std::move(lookup)) {
  for (const auto& handle : home.people()) learn(handle);
  learn(own_handle);
}

void Names::learn(const std::string& handle) {
  handles_[UserId::of(handle)] = handle;
}

// A handle that belongs to the id: nobody can claim the handle of another.
std::string Names::handle(const UserId& user) const {
  if (const auto it = handles_.find(user); it != handles_.end()) return it->second;
  if (!lookup_) return "";
  const auto profile = lookup_(user);
  if (!profile || UserId::of(profile->handle) != user) return "";
  return handles_[user] = profile->handle;
}

bool Names::knows(const UserId& user) const {
  return !handle(user).empty() || (lookup_ && lookup_(user).has_value());
}

std::string Names::exact(const UserId& user) const {
  std::string found = handle(user);
  return found.empty() ? "user-" + user.to_string().substr(0, 8) : found;
}

std::string Names::of(const UserId& user) const {
  return visible_name(exact(user));
}

std::string Names::display(const UserId& user) const {
  const auto profile = lookup_ ? lookup_(user) : std::nullopt;
  if (!profile || profile->display_name == exact(user)) return "";
  return visible_name(profile->display_name);
}

std::string why_refused(const Names& names, const Error& reason) {
  std::string people;
  for (const UserId& user : reason.users) people += (people.empty() ? "" : ", ") + names.of(user);
  if (people.empty()) return reason.message;
  if (reason.code == ErrorCode::kNotFound) return "Nobody is called " + people + ".";
  if (reason.code == ErrorCode::kPermissionDenied)
    return "You may not add these people to a group: " + people + ".";
  return reason.message + ": " + people + ".";
}

std::string Names::title(const client::Conversation& conversation) const {
  if (conversation.type != ConversationType::kGroup) {
    const std::string known = of(conversation.peer);
    const std::string handle = exact(conversation.peer);
    const std::string& own = conversation.title;  // or the first digits of the id
    const bool named =
        !own.empty() && own != handle && !conversation.peer.to_string().starts_with(own);
    return named ? known + " (" + visible_name(own) + ")" : known;
  }
  return "#" + (conversation.title.empty() ? conversation.id.to_string().substr(0, 8)
                                           : visible_name(conversation.title));
}

Result<Who> parse_who(const std::string& who) {
  if (who.empty() || who == "#" || who == "@") {
    return bad("WHO is empty; name a person (bob, @bob) or a group (#title).");
  }
  if (who[0] == '@') return Who{Who::Kind::kHandle, who.substr(1), {}};
  if (who[0] == '#') return Who{Who::Kind::kTitle, who.substr(1), {}};
  if (const auto id = ConversationId::parse(who)) {
    return Who{Who::Kind::kId, who, ConversationId(*id)};
  }
  return Who{Who::Kind::kHandle, who, {}};
}

Result<ConversationId> choose_group(const std::string& title, const std::vector<GroupName>& groups,
                                    const std::vector<ConversationId>& used) {
  std::vector<ConversationId> fitting;
  std::vector<ConversationId> known;
  for (const GroupName& group : groups) {
    if (group.title == title) fitting.push_back(group.id);
    const bool before = std::find(used.begin(), used.end(), group.id) != used.end();
    if (before && group.title == title) known.push_back(group.id);
  }
  if (known.size() == 1) return known[0];
  if (fitting.size() == 1 && used.empty()) return fitting[0];
  if (fitting.empty()) {
    return make_error(ErrorCode::kNotFound, "You are in no group called #" + title + ".");
  }
  if (fitting.size() == 1) {
    return bad("The group that #" + title +
               " has meant here so far has another title now, or is gone. One with this title is " +
               list_of(fitting) + "; use that id if you mean it.");
  }
  return bad("There are " + std::to_string(fitting.size()) + " groups called #" + title + ": " +
             list_of(fitting) + "; use the id of the one you mean.");
}

Result<ConversationId> find_conversation(client::Client& client, const Home& home,
                                         const std::string& who) {
  auto parsed = parse_who(who);
  if (!parsed) return parsed.error();
  if (parsed->kind == Who::Kind::kHandle) {
    if (UserId::of(parsed->text) == client.self())
      return bad("That is you; there is no conversation with oneself.");
    home.remember(parsed->text);
    return client.direct(parsed->text);
  }
  std::vector<GroupName> groups;
  for (const auto& c : client.conversations(kAllConversations)) {
    if (parsed->kind == Who::Kind::kId && c.id == parsed->id) return c.id;
    if (c.type == ConversationType::kGroup) groups.push_back({c.id, c.title});
  }
  if (parsed->kind == Who::Kind::kId) {
    return make_error(ErrorCode::kNotFound, "You have no conversation with the id " + who +
                                                "; a person of this name is @" + who + ".");
  }
  auto chosen = choose_group(parsed->text, groups, home.groups(parsed->text));
  if (chosen) home.remember_group(parsed->text, *chosen);
  return chosen;
}

Result<std::string> handle_of(const std::string& who) {
  auto parsed = parse_who(who);
  if (!parsed) return parsed.error();
  if (parsed->kind == Who::Kind::kTitle) return bad(who + " is a group; name a person.");
  return parsed->text;
}

}  // namespace kith::cli
