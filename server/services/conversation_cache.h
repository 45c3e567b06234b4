// ConversationCache: conversations in memory, decided in log order, with the store filled behind.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kith/server/ports/command_log.h"
#include "kith/server/ports/conversation_store.h"
#include "server/services/conversations.h"
#include "server/services/sequencer.h"
#include "src/scheduler.h"

namespace kith::server {

// Loop thread.
class ConversationCache : public Conversations {
 public:
  // Told once per decided record, in log order per conversation; not told during the replay at start.
  using Decided = std::function<void(const LogEntry&, const Conversation&, const Outcome&)>;

  ConversationCache(CommandLog& log, ConversationStore& store, Scheduler& scheduler);
  ~ConversationCache() override;

  // Replays the log from the store's applied position.
  Status start();
  void on_decided(Decided decided);
  // Appends; answers what was decided after the commit, or why the record is not in the log.
  void submit(LogRecord record, Done<Outcome> done);

  void with(const ConversationId& id, Done<const Conversation*> done) override;
  [[nodiscard]] const Conversation* peek(const ConversationId& id) const override;
  void events(const EventQuery& query, Done<std::vector<Event>> done) override;
  void mark_user(const UserId& user, const DeviceId& device, Done<void> done) override;
  void feed_high(const UserId& user, Done<Position> done) override;

  // Calls `task` once the store holds everything that is committed now: what a feed listing waits for.
  void when_settled(std::function<void()> task);
  // Records committed but not yet in the store.
  [[nodiscard]] std::size_t lag() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace kith::server
