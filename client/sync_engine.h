// SyncEngine: brings the cache up to the server and keeps it there, whatever pushes are lost: the feed says how far
// conversations go, fetches bring what is missing, acknowledgements say what is here.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "client/acknowledgements.h"
#include "client/backfill.h"
#include "client/connection.h"
#include "client/event_intake.h"
#include "client/feed_sync.h"
#include "client/fetch_pace.h"
#include "client/fetch_rests.h"
#include "client/head_fetches.h"
#include "client/held_events.h"
#include "client/model.h"
#include "client/range_fill.h"
#include "client/sync_session.h"
#include "kith/core/random.h"
#include "kith/core/scheduler.h"
#include "src/timer.h"

namespace kith::v1 {
class EventPush;
class FeedNotice;
class HeadPush;
class Pong;
}  // namespace kith::v1

namespace kith::client {

class SyncEngine {
 public:
  struct Hooks {
    std::function<void(const std::vector<MessageId>&)> own_placed;  // the outbox may forget these
    // See FeedSync::Hooks for these three.
    std::function<Status(const v1::UserState&)> user_state;
    std::function<Status(std::int64_t kept_until_ms)> other_history;
    std::function<Status()> same_history;
    std::function<void()> settled;  // pages and fetches are done
  };

  SyncEngine(Model& model, Connection& connection, Scheduler& scheduler, Random& random,
             Hooks hooks);
  SyncEngine(const SyncEngine&) = delete;
  SyncEngine& operator=(const SyncEngine&) = delete;

  void load(std::uint64_t cursor) { feed_.load(cursor); }
  [[nodiscard]] std::uint64_t cursor() const { return feed_.cursor(); }

  // `same_run`: as that of what is held. Otherwise nothing is acknowledged, fetched or kept of a push before the first
  // answer to a sync.
  void on_welcome(bool same_run);
  void on_lost();
  void on_event_push(const v1::EventPush& push);
  void on_head_push(const v1::HeadPush& push);
  void on_feed_notice(const v1::FeedNotice& notice);
  void on_pong(const v1::Pong& pong);
  // Something was pushed that is not kept: another sync follows the one that is under way.
  void missed_push() { feed_.ask_again(); }

  // Events that this device knows to be placed (own sends too). Applied at once if nothing is
  // missing below them.
  void offer(const std::vector<v1::Event>& events, bool live) { intake_.offer(events, live); }
  // Fetches what is missing in [from, to]; `done` is called when it is there or cannot be had now.
  void fill(const ConversationId& id, std::uint64_t from, std::uint64_t to,
            std::function<void()> done) {
    fill_.fill(id, from, to, std::move(done));
  }
  // This event: with all up to the head, or alone if it is in a hole below.
  void fetch(const ConversationId& id, std::uint64_t seq);
  void sync_soon(Millis delay) { feed_.soon(delay); }
  // Acknowledges to the server what of the conversation is here and may be acknowledged.
  void note_ack(const ConversationId& id) { acks_.note(id); }
  // The memory that events above holes take.
  [[nodiscard]] std::size_t held_bytes() const { return held_.bytes(); }

 private:
  FeedSync::Hooks feed_hooks();
  Status start_anew(std::int64_t kept_until_ms);
  void on_history_known();
  void note_missing(const ConversationId& id);
  void settle_if_done();

  Model& model_;
  Random& random_;
  const Hooks hooks_;
  SyncSession session_;
  MissingEvents missing_;
  FeedSync feed_;
  FetchRests rests_;
  FetchPace pace_;
  Acknowledgements acks_;
  HeldEvents held_;
  EventIntake intake_;
  HeadFetches fetches_;
  Backfill backfill_;
  RangeFill fill_;
  Timer idle_;  // a sync now and then, whatever is pushed
};

}  // namespace kith::client
