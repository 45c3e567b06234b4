// LoopSide: the part of a client that lives on its loop: the engine with its store and views, and the subscribers to
// its events.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "client/cache_store.h"
#include "client/client_state.h"
#include "client/engine.h"
#include "client/runtime.h"
#include "client/views.h"
#include "src/guard.h"

namespace kith::client {

// Loop thread, but for its construction and destruction.
class LoopSide {
 public:
  explicit LoopSide(std::unique_ptr<CacheStore> store) : store_(std::move(store)) {}

  Status open(const EngineOptions& options, RuntimeUv& runtime,
              const std::shared_ptr<ClientState>& state);
  // Nothing calls the application any more.
  void close();

  // Null once closed.
  [[nodiscard]] Engine* engine() { return engine_.get(); }
  [[nodiscard]] Views& views() { return *views_; }

  using EventSink = std::function<void(const Event&)>;
  void add_event_sink(std::uint64_t id, EventSink sink);
  // Ends a subscription of any kind.
  void remove(std::uint64_t id);

 private:
  void on_event(Event event);
  void touch_views(const Event& event);
  void refresh_idle();

  std::unique_ptr<CacheStore> store_;
  std::shared_ptr<ClientState> state_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Views> views_;
  std::map<std::uint64_t, EventSink> sinks_;
  std::vector<Event> early_;  // one of a kind, from before anybody could subscribe: for the first
  bool idle_posted_ = false;
  std::unique_ptr<Guard> guard_ = std::make_unique<Guard>();
};

}  // namespace kith::client
