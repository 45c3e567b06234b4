// SessionTable owns the sessions of a gateway and finds one by its number without a search: a number
// names the session's place and, once and for all, the session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "server/gateway/session.h"

namespace kith::server {

class SessionTable {
 public:
  // Numbers of one home are never those of another.
  explicit SessionTable(std::uint32_t home = 0) : home_(home) {}

  // The number of the session that is added next; never 0.
  [[nodiscard]] std::uint64_t next_id() const {
    const std::uint64_t place = free_.empty() ? places_.size() : free_.back();
    const std::uint64_t added = added_ % ((std::uint64_t{1} << kAddedBits) - 1) + 1;
    return home_ << (kAddedBits + kPlaceBits) | added << kPlaceBits | place;
  }
  // `session->id()` is next_id().
  void add(std::unique_ptr<Session> session) {
    const std::size_t place = place_of(session->id());
    if (free_.empty()) {
      places_.push_back(std::move(session));
    } else {
      free_.pop_back();
      places_[place] = std::move(session);
    }
    ++added_;
  }
  void erase(std::uint64_t id) {
    if (find(id) == nullptr) return;
    places_[place_of(id)] = nullptr;
    free_.push_back(place_of(id));
  }

  // Returns null if it has gone.
  [[nodiscard]] Session* find(std::uint64_t id) const {
    const std::size_t place = place_of(id);
    Session* session = place < places_.size() ? places_[place].get() : nullptr;
    return session != nullptr && session->id() == id ? session : nullptr;
  }
  [[nodiscard]] std::size_t size() const { return places_.size() - free_.size(); }
  [[nodiscard]] bool empty() const { return size() == 0; }

  template <class Visit>
  void each(Visit visit) const {
    for (const auto& session : places_) {
      if (session != nullptr) visit(*session);
    }
  }

 private:
  static constexpr int kPlaceBits = 24;  // 16 million sockets; the listener allows 10
  // A number comes again after a billion sessions, if its place is also the same. The other bits are for 1,024 homes.
  static constexpr int kAddedBits = 30;
  static std::size_t place_of(std::uint64_t id) {
    return static_cast<std::size_t>(id & ((std::uint64_t{1} << kPlaceBits) - 1));
  }

  const std::uint64_t home_;
  std::vector<std::unique_ptr<Session>> places_;
  std::vector<std::size_t> free_;
  std::uint64_t added_ = 0;
};

}  // namespace kith::server
