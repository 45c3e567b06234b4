// SyncEngine: joins the feed, the fetches and the acknowledgements, and reads what is pushed.
#include "client/sync_engine.h"

#include <utility>

#include "client/wire_ids.h"
#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"

namespace kith::client {
namespace {

constexpr std::uint64_t kNoticeSpread = 2000;  // ms; doorbells of a busy account ring together

}  // namespace

SyncEngine::SyncEngine(Model& model, Connection& connection, Scheduler& scheduler, Random& random,
                       Hooks hooks)
    : model_(model),
      random_(random),
      hooks_(std::move(hooks)),
      feed_(model, connection, scheduler, feed_hooks()),
      rests_(scheduler.clock(), [this](Millis delay) { sync_soon(delay); }),
      pace_(connection, scheduler,
            [this] {
              fetches_.run();
              settle_if_done();
            }),
      acks_(model, connection, scheduler, session_),
      held_(scheduler, [this](const ConversationId& id) { fetches_.fetch(id); }),
      intake_(model, held_, acks_, missing_,
              {hooks_.own_placed, [this](Millis delay) { sync_soon(delay); }}),
      fetches_({model, connection, intake_, missing_, pace_, rests_}, scheduler, session_,
               [this] { settle_if_done(); }),
      backfill_({model, connection, intake_, missing_, pace_, rests_}, acks_),
      fill_(model, connection, intake_, session_),
      idle_(scheduler, [this] {
        sync_soon(Millis{0});
        idle_.start(limits::idle_sync);
      }) {}

FeedSync::Hooks SyncEngine::feed_hooks() {
  return {hooks_.user_state,
          [this](std::int64_t kept_until_ms) { return start_anew(kept_until_ms); },
          [this] {
            Status s = hooks_.same_history();
            if (s) on_history_known();
            return s;
          },
          [this](const ConversationId& id) {
            missing_.behind.insert(id);
            missing_.holed.insert(id);
            acks_.note(id);
          },
          [this] {
            fetches_.fetch_missing();
            feed_.now_if_asked_again();
            settle_if_done();
          }};
}

void SyncEngine::on_welcome(bool same_run) {
  session_.history_known = same_run;
  acks_.on_welcome();
  backfill_.try_all();
  rests_.clear();
  missing_ = {};
  for (const auto& [id, record] : model_.conversations()) note_missing(id);
  feed_.on_welcome();
  idle_.start(limits::idle_sync);
  feed_.now();
}

void SyncEngine::note_missing(const ConversationId& id) {
  acks_.note(id);
  if (model_.find(id)->last_seq > model_.top(id)) missing_.behind.insert(id);
  if (acks_.delivered(id) < model_.ranges(id).top()) missing_.holed.insert(id);
}

void SyncEngine::on_lost() {
  feed_.on_lost();
  idle_.stop();
  pace_.stop();
  fetches_.forget();
  acks_.on_lost();
  fill_.run_waiting();
}

// Drops what is held of the old history, and what was to be done about it.
Status SyncEngine::start_anew(std::int64_t kept_until_ms) {
  if (Status s = hooks_.other_history(kept_until_ms); !s) return s;
  held_.clear();
  fetches_.forget();
  acks_.forget();
  backfill_.try_all();
  rests_.clear();
  feed_.load(0);
  on_history_known();
  return {};
}

void SyncEngine::on_history_known() {
  if (std::exchange(session_.history_known, true)) return;
  acks_.send();
  fill_.run_waiting();
}

void SyncEngine::settle_if_done() {
  if (!feed_.done() || !fetches_.idle()) return;
  hooks_.settled();
  backfill_.run();
}

void SyncEngine::fetch(const ConversationId& id, std::uint64_t seq) {
  seq > model_.top(id) ? fetches_.fetch(id) : fill(id, seq, seq, [] {});
}

// --- pushes ---

void SyncEngine::on_event_push(const v1::EventPush& push) {
  idle_.start(limits::idle_sync);
  if (!session_.history_known) return missed_push();
  offer({push.events().begin(), push.events().end()}, true);
}

void SyncEngine::on_head_push(const v1::HeadPush& push) {
  if (!session_.history_known) return missed_push();
  const auto id = conversation_id(push.conversation_id());
  if (!id) return;
  if (!model_.find(*id)) return sync_soon(Millis{0});
  (void)model_.raise_head(*id, push.last_seq(), push.ordinal());
  fetches_.fetch(*id);
}

void SyncEngine::on_feed_notice(const v1::FeedNotice& notice) {
  if (notice.ver() <= cursor()) return;
  const auto id = conversation_id(notice.conversation_id());
  const bool urgent = !id || !model_.find(*id) || notice.last_seq() > model_.top(*id);
  // Mostly the event itself arrives right behind its notice; then only the cursor is to be moved,
  // without haste.
  sync_soon(urgent ? limits::gap_wait
                   : Millis(limits::gap_wait) + Millis(random_.below(kNoticeSpread)));
}

void SyncEngine::on_pong(const v1::Pong& pong) {
  if (pong.resync() || pong.feed_high() > cursor()) sync_soon(Millis(random_.below(kNoticeSpread)));
}

}  // namespace kith::client
