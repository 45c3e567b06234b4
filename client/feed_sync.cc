// FeedSync: pages, resets, and what a finished listing means.
#include "client/feed_sync.h"

#include <utility>
#include <vector>

#include "client/fetch_rests.h"
#include "client/wire_ids.h"
#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"

namespace kith::client {

FeedSync::FeedSync(Model& model, Connection& connection, Scheduler& scheduler, Hooks hooks)
    : model_(model),
      connection_(connection),
      clock_(scheduler.clock()),
      hooks_(std::move(hooks)),
      start_(scheduler, [this] { now(); }),
      step_timer_(scheduler, [this] {
        const auto step = std::exchange(step_, nullptr);
        step();
      }) {}

FeedSync::~FeedSync() = default;

void FeedSync::on_welcome() {
  running_ = again_ = false;
  since_welcome_ = {};
  snapshot_.reset();
  large_.clear();
  for (const auto& [id, record] : model_.conversations()) {
    if (record.large) large_.insert(id);
  }
}

void FeedSync::on_lost() {
  running_ = again_ = false;
  start_.stop();
  step_timer_.stop();
}

void FeedSync::soon(Millis delay) {
  if (!connection_.ready()) return;
  const std::int64_t due = clock_.steady_ms() + delay.count();
  if (start_.waits() && start_due_ms_ <= due) return;
  start_due_ms_ = due;
  start_.start(delay);
}

void FeedSync::now() {
  if (!connection_.ready()) return;
  if (running_) {
    again_ = true;
    return;
  }
  running_ = true;
  again_ = false;
  ask_page({});
}

void FeedSync::now_if_asked_again() {
  if (again_) now();
}

void FeedSync::ask_page(const std::string& page_token) {
  if (const Millis wait = connection_.pace().take_listing(clock_.steady_ms()); wait.count() > 0) {
    return ask_page_later(page_token, wait);
  }
  v1::ClientFrame frame;
  v1::SyncRequest& request = *frame.mutable_sync();
  if (page_token.empty()) user_state_.reset();
  request.set_page_token(page_token);
  request.set_snapshot(snapshot_.has_value());
  request.set_window(limits::sync_window_default);
  if (!snapshot_) {
    request.set_cursor(cursor_);
    name_large_heads(frame);
  }
  connection_.request(frame, [this, page_token](const v1::ServerFrame* answer, const Error& error) {
    on_answer(page_token, answer, error);
  });
}

void FeedSync::name_large_heads(v1::ClientFrame& frame) const {
  v1::SyncRequest& request = *frame.mutable_sync();
  for (const ConversationId& id : large_) {
    if (request.large_heads_size() >= static_cast<int>(limits::sync_window_max * 5)) break;
    const ConversationRecord* record = model_.find(id);
    if (!record || record->role == MemberRole::kNone) continue;
    v1::HeadRef& head = *request.add_large_heads();
    head.set_conversation_id(id.bytes());
    head.set_seq(record->last_seq);
  }
}

void FeedSync::on_answer(const std::string& page_token, const v1::ServerFrame* answer,
                         const Error& error) {
  if (!answer && error.code == ErrorCode::kRateLimited) {
    ask_page_later(page_token, pause_of(error));
  } else if (!answer) {
    on_failed(error);
  } else if (answer->body_case() == v1::ServerFrame::kSyncReset) {
    on_reset(answer->sync_reset());
  } else if (answer->body_case() == v1::ServerFrame::kSyncPage) {
    on_page(answer->sync_page());
  } else {
    on_failed(make_error(ErrorCode::kProtocol, "a sync was answered with something else"));
  }
}

// The same page: beginning anew would cost more than the server has to spare.
void FeedSync::ask_page_later(const std::string& page_token, Millis wait) {
  if (connection_.ready()) go_on_later([this, page_token] { ask_page(page_token); }, wait);
}

void FeedSync::go_on_later(std::function<void()> step, Millis wait) {
  step_ = std::move(step);
  step_timer_.start(wait);
}

void FeedSync::on_reset(const v1::SyncReset& reset) {
  if (reset.reason() == v1::SYNC_RESET_REASON_FUTURE) {
    if (since_welcome_.anew) {
      return connection_.give_up(
          make_error(ErrorCode::kProtocol, "the server names one history after the other"));
    }
    // The numbers that this device holds stand for other events now, or for none.
    if (!hooks_.other_history(static_cast<std::int64_t>(reset.kept_until_ms()))) {
      // The old cursor means nothing there: until this is done nothing else may be asked.
      return go_on_later([this, reset] { on_reset(reset); }, kAskAgain);
    }
    since_welcome_.anew = true;
  }
  snapshot_.emplace();
  snapshot_->cursor = reset.snapshot_cursor();
  ask_page({});
}

void FeedSync::on_failed(const Error& error) {
  running_ = false;
  if (error.code != ErrorCode::kOffline) soon(pause_of(error));
}

void FeedSync::on_page(const v1::SyncPage& page) {
  const std::vector<v1::ConversationState> states(page.changed().begin(), page.changed().end());
  std::optional<std::uint64_t> cursor;
  if (!page.more() && !snapshot_) cursor = page.next_cursor();
  Status s = hooks_.same_history();
  if (s) s = take_user_state(page);
  if (s) s = model_.apply_states(states, cursor);
  if (!s) return on_failed(s.error());
  for (const v1::ConversationState& state : states) {
    const auto id = conversation_id(state.conversation_id());
    if (!id) continue;
    if (snapshot_) snapshot_->listed.insert(*id);
    if (const ConversationRecord* record = model_.find(*id); record && record->large)
      large_.insert(*id);
    hooks_.changed(*id);
  }
  if (page.more()) return ask_page(page.page_token());
  if (snapshot_) return finish_snapshot();
  cursor_ = page.next_cursor();
  running_ = false;
  since_welcome_.done = true;
  hooks_.done();
}

// Contacts and blocks may go on from page to page.
Status FeedSync::take_user_state(const v1::SyncPage& page) {
  if (page.has_user_state()) {
    if (!user_state_) user_state_ = std::make_unique<v1::UserState>();
    user_state_->MergeFrom(page.user_state());
  }
  if (page.more() || !user_state_) return {};
  return hooks_.user_state(*std::exchange(user_state_, nullptr));
}

// A conversation that the listing did not name is no longer this user's.
void FeedSync::finish_snapshot() {
  std::vector<ConversationRecord> gone;
  for (const auto& [id, record] : model_.conversations()) {
    if (record.entry_ver > 0 && record.role != MemberRole::kNone && !snapshot_->listed.count(id))
      gone.push_back(record);
  }
  for (ConversationRecord& record : gone) {
    record.role = MemberRole::kNone;
    if (Status s = model_.put(record); !s) return on_failed(s.error());
  }
  if (Status s = model_.apply_states({}, snapshot_->cursor); !s) return on_failed(s.error());
  cursor_ = snapshot_->cursor;
  snapshot_.reset();
  ask_page({});
}

}  // namespace kith::client
