// FeedMarks: how the decisions on conversations reach the feeds of their members.
#pragma once

#include <cstdint>

#include "kith/core/done.h"
#include "kith/core/ids.h"
#include "server/records/roster.h"

namespace kith::server {

// One record changed a conversation for these people.
struct FeedMark {
  ConversationId conversation;
  std::uint64_t last_seq = 0;
  std::uint64_t records = 1;  // decided in this log since its last mark, this one included
  bool large = false;  // a large group: its members compare heads, and get no mark for a message
  UserList users;      // of a large group: members
  UserList former;     // of a large group: those who are no members
  // One of `users`: has read something, which their other devices hear of at once. Empty: nobody.
  UserId reader;
};

class FeedMarks {
 public:
  virtual ~FeedMarks() = default;

  // A log has `logged` records, and the store has the first `stored` of them: marks come of the records
  // behind those. Before the first mark.
  virtual void begins(std::uint64_t stored, std::uint64_t logged) = 0;
  // In the order of the decisions, each record at most once in a process.
  virtual void mark(const FeedMark& mark) = 0;
  // A record says that the user's own state changes.
  virtual void mark_user(const UserId& user) = 0;
  // Calls `done` when every mark so far is durable, inside the call if it is already: what a store keeps
  // of a conversation must not get ahead of the marks, for nothing would make them again after a crash.
  virtual void flush(Done<void> done) = 0;
};

}  // namespace kith::server
