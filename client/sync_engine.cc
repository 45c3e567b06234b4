// SyncEngine: pages, gaps, fetches and acknowledgements.
#include "client/sync_engine.h"

#include <algorithm>
#include <utility>

#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"

namespace kith::client {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kFetchesAtOnce = 4;
constexpr std::size_t kNewestPage =
    30;  // one screen: the rest of a large hole is fetched when somebody looks
constexpr std::size_t kHeldMax =
    256;  // events above holes, per conversation; more are fetched instead
constexpr Millis kRetry = 2s;
constexpr Millis kRetryMost = 5min;
// One that takes longer no longer takes the place of another, as far as the second number goes.
constexpr Millis kSlowFetch = 3s;
constexpr std::size_t kFetchesMost = 32;
constexpr std::uint64_t kNoticeSpread = 2000;  // ms; doorbells of a busy account ring together
constexpr std::size_t kHeldOverhead = 256;     // bytes of tables for an event that is held

std::size_t held_size(const v1::Event& event) {
  return event.ByteSizeLong() + kHeldOverhead;
}

Millis pause_of(const Error& error) {
  return error.retry_after_ms ? Millis(error.retry_after_ms) : kRetry;
}

}  // namespace

struct SyncEngine::Held {
  std::map<std::uint64_t, v1::Event> events;
  bool live = false;
  Scheduler::TimerId timer = 0;
};

SyncEngine::SyncEngine(Model& model, Connection& connection, Scheduler& scheduler, Random& random,
                       Hooks hooks)
    : model_(model),
      connection_(connection),
      scheduler_(scheduler),
      random_(random),
      hooks_(std::move(hooks)) {}

SyncEngine::~SyncEngine() {
  alive_.reset();
  scheduler_.cancel(sync_timer_);
  scheduler_.cancel(idle_timer_);
  scheduler_.cancel(page_timer_);
  scheduler_.cancel(fetch_timer_);
  scheduler_.cancel(slow_timer_);
  for (auto& [id, held] : held_) scheduler_.cancel(held.timer);
}

void SyncEngine::on_welcome(bool same_run) {
  syncing_ = again_ = snapshot_ = first_done_ = anew_ = false;
  history_known_ = same_run;
  acked_.clear();
  unfillable_.clear();
  failures_.clear();
  behind_.clear();
  holed_.clear();
  large_.clear();
  for (const auto& [id, record] : model_.conversations()) {
    note_ack(id);
    if (record.last_seq > model_.top(id)) behind_.insert(id);
    if (delivered(id) < model_.ranges(id).top()) holed_.insert(id);
    if (record.large) large_.insert(id);
  }
  arm_idle_guard();
  sync_now();
}

void SyncEngine::on_lost() {
  syncing_ = again_ = false;
  scheduler_.cancel(std::exchange(sync_timer_, 0));
  scheduler_.cancel(std::exchange(idle_timer_, 0));
  scheduler_.cancel(std::exchange(page_timer_, 0));
  scheduler_.cancel(std::exchange(fetch_timer_, 0));
  to_fetch_.clear();
  to_ack_.clear();
  fill_what_waits();
}

void SyncEngine::arm_idle_guard() {
  scheduler_.cancel(idle_timer_);
  idle_timer_ = scheduler_.after(limits::idle_sync, [this] {
    idle_timer_ = 0;
    sync_soon(Millis{0});
    arm_idle_guard();
  });
}

// --- pages ---

void SyncEngine::sync_soon(Millis delay) {
  if (!connection_.ready()) return;
  const std::int64_t due = scheduler_.clock().steady_ms() + delay.count();
  if (sync_timer_ && sync_due_ <= due) return;
  scheduler_.cancel(sync_timer_);
  sync_due_ = due;
  sync_timer_ = scheduler_.after(delay, [this] {
    sync_timer_ = 0;
    sync_now();
  });
}

void SyncEngine::sync_now() {
  if (!connection_.ready()) return;
  if (syncing_) {
    again_ = true;
    return;
  }
  syncing_ = true;
  again_ = false;
  ask_page({});
}

void SyncEngine::ask_page(const std::string& page_token) {
  if (const Millis wait = connection_.pace().take_listing(scheduler_.clock().steady_ms());
      wait.count() > 0) {
    return ask_page_later(page_token, wait);
  }
  v1::ClientFrame frame;
  v1::SyncRequest& request = *frame.mutable_sync();
  if (page_token.empty()) user_state_.reset();
  request.set_page_token(page_token);
  request.set_snapshot(snapshot_);
  request.set_window(limits::sync_window_default);
  if (!snapshot_) {
    request.set_cursor(cursor_);
    for (const ConversationId& id : large_) {
      if (request.large_heads_size() >= static_cast<int>(limits::sync_window_max * 5)) break;
      const ConversationRecord* record = model_.find(id);
      if (!record || record->role == MemberRole::kNone) continue;
      v1::HeadRef& head = *request.add_large_heads();
      head.set_conversation_id(id.bytes());
      head.set_seq(record->last_seq);
    }
  }
  connection_.request(frame, [this, page_token](const v1::ServerFrame* answer, const Error& error) {
    if (!answer && error.code == ErrorCode::kRateLimited) {
      ask_page_later(page_token, pause_of(error));
    } else if (!answer) {
      on_sync_failed(error);
    } else if (answer->body_case() == v1::ServerFrame::kSyncReset) {
      on_reset(answer->sync_reset());
    } else if (answer->body_case() == v1::ServerFrame::kSyncPage) {
      on_page(answer->sync_page());
    } else {
      on_sync_failed(make_error(ErrorCode::kProtocol, "a sync was answered with something else"));
    }
  });
}

// The same page: beginning anew would cost more than the server has to spare.
void SyncEngine::ask_page_later(const std::string& page_token, Millis wait) {
  if (!connection_.ready()) return;
  page_timer_ = scheduler_.after(wait, [this, page_token] {
    page_timer_ = 0;
    ask_page(page_token);
  });
}

void SyncEngine::on_reset(const v1::SyncReset& reset) {
  if (reset.reason() == v1::SYNC_RESET_REASON_FUTURE) {
    if (anew_) {
      return connection_.give_up(
          make_error(ErrorCode::kProtocol, "the server names one history after the other"));
    }
    if (!start_anew(static_cast<std::int64_t>(reset.kept_until_ms()))) {
      // The old cursor means nothing there: until this is done nothing else may be asked.
      page_timer_ = scheduler_.after(kRetry, [this, reset] {
        page_timer_ = 0;
        on_reset(reset);
      });
      return;
    }
    anew_ = true;
  }
  snapshot_ = true;
  snapshot_cursor_ = reset.snapshot_cursor();
  listed_.clear();
  ask_page({});
}

// The numbers that this device holds stand for other events now, or for none.
Status SyncEngine::start_anew(std::int64_t kept_until_ms) {
  if (Status s = hooks_.other_history(kept_until_ms); !s) return s;
  for (auto& [id, held] : held_) scheduler_.cancel(held.timer);
  held_.clear();
  held_bytes_ = 0;
  to_fetch_.clear();
  to_ack_.clear();
  acked_.clear();
  unfillable_.clear();
  failures_.clear();
  cursor_ = 0;
  on_history_known();
  return {};
}

void SyncEngine::on_sync_failed(const Error& error) {
  syncing_ = false;
  if (error.code != ErrorCode::kOffline)
    sync_soon(error.retry_after_ms ? Millis(error.retry_after_ms) : kRetry);
}

void SyncEngine::on_page(const v1::SyncPage& page) {
  const std::vector<v1::ConversationState> states(page.changed().begin(), page.changed().end());
  std::optional<std::uint64_t> cursor;
  if (!page.more() && !snapshot_) cursor = page.next_cursor();
  Status s = hooks_.same_history();
  if (s) on_history_known();
  if (s) s = take_user_state(page);
  if (s) s = model_.apply_states(states, cursor);
  if (!s) {
    on_sync_failed(s.error());
    return;
  }
  for (const v1::ConversationState& state : states) {
    if (const auto id = conversation_id(state.conversation_id())) {
      if (snapshot_) listed_.insert(*id);
      behind_.insert(*id);
      holed_.insert(*id);
      if (const ConversationRecord* record = model_.find(*id); record && record->large)
        large_.insert(*id);
      note_ack(*id);
    }
  }
  if (page.more()) {
    ask_page(page.page_token());
    return;
  }
  if (snapshot_) {
    finish_snapshot();
    return;
  }
  cursor_ = page.next_cursor();
  syncing_ = false;
  first_done_ = true;
  fetch_missing();
  if (again_) sync_now();
  settle_if_done();
}

void SyncEngine::on_history_known() {
  if (std::exchange(history_known_, true)) return;
  send_acks();
  fill_what_waits();
}

void SyncEngine::fill_what_waits() {
  for (const auto& fill : std::exchange(fills_, {})) fill();
}

// Contacts and blocks may go on from page to page.
Status SyncEngine::take_user_state(const v1::SyncPage& page) {
  if (page.has_user_state()) {
    if (!user_state_) user_state_ = std::make_unique<v1::UserState>();
    user_state_->MergeFrom(page.user_state());
  }
  if (page.more() || !user_state_) return {};
  return hooks_.user_state(*std::exchange(user_state_, nullptr));
}

// What the listing did not name is no longer this user's.
void SyncEngine::finish_snapshot() {
  std::vector<ConversationRecord> gone;
  for (const auto& [id, record] : model_.conversations()) {
    if (record.entry_ver > 0 && record.role != MemberRole::kNone && !listed_.count(id))
      gone.push_back(record);
  }
  for (ConversationRecord& record : gone) {
    record.role = MemberRole::kNone;
    if (Status s = model_.put(record); !s) {
      on_sync_failed(s.error());
      return;
    }
  }
  if (Status s = model_.apply_states({}, snapshot_cursor_); !s) {
    on_sync_failed(s.error());
    return;
  }
  cursor_ = snapshot_cursor_;
  snapshot_ = false;
  listed_.clear();
  ask_page({});
}

void SyncEngine::settle_if_done() {
  const bool waiting = std::any_of(to_fetch_.begin(), to_fetch_.end(),
                                   [this](const auto& id) { return fetching_.count(id) == 0; });
  if (!first_done_ || syncing_ || waiting || fetches_in_time() != 0) return;
  hooks_.settled();
  backfill();
}

// --- pushes ---

void SyncEngine::on_event_push(const v1::EventPush& push) {
  arm_idle_guard();
  if (!history_known_) return missed_push();
  offer({push.events().begin(), push.events().end()}, true);
}

void SyncEngine::offer(const std::vector<v1::Event>& events, bool live) {
  std::vector<v1::Event> run;  // of one conversation, each the next: one commit
  const auto commit_run = [&] {
    if (run.empty()) return;
    const std::vector<v1::Event> ready = std::exchange(run, {});
    apply(*conversation_id(ready.front().conversation_id()), ready, 0, live);
  };
  for (const v1::Event& event : events) {
    if (!run.empty() && event.conversation_id() == run.back().conversation_id() &&
        event.seq() == run.back().seq() + 1) {
      run.push_back(event);
      continue;
    }
    commit_run();
    const auto id = conversation_id(event.conversation_id());
    if (!id || event.seq() == 0) continue;
    if (!model_.find(*id)) sync_soon(Millis{0});  // its state comes with the feed
    if (model_.ranges(*id).has(event.seq())) continue;
    // At the top, or in a hole that stays open until somebody looks: nobody would come for it
    // there.
    if (event.seq() <= model_.top(*id) + 1) {
      run.push_back(event);
    } else {
      hold(*id, event, live);
    }
  }
  commit_run();
}

void SyncEngine::hold(const ConversationId& id, const v1::Event& event, bool live) {
  const std::size_t size = held_size(event);
  const bool room = held_bytes_ + size <= limits::held_bytes_max;
  if (!room && !model_.find(id)) return;  // its state comes with the feed, and it is fetched
  Held& held = held_[id];
  held.live |= live;
  if (room && held.events.size() < kHeldMax && held.events.emplace(event.seq(), event).second) {
    held_bytes_ += size;
  }
  behind_.insert(id);
  if (event.seq() > model_.top(id)) (void)model_.raise_head(id, event.seq(), event.ordinal());
  if (held.timer) return;
  held.timer = scheduler_.after(limits::gap_wait, [this, id] {
    const auto it = held_.find(id);
    if (it == held_.end()) return;
    it->second.timer = 0;
    fetch(id);
  });
}

void SyncEngine::apply(const ConversationId& id, const std::vector<v1::Event>& events,
                       std::uint64_t floor, bool live) {
  std::vector<MessageId> placed;
  holed_.insert(id);
  if (Status s = model_.apply_events(id, events, floor, live, &placed); !s) {
    behind_.insert(id);
    sync_soon(kRetry);
    return;
  }
  if (!placed.empty()) hooks_.own_placed(placed);
  note_ack(id);
  drain_held(id);
}

void SyncEngine::drain_held(const ConversationId& id) {
  const auto it = held_.find(id);
  if (it == held_.end()) return;
  std::vector<v1::Event> ready;
  std::uint64_t next = model_.top(id) + 1;
  auto& events = it->second.events;
  while (!events.empty() && events.begin()->first <= next) {
    if (events.begin()->first == next) ++next;
    held_bytes_ -= held_size(events.begin()->second);
    ready.push_back(events.begin()->second);  // below `next`: in a hole, or here already
    events.erase(events.begin());
  }
  const bool live = it->second.live;
  if (events.empty()) {
    scheduler_.cancel(it->second.timer);
    held_.erase(it);
  }
  if (!ready.empty()) apply(id, ready, 0, live);
}

void SyncEngine::on_head_push(const v1::HeadPush& push) {
  if (!history_known_) return missed_push();
  const auto id = conversation_id(push.conversation_id());
  if (!id) return;
  if (!model_.find(*id)) {
    sync_soon(Millis{0});
    return;
  }
  (void)model_.raise_head(*id, push.last_seq(), push.ordinal());
  fetch(*id);
}

void SyncEngine::on_feed_notice(const v1::FeedNotice& notice) {
  if (notice.ver() <= cursor_) return;
  const auto id = conversation_id(notice.conversation_id());
  const bool urgent = !id || !model_.find(*id) || notice.last_seq() > model_.top(*id);
  // Mostly the event itself arrives right behind its notice; then only the cursor is to be moved,
  // without haste.
  sync_soon(urgent ? limits::gap_wait
                   : Millis(limits::gap_wait) + Millis(random_.below(kNoticeSpread)));
}

void SyncEngine::on_pong(const v1::Pong& pong) {
  if (pong.resync() || pong.feed_high() > cursor_) sync_soon(Millis(random_.below(kNoticeSpread)));
}

// --- fetching ---

void SyncEngine::fetch_missing() {
  std::erase_if(behind_, [this](const ConversationId& id) {
    const ConversationRecord* record = model_.find(id);
    return !record || record->last_seq <= model_.top(id);
  });
  to_fetch_.insert(behind_.begin(), behind_.end());
  run_fetches();
}

void SyncEngine::fetch(const ConversationId& id) {
  behind_.insert(id);
  to_fetch_.insert(id);
  run_fetches();
}

void SyncEngine::fetch(const ConversationId& id, std::uint64_t seq) {
  seq > model_.top(id) ? fetch(id) : fill(id, seq, seq, [] {});
}

bool SyncEngine::may_fetch() {
  if (fetch_timer_ != 0) return false;
  const Millis wait = connection_.pace().take_history(scheduler_.clock().steady_ms());
  if (wait.count() == 0) return true;
  fetch_later(wait);
  return false;
}

void SyncEngine::fetch_later(Millis wait) {
  if (fetch_timer_ != 0 || !connection_.ready()) return;
  fetch_timer_ = scheduler_.after(wait, [this] {
    fetch_timer_ = 0;
    run_fetches();
    settle_if_done();
  });
}

// Fetches whose answers are still expected soon.
std::size_t SyncEngine::fetches_in_time() const {
  const std::int64_t now = scheduler_.clock().steady_ms();
  return static_cast<std::size_t>(
      std::count_if(fetching_.begin(), fetching_.end(),
                    [now](const auto& fetch) { return now - fetch.second < kSlowFetch.count(); }));
}

void SyncEngine::note_failure(const ConversationId& id, const Error& error) {
  Failure& failure = failures_[id];
  const Millis pause = std::min(kRetryMost, kRetry * (1 << std::min(failure.count++, 10U)));
  const Millis wait = std::max(pause, Millis(error.retry_after_ms));
  failure.until_ms = scheduler_.clock().steady_ms() + wait.count();
  sync_soon(wait);
}

// True if it has failed and its pause is not over; then a sync comes back to it.
bool SyncEngine::resting(const ConversationId& id) {
  const auto found = failures_.find(id);
  if (found == failures_.end()) return false;
  const std::int64_t left = found->second.until_ms - scheduler_.clock().steady_ms();
  if (left > 0) sync_soon(Millis(left));
  return left > 0;
}

void SyncEngine::run_fetches() {
  if (!connection_.ready() || !history_known_) return;
  std::size_t in_time = fetches_in_time();
  for (auto it = to_fetch_.begin(); it != to_fetch_.end();) {
    if (in_time >= kFetchesAtOnce || fetching_.size() >= kFetchesMost) break;
    const ConversationId id = *it;
    if (fetching_.count(id)) {
      ++it;
      continue;
    }
    it = to_fetch_.erase(it);
    if (resting(id)) continue;
    const ConversationRecord* record = model_.find(id);
    const std::uint64_t top = model_.top(id);
    if (!record || record->last_seq <= top) continue;
    if (!may_fetch()) {
      to_fetch_.insert(id);
      return;
    }
    v1::ClientFrame frame;
    v1::GetEvents& get = *frame.mutable_get_events();
    get.set_conversation_id(id.bytes());
    get.set_from(top + 1);
    get.set_to(record->last_seq);
    const bool large = record->last_seq - top > limits::gap_fetch_max;
    get.set_newest(large);
    get.set_limit(large ? kNewestPage : limits::page_events_max);
    fetching_[id] = scheduler_.clock().steady_ms();
    ++in_time;
    connection_.request(frame, [this, id](const v1::ServerFrame* answer, const Error& error) {
      on_fetched(id, answer, error);
    });
  }
  if (in_time == 0 || slow_timer_ != 0) return;
  slow_timer_ = scheduler_.after(kSlowFetch, [this] {
    slow_timer_ = 0;
    run_fetches();
    settle_if_done();
  });
}

void SyncEngine::on_fetched(const ConversationId& id, const v1::ServerFrame* frame,
                            const Error& error) {
  fetching_.erase(id);
  if (frame && frame->has_events_page()) {
    failures_.erase(id);
    const v1::EventsPage& page = frame->events_page();
    const std::uint64_t before = model_.top(id);
    const std::vector<v1::Event> events(page.events().begin(), page.events().end());
    apply(id, events, page.floor_seq(), false);
    const std::uint64_t now = model_.top(id);
    const ConversationRecord* record = model_.find(id);
    if (now > before && record && record->last_seq > now) {
      to_fetch_.insert(id);
    } else if (now == before && record && events.empty() && page.last_seq() < record->last_seq) {
      ConversationRecord shorter = *record;  // the rest is not this user's
      shorter.last_seq = std::max(page.last_seq(), now);
      (void)model_.put(shorter);
    }
  } else if (error.code == ErrorCode::kRateLimited) {  // a sync would take what is left
    to_fetch_.insert(id);
    fetch_later(pause_of(error));
  } else if (error.code != ErrorCode::kOffline && error.retry() != Retry::kNever) {
    note_failure(id, error);
  } else if (error.code != ErrorCode::kOffline) {
    behind_.erase(id);  // it is not this user's any more
  }
  run_fetches();
  settle_if_done();
}

void SyncEngine::fill(const ConversationId& id, std::uint64_t from, std::uint64_t to,
                      std::function<void()> done) {
  if (connection_.ready() && !history_known_) {
    fills_.push_back([this, id, from, to, done = std::move(done)] { fill(id, from, to, done); });
    return;
  }
  const ConversationRecord* record = model_.find(id);
  if (record) from = std::max(from, record->floor_seq);
  const std::uint64_t hole =
      from <= to ? model_.ranges(id).last_hole(std::max<std::uint64_t>(from, 1), to) : 0;
  if (!record || hole == 0 || !connection_.ready()) {
    done();
    return;
  }
  v1::ClientFrame frame;
  v1::GetEvents& get = *frame.mutable_get_events();
  get.set_conversation_id(id.bytes());
  get.set_from(std::max<std::uint64_t>(from, 1));
  get.set_to(hole);
  get.set_newest(true);
  get.set_limit(limits::page_events_max);
  connection_.request(frame, [=, this, done = std::move(done)](const v1::ServerFrame* answer,
                                                               const Error&) {
    if (!answer || !answer->has_events_page()) {
      done();
      return;
    }
    const v1::EventsPage& page = answer->events_page();
    apply(id, {page.events().begin(), page.events().end()}, page.floor_seq(), false);
    const std::uint64_t left = model_.ranges(id).last_hole(std::max(from, page.floor_seq()), to);
    if (page.events_size() > 0 && left != 0 && left < hole) {
      fill(id, from, to, done);
    } else {
      done();
    }
  });
}

// What was newest first left a hole: it is filled from its old end on, one page at a time, as far
// as nobody has had it.
void SyncEngine::backfill() {
  if (backfilling_ || !connection_.ready()) return;
  for (auto next = holed_.begin(); next != holed_.end();) {
    const ConversationId id = *next;
    const std::uint64_t before = delivered(id);
    if (before >= model_.ranges(id).top() || unfillable_.count(id)) {
      next = holed_.erase(next);
      continue;
    }
    if (resting(id)) {
      ++next;
      continue;
    }
    if (!may_fetch()) return;
    v1::ClientFrame frame;
    v1::GetEvents& get = *frame.mutable_get_events();
    get.set_conversation_id(id.bytes());
    get.set_from(before + 1);
    get.set_to(model_.ranges(id).hole_end(before + 1));
    get.set_limit(limits::page_events_max);
    backfilling_ = true;
    connection_.request(frame,
                        [this, id, before](const v1::ServerFrame* answer, const Error& error) {
                          on_backfilled(id, before, answer, error);
                        });
    return;
  }
}

void SyncEngine::on_backfilled(const ConversationId& id, std::uint64_t before,
                               const v1::ServerFrame* frame, const Error& error) {
  backfilling_ = false;
  if (!frame && error.code == ErrorCode::kRateLimited) return fetch_later(pause_of(error));
  if (!frame && error.retry() != Retry::kNever) {  // the next sync comes back to it
    if (error.code == ErrorCode::kOffline) return;
    note_failure(id, error);
    return backfill();
  }
  if (frame && frame->has_events_page()) {
    failures_.erase(id);
    const v1::EventsPage& page = frame->events_page();
    apply(id, {page.events().begin(), page.events().end()}, page.floor_seq(), false);
  }
  if (delivered(id) <= before) unfillable_.insert(id);
  backfill();
}

// --- acknowledgements ---

// The seq up to which nothing is missing, counted on from what the server knows.
std::uint64_t SyncEngine::delivered(const ConversationId& id) const {
  const ConversationRecord* record = model_.find(id);
  if (!record) return 0;
  std::uint64_t known =
      std::max(record->delivered_seq, std::max<std::uint64_t>(record->floor_seq, 1) - 1);
  if (const auto it = acked_.find(id); it != acked_.end()) known = std::max(known, it->second);
  const Ranges& ranges = model_.ranges(id);
  const std::uint64_t hole = ranges.first_hole(known + 1, ranges.top());
  return hole ? hole - 1 : std::max(known, ranges.top());
}

std::uint64_t SyncEngine::acknowledgeable(const ConversationId& id) const {
  return std::min(delivered(id), model_.hand_marks().upto(id));
}

void SyncEngine::note_ack(const ConversationId& id) {
  const ConversationRecord* record = model_.find(id);
  const std::uint64_t top = acknowledgeable(id);
  if (!record || model_.ranges(id).top() == 0 || top <= record->delivered_seq) return;
  if (const auto it = acked_.find(id); it != acked_.end() && it->second >= top) return;
  to_ack_.insert(id);
  if (ack_posted_) return;
  ack_posted_ = true;  // one frame for all that this turn of the loop commits
  scheduler_.post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired()) return;
    ack_posted_ = false;
    send_acks();
  });
}

void SyncEngine::send_acks() {
  if (!connection_.ready() || !history_known_) return;
  while (!to_ack_.empty()) {
    v1::ClientFrame frame;
    v1::AckEvents& ack = *frame.mutable_ack_events();
    while (!to_ack_.empty() && ack.upto_size() < static_cast<int>(limits::heads_listed_max / 2)) {
      const ConversationId id = *to_ack_.begin();
      to_ack_.erase(to_ack_.begin());
      const std::uint64_t top = acknowledgeable(id);
      acked_[id] = top;
      v1::HeadRef& head = *ack.add_upto();
      head.set_conversation_id(id.bytes());
      head.set_seq(top);
    }
    connection_.send(frame);
  }
}

}  // namespace kith::client
