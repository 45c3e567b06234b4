// Names of people and conversations: from ids to what a person reads, and back.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "client/cli/home.h"
#include "kith/client/client.h"

namespace kith::cli {

// Not synchronised: used from one thread.
class Names {
 public:
  Names(const Home& home, const std::string& own_handle);

  // Learns the names that a list of conversations shows.
  void learn(const std::vector<client::Conversation>& conversations);
  void learn(const std::string& handle);

  // The handle, else the display name, else "user-" and the first digits of the id.
  [[nodiscard]] std::string of(const UserId& user) const;
  // The other person of a 1:1, "#" and the title of a group.
  [[nodiscard]] std::string title(const client::Conversation& conversation) const;

 private:
  std::map<UserId, std::string> names_;
};

// Finds the conversation that WHO means; a handle that nobody has talked to yet gives a new 1:1.
// Fails with kNotFound (a #title that does not exist) or kInvalidArgument (empty, or a title that
// fits several groups).
Result<ConversationId> find_conversation(client::Client& client, const Home& home,
                                         const std::string& who);

}  // namespace kith::cli
