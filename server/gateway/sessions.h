// Sessions are all sessions of a gateway, from the opening of a connection to its end: found by number, by connection,
// and, once they are open, by their user. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "kith/core/ids.h"
#include "server/gateway/session.h"
#include "server/gateway/session_table.h"

namespace kith::server {

class Sessions {
 public:
  // `home`: the number of the home whose sessions they are.
  Sessions(const Session::Timing& timing, const SendQueue::Bounds& bounds, std::uint32_t home = 0)
      : timing_(timing), bounds_(bounds), table_(home) {}

  Session& add(ConnectionId connection, const std::string& address, std::int64_t now_ms);
  // The connection has gone, and the session with it.
  void erase(const Session& session);

  // Returns null if it has gone.
  [[nodiscard]] Session* find(ConnectionId id) const;
  [[nodiscard]] Session* find(std::uint64_t id) const { return table_.find(id); }

  // Assigns the session to its user: it is ready.
  void enter(const Session& session);
  // Returns false if it was not ready, or is no longer.
  bool leave(const Session& session);
  // The ready ones, in the order in which they entered.
  [[nodiscard]] std::vector<Session*> of(const UserId& user) const;
  [[nodiscard]] std::size_t count(const UserId& user) const;
  [[nodiscard]] bool online(const UserId& user, const DeviceId& device) const;

  [[nodiscard]] std::size_t size() const { return table_.size(); }
  [[nodiscard]] bool empty() const { return table_.empty(); }
  template <class Visit>
  void each(Visit visit) const {
    table_.each(visit);
  }

 private:
  const Session::Timing timing_;
  const SendQueue::Bounds bounds_;
  SessionTable table_;
  std::vector<std::vector<Session*>> by_connection_;  // by shard and index; null: none
  std::unordered_map<UserId, std::vector<std::uint64_t>> by_user_;
  std::uint64_t opened_ = 0;  // connections
};

}  // namespace kith::server
