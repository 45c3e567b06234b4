// Decision: one record on its way to its outcome, with the steps that several kinds of command
// share.
#pragma once

#include <string>

#include "server/conversation/decide.h"

namespace kith::server {

// Also of a conversation that does not exist.
inline constexpr const char* kNotAMember = "not a member of the conversation";

class Decision {
 public:
  // All four outlive this.
  Decision(Conversation& conversation, ReceiptMinima& its_minima, const LogEntry& its_entry,
           Outcome& its_outcome)
      : c(conversation), minima(its_minima), entry(its_entry), out(its_outcome) {}

  [[nodiscard]] const LogRecord& record() const { return entry.record; }

  void refuse(ErrorCode code, std::string why);
  // An earlier attempt was placed at `earlier`, or what is asked for is so already.
  void repeats(const Placement& earlier);
  // Returns the record's sender if they are an active member; else refuses and returns null.
  Member* active_sender();

  // Gives the record its place: one event at the end of the history.
  Event& append_event(EventKind kind);
  // Sending implies having received and read; others learn of the reading only if it is shared.
  void note_sender();
  // Says whom the change concerns. `affected`: active members whose membership or role changed. In a
  // large group they alone get a mark and are listed: a sync compares its head, and a push finds
  // who is connected.
  void finish(const UserList& affected);

  Conversation& c;
  ReceiptMinima& minima;
  const LogEntry& entry;
  Outcome& out;
};

}  // namespace kith::server
