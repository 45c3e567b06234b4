// FrontSessions: the open sessions of the fronts of a partition, each with the front that it is at.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "server/requests/caller.h"

namespace kith::server {

// The number of a session is its own among all fronts.
class FrontSessions {
 public:
  void opened(std::uint32_t front, const Caller& caller) {
    sessions_.insert_or_assign(caller.session, Session{front, caller});
  }
  void closed(std::uint64_t session) { sessions_.erase(session); }
  // nullopt: no such session is open.
  [[nodiscard]] std::optional<std::uint32_t> front_of(std::uint64_t session) const {
    const auto it = sessions_.find(session);
    if (it == sessions_.end()) return std::nullopt;
    return it->second.front;
  }
  // Forgets the sessions of a front. Returns them by their numbers.
  std::vector<Caller> take_all(std::uint32_t front) {
    std::vector<Caller> taken;
    std::erase_if(sessions_, [&](const auto& one) {
      if (one.second.front != front) return false;
      taken.push_back(one.second.caller);
      return true;
    });
    std::sort(taken.begin(), taken.end(),
              [](const Caller& a, const Caller& b) { return a.session < b.session; });
    return taken;
  }

 private:
  struct Session {
    std::uint32_t front = 0;
    Caller caller;
  };
  std::unordered_map<std::uint64_t, Session> sessions_;
};

}  // namespace kith::server
