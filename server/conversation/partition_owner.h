// PartitionOwner: the interface of one partition of conversations for the front of the server (gateway, people and
// search), wherever the partition is.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "server/conversation/conversations.h"
#include "server/requests/caller.h"
#include "server/requests/reply.h"

namespace kith {
struct RequestView;
}
namespace kith::v1 {
class ClientFrame;
}

namespace kith::server {

class PartitionOwner : public Conversations {
 public:
  // Handles a valid request about a conversation of the partition. Frame and reply may be moved from.
  virtual void handle(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply) = 0;
  // The same for what a RequestView holds. The view need not outlive the call.
  virtual void handle(const Caller& caller, const RequestView& request, Reply&& reply) = 0;

  // Page tokens are good for all that have the same secret. Before the first request.
  virtual void set_secret(const std::string& secret) = 0;

  // Sessions that listen to large groups.
  virtual void session_opened(const Caller& caller) = 0;
  virtual void session_closed(const Caller& caller) = 0;
  // The user of open sessions is a member of these large groups.
  virtual void listens(const UserId& user, std::vector<ConversationId> groups) = 0;

  // See Blocks::set() and Blocks::forget().
  virtual void set_block(const UserId& by, const UserId& other, bool on, Done<void> done) = 0;
  virtual void forget_blocks() = 0;

  // See ConversationStore::heads().
  virtual void heads(const ConversationId& after, Position changed_after, std::size_t limit,
                     Done<HeadsPage> done) = 0;
};

}  // namespace kith::server
