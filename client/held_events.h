// HeldEvents: events above a hole, in memory until the hole is filled; bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "kith/core/ids.h"
#include "kith/core/scheduler.h"
#include "kith/v1/event.pb.h"
#include "src/timer.h"

namespace kith::client {

class HeldEvents {
 public:
  // `on_gap` is called when a hole was not filled for limits::gap_wait.
  HeldEvents(Scheduler& scheduler, std::function<void(const ConversationId&)> on_gap);

  [[nodiscard]] bool has_room(const v1::Event& event) const;
  // Keeps the event if there is room for it, else only the place where one is missing.
  void hold(const ConversationId& id, const v1::Event& event, bool live);
  struct Ready {
    std::vector<v1::Event> events;  // ascending
    bool live = false;
  };
  // Takes out the events that follow on `top`, and those at or below it.
  Ready take(const ConversationId& id, std::uint64_t top);
  void clear();
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Above {
    Above(Scheduler& scheduler, std::function<void()> on_gap) : gap(scheduler, std::move(on_gap)) {}
    std::map<std::uint64_t, v1::Event> events;
    bool live = false;
    Timer gap;
  };

  Scheduler& scheduler_;
  const std::function<void(const ConversationId&)> on_gap_;
  std::map<ConversationId, Above> above_;
  std::size_t bytes_ = 0;
};

}  // namespace kith::client
