// Arrivals keeps connections that have not signed in, by address: it decides which one is admitted
// next and which one gives way, so that no address takes all places. Pure.
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
    std::int64_t grace_ms = 0;  // after this time its place may be given to a waiting one
  };

  explicit Arrivals(const Bounds& bounds) : bounds_(bounds) {}

  // Accepted; it has not sent enough for a place yet.
  Key accepted(const PeerAddress& address, std::int64_t now_ms);
  // Its address is known now.
  void comes_from(Key key, const PeerAddress& address);
  // It asks for a place.
  void wants_in(Key key);
  // Returns the next connection to admit, or nothing. Addresses take turns; within one address the
  // newest is next, because attackers that hold places without using them came earlier.
  std::optional<Key> admit(std::int64_t now_ms);
  // It has become a WebSocket.
  void established(Key key);
  // It has signed in or closed, and no longer counts.
  void left(Key key);

  // Returns the connections whose time is over, or that give way to others. Each is returned once; left() follows.
  std::vector<Key> overdue(std::int64_t now_ms);
  // Returns the connection to close when all descriptors are taken: the oldest of the address with the most.
  // Returned once too.
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
  std::set<PeerAddress> may_enter_;  // a connection waits, and there is a place
  std::set<PeerAddress> held_up_;    // a connection waits, and the address has no place left
  std::set<std::pair<std::size_t, PeerAddress>> by_size_;
  PeerAddress turn_;
  // Sorted by end; an entry is void unless it is the connection's current one.
  std::deque<std::pair<std::int64_t, Key>> ends_;
};

}  // namespace kith::server
