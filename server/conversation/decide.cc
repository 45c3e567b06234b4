// decide(): repetition and age, which all kinds share; then the kind's own rules.
#include "server/conversation/decide.h"

#include <variant>

#include "kith/core/limits.h"
#include "server/conversation/decision.h"
#include "server/conversation/kinds/kinds.h"
#include "src/uuid.h"

namespace kith::server {
namespace {

// Before version 4 the time in an id was compared with the server's, and a device whose clock was
// wrong could not send.
bool too_old(const LogRecord& r) {
  if (r.rules_version >= 4) return false;
  // A 1:1 comes into being under its own id, which is a hash and tells no time.
  const auto* create = std::get_if<CreateOp>(&r.op);
  const bool direct = create != nullptr && create->type == ConversationType::kDirect;
  if (direct && r.rules_version >= 3) return false;
  const auto made_ms = uuid_timestamp_ms(r.command_id);
  const auto horizon = std::chrono::milliseconds(limits::dedupe_horizon).count();
  return made_ms && *made_ms + horizon < r.gateway_ts_ms;
}

}  // namespace

bool takes_place(const LogRecord& record) {
  return std::visit([](const auto& op) { return takes_place(op); }, record.op);
}

Outcome decide(Conversation& c, const LogEntry& entry, const std::optional<Placement>& earlier) {
  ReceiptMinima minima;
  return decide(c, minima, entry, earlier);
}

Outcome decide(Conversation& c, ReceiptMinima& minima, const LogEntry& entry,
               const std::optional<Placement>& earlier) {
  Outcome out;
  const LogRecord& r = entry.record;
  c.head.id = r.conversation;
  if (entry.position <= c.head.last_position) {
    out.replay = true;
    return out;
  }
  c.head.last_position = entry.position;
  Decision decision(c, minima, entry, out);
  std::visit(
      [&](const auto& op) {
        if (takes_place(op)) {
          // A place above the record's own is that of its repetition, which a later owner has decided.
          if (earlier && earlier->position < entry.position) return decision.repeats(*earlier);
          if (too_old(r)) {
            return decision.refuse(ErrorCode::kExpired,
                                   "the id is older than the server recognises as a repetition");
          }
        }
        apply(decision, op);
      },
      r.op);
  return out;
}

}  // namespace kith::server
