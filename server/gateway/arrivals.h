// Arrivals keeps account of connections that have not signed in, by address: who waits, who comes in
// next, and who gives way, so that no address takes all places. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/gateway/peer_address.h"

namespace kith::server {

class Arrivals {
 public:
  using Key = std::uint64_t;  // of a connection; never given out twice
  struct Bounds {
    std::size_t of_one = 0;  // past waiting, of one address
    std::size_t shaking_of_one = 0;
    std::size_t shaking = 0;
    std::int64_t limit_ms = 0;  // accepted and still waiting; let in and no WebSocket yet
    std::int64_t grace_ms = 0;  // then a place may be taken away for one that waits
  };

  explicit Arrivals(const Bounds& bounds) : bounds_(bounds) {}

  // Accepted; has not said anything that is worth a place.
  Key accepted(const PeerAddress& address, std::int64_t now_ms);
  // It is known by now that it comes from there.
  void comes_from(Key key, const PeerAddress& address);
  // Wants to come in.
  void wants_in(Key key);
  // The next to come in; nothing if nobody may. Addresses take turns; of one address the newest is next,
  // because a crowd of those that hold a place without using it came before.
  std::optional<Key> admit(std::int64_t now_ms);
  // It has become a WebSocket.
  void established(Key key);
  // Signed in, or closed: no longer of interest.
  void left(Key key);

  // Whose time is over, or who gives way to another. Each is named once: left() follows.
  std::vector<Key> overdue(std::int64_t now_ms);
  // When all descriptors are taken: the oldest of the address that has most, which is named once too.
  std::optional<Key> least_worthy();

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] bool waiting() const { return !may_enter_.empty() || !held_up_.empty(); }

 private:
  enum class Stage : std::uint8_t { kSilent, kWaiting, kShaking, kEstablished, kLeaving };
  struct Entry {
    PeerAddress group;
    Stage stage = Stage::kSilent;
    std::int64_t since_ms =
        0;                    // of the stage, except that waiting goes on counting from accepted()
    std::uint64_t order = 0;  // within its group
  };
  struct Group {
    std::map<std::uint64_t, Key> silent, waiting, shaking, established;  // by order
    [[nodiscard]] std::size_t inside() const { return shaking.size() + established.size(); }
    [[nodiscard]] std::size_t all() const { return silent.size() + waiting.size() + inside(); }
  };

  std::map<std::uint64_t, Key>* queue(Group& group, Stage stage) const;
  void move(Key key, Entry& entry, Stage to);
  void refresh(const PeerAddress& group, std::size_t size_before);
  [[nodiscard]] bool full(const Group& group) const;
  void give_way(Group& group, std::int64_t now_ms, std::vector<Key>& into);
  void leave(Key key, std::vector<Key>& into);

  Bounds bounds_;
  Key last_ = 0;
  std::uint64_t order_ = 0;
  std::size_t shaking_ = 0;
  std::unordered_map<Key, Entry> entries_;
  std::map<PeerAddress, Group> groups_;
  std::set<PeerAddress> may_enter_;  // somebody waits, and there is a place
  std::set<PeerAddress> held_up_;    // somebody waits, and the address has no place left
  std::set<std::pair<std::size_t, PeerAddress>> by_size_;
  PeerAddress turn_;
  // In the order of their ends; an entry is void unless it is the connection's own.
  std::deque<std::pair<std::int64_t, Key>> ends_;
};

}  // namespace kith::server
