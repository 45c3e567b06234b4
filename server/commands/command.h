// The record that a command becomes.
#pragma once

#include "kith/core/scheduler.h"
#include "kith/server/ports/records.h"
#include "server/requests/caller.h"

namespace kith::server {

// A record of the caller's, now, by the rules of today and with what they share; without its command.
LogRecord new_record(const Caller& caller, const ConversationId& id, Clock& clock);

}  // namespace kith::server
