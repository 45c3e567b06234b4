// Commands as records.
#include "server/commands/command.h"

#include "server/conversation/decide.h"

namespace kith::server {

LogRecord new_record(const Caller& caller, const ConversationId& id, Clock& clock) {
  LogRecord r;
  r.conversation = id;
  r.sender = caller.user;
  r.sender_device = caller.device;
  r.gateway_ts_ms = clock.wall().ms;
  r.rules_version = kRulesVersion;
  r.receipts_off = !caller.receipts;
  return r;
}

}  // namespace kith::server
