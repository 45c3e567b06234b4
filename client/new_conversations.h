// NewConversations: conversations that the server does not have yet: with whom a 1:1 would be, and what an application
// sees of those that the outbox will bring about.
#pragma once

#include <map>
#include <string>

#include "client/model.h"

namespace kith::client {

class NewConversations {
 public:
  explicit NewConversations(Model& model) : model_(model) {}

  // The id of the 1:1 with this person, who is remembered until it exists.
  ConversationId direct(const UserId& peer);
  // The same, called by the handle until the server has sent more.
  ConversationId direct(const std::string& handle);
  // The other person of a 1:1, known or remembered; empty: it is a group, or nobody knows.
  [[nodiscard]] UserId peer_of(const ConversationId& id) const;
  // Shows a conversation that is not there yet, as the row will bring it about.
  void add_placeholder(const OutboxRow& row);

 private:
  struct Peer {
    UserId user;
    std::string handle;  // empty: not known
  };
  Model& model_;
  std::map<ConversationId, Peer> peers_;
};

}  // namespace kith::client
