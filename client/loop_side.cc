// LoopSide: from the engine's events to views, waiting callers and subscribers.
#include "client/loop_side.h"

#include <utility>

namespace kith::client {

Status LoopSide::open(const EngineOptions& options, RuntimeUv& runtime,
                      const std::shared_ptr<ClientState>& state) {
  state_ = state;
  auto engine = Engine::make(options, runtime.loop, system_random(), *runtime.transports, *store_,
                             [this](Event event) { on_event(std::move(event)); });
  if (!engine) return engine.error();
  engine_ = std::move(*engine);
  views_ = std::make_unique<Views>(engine_->history(), runtime.loop);
  state_->set_outbox_idle(engine_->outbox().idle());
  return {};
}

void LoopSide::close() {
  sinks_.clear();
  views_.reset();
  if (engine_) engine_->connection().stop();
  engine_.reset();
  store_.reset();
  guard_.reset();
}

void LoopSide::add_event_sink(std::uint64_t id, EventSink sink) {
  for (const Event& event : std::exchange(early_, {})) sink(event);
  sinks_[id] = std::move(sink);
}

void LoopSide::remove(std::uint64_t id) {
  sinks_.erase(id);
  if (views_) views_->remove(id);
}

void LoopSide::on_event(Event event) {
  if (const auto* connection = std::get_if<ConnectionChanged>(&event))
    state_->set_connection(connection->state, connection->reason);
  if (views_) touch_views(event);
  refresh_idle();
  const bool kept = std::holds_alternative<CacheRecovered>(event) ||
                    std::holds_alternative<StorageChanged>(event);
  const bool group = std::holds_alternative<GroupRefused>(event);  // one for each row of the outbox
  if (sinks_.empty() && (kept || group)) {
    if (kept) std::erase_if(early_, [&](const Event& e) { return e.index() == event.index(); });
    early_.push_back(std::move(event));
    return;
  }
  for (const auto& [id, to] : sinks_) to(event);
}

void LoopSide::touch_views(const Event& event) {
  if (const auto* message = std::get_if<MessageChanged>(&event)) {
    views_->touch(message->message.conversation);
  } else if (const auto* conversation = std::get_if<ConversationChanged>(&event)) {
    views_->touch(conversation->conversation.id);
  } else if (std::holds_alternative<CacheRecovered>(event)) {
    views_->touch_all();
  }
}

// After the turn: the event is emitted before the row that it closes is gone.
void LoopSide::refresh_idle() {
  if (idle_posted_ || !engine_ || !guard_) return;
  idle_posted_ = state_->post(guard_->wrap([this] {
    idle_posted_ = false;
    if (engine_) state_->set_outbox_idle(engine_->outbox().idle());
  }));
}

}  // namespace kith::client
