// SyncEngine: brings the cache up to the server and keeps it there, whatever pushes are lost.
//
// The cursor is committed with the states that it stands for; a state says how far a conversation
// goes, the ranges say what of it is held. So a crash at any point leaves a truthful picture, and
// everything missing is fetched after the next Welcome.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "client/connection.h"
#include "client/model.h"
#include "kith/core/random.h"
#include "kith/core/scheduler.h"

namespace kith::v1 {
class EventPush;
class FeedNotice;
class HeadPush;
class Pong;
class SyncPage;
class SyncReset;
class UserState;
}  // namespace kith::v1

namespace kith::client {

class SyncEngine {
 public:
  struct Hooks {
    std::function<void(const std::vector<MessageId>&)> own_placed;  // the outbox may forget these
    // Whole, before the cursor that stands for it is committed; an error keeps the cursor back.
    std::function<Status(const v1::UserState&)> user_state;
    // The server has another history (it was restored): what is held of the old one goes. `kept_until_ms`: server time
    // up to which the two are the same; 0: unknown.
    std::function<Status(std::int64_t kept_until_ms)> other_history;
    // The server goes on with the history that this device holds; before anything of the answer is kept.
    std::function<Status()> same_history;
    std::function<void()> settled;  // pages and fetches are done
  };

  SyncEngine(Model& model, Connection& connection, Scheduler& scheduler, Random& random,
             Hooks hooks);
  ~SyncEngine();
  SyncEngine(const SyncEngine&) = delete;
  SyncEngine& operator=(const SyncEngine&) = delete;

  void load(std::uint64_t cursor) { cursor_ = cursor; }
  [[nodiscard]] std::uint64_t cursor() const { return cursor_; }

  // `same_run`: as that of what is held. Otherwise nothing is acknowledged, fetched or kept of a push before the first
  // answer to a sync.
  void on_welcome(bool same_run);
  void on_lost();
  void on_event_push(const v1::EventPush& push);
  void on_head_push(const v1::HeadPush& push);
  void on_feed_notice(const v1::FeedNotice& notice);
  void on_pong(const v1::Pong& pong);
  // Something was pushed that is not kept: another sync follows the one that is under way.
  void missed_push() { again_ = true; }

  // Events that this device knows to be placed (own sends too). Applied at once if nothing is
  // missing below them.
  void offer(const std::vector<v1::Event>& events, bool live);
  // Fetches what is missing in [from, to]; `done` is called when it is there or cannot be had now.
  void fill(const ConversationId& id, std::uint64_t from, std::uint64_t to,
            std::function<void()> done);
  void sync_soon(Millis delay);
  // What events above holes take in memory.
  [[nodiscard]] std::size_t held_bytes() const { return held_bytes_; }
  // Acknowledges to the server what of the conversation is here and may be acknowledged.
  void note_ack(const ConversationId& id);
  // Fetches what is missing up to the known head.
  void fetch(const ConversationId& id);
  // This event: with all up to the head, or alone if it is in a hole below.
  void fetch(const ConversationId& id, std::uint64_t seq);

 private:
  void sync_now();
  void ask_page(const std::string& page_token);
  void ask_page_later(const std::string& page_token, Millis wait);
  // False: too soon, and the work goes on by itself after a pause.
  bool may_fetch();
  void fetch_later(Millis wait);
  void on_reset(const v1::SyncReset& reset);
  Status start_anew(std::int64_t kept_until_ms);
  void on_page(const v1::SyncPage& page);
  Status take_user_state(const v1::SyncPage& page);
  void on_sync_failed(const Error& error);
  void on_history_known();
  void fill_what_waits();
  void finish_snapshot();
  void fetch_missing();
  void on_fetched(const ConversationId& id, const v1::ServerFrame* frame, const Error& error);
  void run_fetches();
  [[nodiscard]] std::size_t fetches_in_time() const;
  void note_failure(const ConversationId& id, const Error& error);
  bool resting(const ConversationId& id);
  void apply(const ConversationId& id, const std::vector<v1::Event>& events, std::uint64_t floor,
             bool live);
  void hold(const ConversationId& id, const v1::Event& event, bool live);
  void drain_held(const ConversationId& id);
  [[nodiscard]] std::uint64_t delivered(const ConversationId& id) const;
  [[nodiscard]] std::uint64_t acknowledgeable(const ConversationId& id) const;
  void backfill();
  void on_backfilled(const ConversationId& id, std::uint64_t before, const v1::ServerFrame* frame,
                     const Error& error);
  void send_acks();
  void settle_if_done();
  void arm_idle_guard();

  Model& model_;
  Connection& connection_;
  Scheduler& scheduler_;
  Random& random_;
  Hooks hooks_;

  std::uint64_t cursor_ = 0;
  bool syncing_ = false;
  bool again_ = false;
  bool snapshot_ = false;
  bool first_done_ = false;  // a whole sync since the last Welcome
  bool anew_ = false;        // the server has named another history since then
  std::uint64_t snapshot_cursor_ = 0;
  std::set<ConversationId> listed_;            // by the running snapshot
  std::unique_ptr<v1::UserState> user_state_;  // what the pages of this listing said of it so far

  std::set<ConversationId> to_fetch_;
  std::map<ConversationId, std::int64_t> fetching_;  // since when
  Scheduler::TimerId slow_timer_ = 0;
  // Fetches that failed in this session: each is tried again after a pause, and the others go on.
  struct Failure {
    unsigned count = 0;
    std::int64_t until_ms = 0;
  };
  std::map<ConversationId, Failure> failures_;
  struct Held;  // events above a hole
  std::map<ConversationId, Held> held_;
  std::size_t held_bytes_ = 0;
  // Conversations that may lack their newest events, or have a hole; never all of them again.
  std::set<ConversationId> behind_;
  std::set<ConversationId> holed_;
  std::set<ConversationId> large_;  // their heads go with every sync
  bool backfilling_ = false;
  std::set<ConversationId> unfillable_;            // in this session
  std::map<ConversationId, std::uint64_t> acked_;  // sent in this session
  std::set<ConversationId> to_ack_;
  bool ack_posted_ = false;
  bool history_known_ = false;  // in this session: what is held is of the server's history
  std::vector<std::function<void()>> fills_;  // wait for that
  Scheduler::TimerId sync_timer_ = 0;
  std::int64_t sync_due_ = 0;
  Scheduler::TimerId idle_timer_ = 0;
  Scheduler::TimerId page_timer_ = 0;   // a listing goes on then
  Scheduler::TimerId fetch_timer_ = 0;  // and fetching
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace kith::client
