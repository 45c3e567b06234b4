// Deadlines finds the sessions whose deadline has come: each has one valid entry, the earliest. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "server/gateway/sessions.h"

namespace kith::server {

class Deadlines {
 public:
  // The session's deadline() may have changed: schedules a check at it or before.
  void schedule(Session& session) {
    const std::int64_t at = session.deadline();
    if (session.scheduled_ms != 0 && session.scheduled_ms <= at) return;  // early enough
    session.scheduled_ms = at;
    entries_.emplace(at, session.id());
  }
  // Returns one of the due sessions and unschedules it; null if none is left.
  Session* next_due(const Sessions& sessions, std::int64_t now_ms) {
    while (!entries_.empty() && entries_.top().first <= now_ms) {
      const auto [at, id] = entries_.top();
      entries_.pop();
      Session* session = sessions.find(id);
      if (session == nullptr || session->scheduled_ms != at) continue;
      session->scheduled_ms = 0;
      return session;
    }
    return nullptr;
  }

 private:
  // An entry is void unless it is the session's scheduled_ms.
  using Entry = std::pair<std::int64_t, std::uint64_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> entries_;
};

}  // namespace kith::server
