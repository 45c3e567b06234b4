// ConnectionSlots are the connections of one shard of the listener, each in a place that stays where it is. Slots are
// used again, generations never.
#pragma once

#include <libwebsockets.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "kith/core/scheduler.h"
#include "server/gateway/arrivals.h"
#include "server/gateway/frame_output.h"
#include "server/gateway/frame_reader.h"
#include "server/gateway/listener.h"
#include "server/gateway/peer_address.h"
#include "src/token_bucket.h"

namespace kith::server {

struct ConnectionSlot {
  enum class Stage : std::uint8_t {
    kFree,
    kEntering,  // handshake, and the head of the request
    kOpen,
    kClosing,   // the close frame is in `out` or sent, or the socket is being cut
    kAnswered,  // an HTTP answer is in `out` or sent; further input is dropped
  };
  lws* wsi = nullptr;
  std::uint32_t generation = 0;
  Stage stage = Stage::kFree;
  bool opened = false;   // on_open() was: on_close() is owed
  bool dirty = false;    // ConnectionOutput has its index in a list
  bool paused = false;   // by the services
  bool held = false;     // by the shard's owner
  bool hang_up = false;  // when all is out
  bool dead = false;     // being cut
  FrameOutput out;
  FrameReader reader;
  TokenBucket control;
  Arrivals::Key arrival = 0;          // until it has signed in
  std::unique_ptr<std::string> head;  // of the request, until it is whole
  PeerAddress address;
  Scheduler::TimerId cut_timer = 0;
};

class ConnectionSlots {
 public:
  explicit ConnectionSlots(std::uint32_t shard) : shard_(shard) {}

  // The index of a slot that was free, with a generation of its own.
  std::uint32_t take() {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    ++slots_[index].generation;
    return index;
  }
  // Frees the slot: its index is no longer in use.
  void free(std::uint32_t index) { free_.push_back(index); }

  ConnectionSlot& operator[](std::uint32_t index) { return slots_[index]; }
  // Returns null unless the handler knows the connection.
  [[nodiscard]] ConnectionSlot* find(ConnectionId id) {
    if (id.shard != shard_ || id.index >= slots_.size()) return nullptr;
    ConnectionSlot& slot = slots_[id.index];
    return slot.opened && slot.generation == id.generation ? &slot : nullptr;
  }
  [[nodiscard]] const ConnectionSlot* find(ConnectionId id) const {
    return const_cast<ConnectionSlots*>(this)->find(id);
  }
  [[nodiscard]] ConnectionId id_of(std::uint32_t index) const {
    return {shard_, index, slots_[index].generation};
  }

  // A number that libwebsockets hands back; it is never used as a pointer.
  [[nodiscard]] void* mark_of(std::uint32_t index) const {
    return reinterpret_cast<void*>(std::uintptr_t{slots_[index].generation} << 32 |
                                   (index + 1U));  // NOLINT(performance-no-int-to-ptr)
  }
  // Returns the slot of the socket adopted with that mark, and its index; null if the slot is in use by another now.
  ConnectionSlot* of(lws* wsi, std::uint32_t* index) {
    const auto mark = reinterpret_cast<std::uintptr_t>(lws_get_opaque_user_data(wsi));
    const auto place = static_cast<std::uint32_t>(mark);
    if (place == 0 || place > slots_.size()) return nullptr;
    *index = place - 1;
    ConnectionSlot& slot = slots_[*index];
    const bool same = slot.stage != ConnectionSlot::Stage::kFree && slot.generation == mark >> 32;
    return same ? &slot : nullptr;
  }
  template <class Visit>
  void each(Visit visit) {
    for (ConnectionSlot& slot : slots_) visit(slot);
  }

 private:
  const std::uint32_t shard_;
  std::deque<ConnectionSlot> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace kith::server
