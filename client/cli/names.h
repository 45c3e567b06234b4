// Names of people and conversations: from ids to what a person reads, and back.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "client/cli/home.h"
#include "kith/client/client.h"

namespace kith::cli {

// A person is called by the handle, which is theirs alone; what they call themselves is shown
// beside it and decides nothing. Not synchronised: used from one thread.
class Names {
 public:
  // Asks the cache for a profile, as Client::profile does; may be empty.
  using Lookup = std::function<std::optional<client::Profile>(const UserId&)>;

  Names(const Home& home, const std::string& own_handle, Lookup lookup = nullptr);

  void learn(const std::string& handle);

  // The handle, else "user-" and the first digits of the id: as it is, for programs.
  [[nodiscard]] std::string exact(const UserId& user) const;
  // The same for people: with what cannot be seen written out, as in all below.
  [[nodiscard]] std::string of(const UserId& user) const;
  // The name that the person chose; empty if it is unknown or the handle.
  [[nodiscard]] std::string display(const UserId& user) const;
  // False while there is more to learn of the person; a deleted account has no handle any more.
  [[nodiscard]] bool knows(const UserId& user) const;
  // The other person of a 1:1 as "bob (Bob Miller)", "#" and the title of a group.
  [[nodiscard]] std::string title(const client::Conversation& conversation) const;

 private:
  [[nodiscard]] std::string handle(const UserId& user) const;

  mutable std::map<UserId, std::string> handles_;
  Lookup lookup_;
};

// Why a change of a group was refused, in one sentence with everybody who is in its way.
std::string why_refused(const Names& names, const Error& reason);

// A group that could be meant.
struct GroupName {
  ConversationId id;
  std::string title;
};

// Lists say everything: an account holds as many as the server lets it.
constexpr std::size_t kAllConversations = SIZE_MAX;

// The meaning of WHO, before anything is asked of a client.
struct Who {
  enum class Kind : std::uint8_t { kHandle, kTitle, kId } kind = Kind::kHandle;
  std::string text;  // the handle or the title
  ConversationId id;
};
// "@bob", "bob": a handle. "#team": a group. 32 hexadecimal digits: a conversation. Fails with
// kInvalidArgument if it is empty.
Result<Who> parse_who(const std::string& who);

// The group that `title` means. Groups that were used under this title before go first; a title
// that fits several others is refused, with all of them. Fails with kNotFound or kInvalidArgument.
Result<ConversationId> choose_group(const std::string& title, const std::vector<GroupName>& groups,
                                    const std::vector<ConversationId>& used);

// Finds the conversation that WHO means; a handle that nobody has talked to yet gives a new 1:1.
// Fails as parse_who and choose_group do, and with kNotFound for an unknown conversation id.
Result<ConversationId> find_conversation(client::Client& client, const Home& home,
                                         const std::string& who);

// The handle in "@bob" and "bob". Fails with kInvalidArgument for "#team" and what is empty.
Result<std::string> handle_of(const std::string& who);

}  // namespace kith::cli
