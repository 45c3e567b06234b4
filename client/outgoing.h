// Outgoing: what a person writes and makes: checked, and put into the outbox.
#pragma once

#include <string>
#include <vector>

#include "client/command_ids.h"
#include "client/profiles.h"
#include "client/replica.h"

namespace kith::client {

class Outgoing {
 public:
  Outgoing(Replica& replica, CommandIds& ids, Profiles& profiles, Scheduler& scheduler,
           Random& random);

  // See Client for all of these.
  Result<MessageId> send(const ConversationId& to, const std::string& text,
                         const MessageId& reply_to);
  Status resend(const MessageId& id) { return replica_.outbox().resend(id); }
  Status discard(const MessageId& id) { return replica_.outbox().discard(id); }
  ConversationId direct(const UserId& peer);
  ConversationId direct(const std::string& handle);
  Result<ConversationId> create_group(const std::string& title, const std::vector<UserId>& members);

 private:
  Status add(OutboxRow row);
  Status set_reply_to(v1::OutMessage& out, const ConversationId& to, const MessageId& reply_to);

  Replica& replica_;
  CommandIds& ids_;
  Profiles& profiles_;
  Clock& clock_;
  Random& random_;
};

}  // namespace kith::client
