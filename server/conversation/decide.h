// decide(), the heart of the server: what does this log record do to this conversation?
//
// It is a pure function of (conversation, entry, earlier placement): no clock, no configuration, no
// other state. The same log therefore gives the same history on every run and every machine;
// retries and replays change nothing twice. Each kind of command has a file of its own in kinds/.
#pragma once

#include <cstdint>
#include <optional>

#include "kith/core/result.h"
#include "kith/server/ports/conversation_store.h"
#include "server/conversation/receipt_minima.h"
#include "server/records/roster.h"

namespace kith::server {

// Stamped on every record; a record is decided for ever by the rules of its version.
// 2: a reply to a message that its sender cannot see is refused. 3: the id of a new 1:1 is no
// command of long ago, whatever it looks like. 4: a conversation is of the type that its id tells;
// no id is too old, whatever time it claims; with receipts off neither sending nor joining nor
// reading moves what others see of reading; to its sender a withheld message counts; a server's
// clock that was set back is believed. 5: a first attempt is not looked up, so that the outcome does not
// depend on what is in memory (RecentCommands has raised the attempt of one that may be a repetition);
// in a shared log a record of another than the current owner is void. 6: whether a message of a 1:1 is
// withheld follows from Member::blocks of its other side, and no longer from the record.
inline constexpr std::uint32_t kRulesVersion = 6;
inline constexpr std::uint32_t kRulesWithDoubt = 5;
inline constexpr std::uint32_t kRulesWithBlocks = 6;

struct Outcome {
  std::optional<Error> error;       // refused; nothing changed
  std::optional<Placement> placed;  // for commands that take a place in the order
  bool duplicate = false;           // an earlier attempt had been placed; nothing changed
  bool replay = false;              // this very record had been decided before; nothing changed
  EventPtr event;                   // new history; null: none
  UserList changed_members;         // members whose rows changed
  UserList marks;                   // users whose feed must show this conversation as changed
  // Users who may see the new event live: active members, leavers included. In a large group only
  // those whose membership or role changed.
  UserList audience;
  bool large = false;
  bool receipts_moved = false;  // a published minimum moved
};

// Changes `conversation` in place (a fresh one has only its id). `earlier` is the placement of the
// same (conversation, sender, command id), if any is known. `minima` belongs to this conversation
// and saves work only: the outcome is the same with a fresh one.
Outcome decide(Conversation& conversation, ReceiptMinima& minima, const LogEntry& entry,
               const std::optional<Placement>& earlier);
Outcome decide(Conversation& conversation, const LogEntry& entry,
               const std::optional<Placement>& earlier);
// Whether the command takes a place in the order, once, however often it is repeated.
bool takes_place(const LogRecord& record);

}  // namespace kith::server
