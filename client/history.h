// History: what a person reads: conversations, timelines, older pages, and who has read what.
#pragma once

#include <cstddef>
#include <vector>

#include "client/online_requests.h"
#include "client/profiles.h"
#include "client/replica.h"
#include "kith/client/types.h"

namespace kith::client {

class History {
 public:
  History(Replica& replica, OnlineRequests& requests, Profiles& profiles)
      : replica_(replica), requests_(requests), profiles_(profiles) {}

  // Client::history().
  void page(const ConversationId& id, Seq before, std::size_t limit,
            Done<std::vector<Message>> done);
  // See Client for the others.
  [[nodiscard]] std::vector<Conversation> conversations(std::size_t limit);
  [[nodiscard]] std::vector<Message> timeline(const ConversationId& id, std::size_t window);
  Status acknowledge(const ConversationId& id, Seq upto);
  [[nodiscard]] std::vector<Message> unacknowledged();
  void readers(const ConversationId& id, Seq seq, Done<Readers> done);

 private:
  Replica& replica_;
  OnlineRequests& requests_;
  Profiles& profiles_;
};

}  // namespace kith::client
