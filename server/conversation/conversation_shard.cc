// Log entries in, decisions out, the store behind.
#include "server/conversation/conversation_shard.h"

#include <algorithm>
#include <string>
#include <utility>

namespace kith::server {
namespace {

// Records that are read at a time at start: the more, the closer to each other lie the conversations
// that they need.
constexpr std::size_t kReplayPage = 32'768;

}  // namespace

ConversationShard::ConversationShard(CommandLog& log, ConversationStore& store, FeedMarks& marks,
                                     Scheduler& scheduler, const LagMarks& lag, CacheBounds bounds)
    : log_(log),
      marks_(marks),
      scheduler_(scheduler),
      pace_(lag),
      table_(progress_, bounds),
      history_(table_, store),
      queue_(log, scheduler, pace_, progress_),
      ownership_(log, queue_, scheduler, progress_.tenures()),
      writer_(store, scheduler, table_, marks, pace_, progress_),
      decider_(store, scheduler, {table_, marks, progress_, ownership_, writer_}) {
  queue_.on_committed([this](LogEntry&& entry, CommandAnswer&& answer) {
    committed(std::move(entry), std::move(answer));
  });
  queue_.on_logging([this](LogRecord& record) { stamp(record); });
  queue_.on_refused([this](const Error& error) { ownership_.append_failed(error); });
  queue_.on_waiting([this] { writer_.hurry(); });
  if (log.appender() != 0) {
    log.on_foreign(guard_.wrap([this](LogEntry&& entry) { committed(std::move(entry), nullptr); }));
  }
  writer_.on_stored([this](const std::shared_ptr<const StoreBatch>& batch) { stored(batch); });
}

void ConversationShard::watch(ServiceHealth* health) {
  queue_.watch(health);
  writer_.watch(health);
}

void ConversationShard::add_stats(std::map<std::string, std::uint64_t>& all) const {
  all["messages_placed"] += decider_.placed();
  all["apply_lag"] += progress_.apply_lag();
  all["commands_held"] += queue_.held();
  all["journal_lag"] += log_.pending();
  table_.add_stats(all);
}

// --- start ---

Status ConversationShard::start() {
  const auto applied = writer_.start();
  if (!applied) return applied.error();
  // New records would stand at positions that the store takes for its own, and be lost.
  if (log_.last() < *applied) {
    return make_error(ErrorCode::kCacheCorrupt,
                      "the log ends at record " + std::to_string(log_.last()) +
                          ", but the store has " + std::to_string(*applied) +
                          ": they are not of the same time");
  }
  marks_.begins(*applied, log_.last());
  decider_.set_replaying(true);
  for (;;) {
    auto page = log_.read(progress_.end(), kReplayPage);
    if (!page) return page.error();
    if (page->empty()) break;
    if (log_.appender() == 0 && page->front().position != progress_.end() + 1) {
      return make_error(ErrorCode::kCacheCorrupt,
                        "records from " + std::to_string(progress_.end() + 1) +
                            " on are neither in the store nor in the log");
    }
    decider_.load_changed(*page);
    for (LogEntry& entry : *page) committed(std::move(entry), nullptr);
  }
  decider_.set_replaying(false);
  progress_.replayed();
  writer_.schedule();
  return {};
}

// --- reading ---

void ConversationShard::events(const EventQuery& query, Done<std::vector<Event>> done) {
  if (!ownership_.serving()) return done(LogOwnership::not_serving());
  history_.events(query, std::move(done));
}

void ConversationShard::find(const ConversationId& id, const UserId& sender,
                             const MessageId& message, Done<std::optional<Placement>> done) {
  if (!ownership_.serving()) return done(LogOwnership::not_serving());
  history_.find(id, sender, message, std::move(done));
}

void ConversationShard::with(const ConversationId& id, Done<const Conversation*> done) {
  if (!ownership_.serving()) return done(LogOwnership::not_serving());
  const SlotPtr s = table_.slot(id);
  if (s->loaded) return done(s->exists() ? &s->conversation : nullptr);
  s->readers.push_back(std::move(done));
  decider_.load(s);
}

void ConversationShard::mark_user(const UserId& user, const DeviceId& device, Done<void> done) {
  LogRecord record;
  record.sender = user;
  record.sender_device = device;
  record.gateway_ts_ms = scheduler_.clock().wall().ms;
  record.op = UserMarkOp{};
  append(std::move(record), [done = std::move(done)](const Result<Outcome>& outcome) {
    done(outcome ? Status() : Status(outcome.error()));
  });
}

// --- the log ---

void ConversationShard::append(LogRecord record, CommandAnswer answer) {
  if (!ownership_.serving()) return answer(LogOwnership::not_serving());
  if (ownership_.doubts()) record.attempt = std::max(record.attempt, 1U);
  queue_.append(std::move(record), std::move(answer));
}

// Whether a command may be a repetition is found out before the log, and written down in it: the
// decision must not depend on what an owner happens to have in memory.
void ConversationShard::stamp(LogRecord& r) {
  ownership_.stamp(r);
  if (!takes_place(r)) return;
  if (recent_commands_.note(r.conversation, r.sender, r.command_id) && r.attempt == 0) {
    r.attempt = 1;
  }
  if (r.attempt > 0) return;
  const ConversationSlot* s = table_.find(r.conversation);
  if (s != nullptr && s->recent.find(r.sender, r.command_id) != nullptr) r.attempt = 1;
}

void ConversationShard::leave(std::function<void()> left) {
  ownership_.leave();
  queue_.refuse_held(LogOwnership::not_serving());
  writer_.hurry();
  leave_when_stored(scheduler_.clock().steady_ms() + Millis(limits::leave_limit).count(),
                    std::move(left));
}

void ConversationShard::leave_when_stored(std::int64_t until_ms, std::function<void()> left) {
  const bool all = queue_.in_log() == 0 && progress_.unstored() == 0;
  if (all || scheduler_.clock().steady_ms() >= until_ms) return left();
  writer_.hurry();
  scheduler_.after(Millis(10), guard_.wrap([this, until_ms, left = std::move(left)] {
    leave_when_stored(until_ms, left);
  }));
}

// --- deciding ---

void ConversationShard::committed(LogEntry&& entry, CommandAnswer&& answer) {
  progress_.committed(entry.position);
  if (const auto verdict = ownership_.judge(entry); verdict != LogOwnership::Verdict::kCounts) {
    if (ownership_.mine(entry.record)) progress_.took_over(entry.position);
    writer_.schedule();
    if (!answer) return;
    if (verdict == LogOwnership::Verdict::kTookOver) return answer(Outcome{});
    return answer(LogOwnership::not_serving());
  }
  if (std::holds_alternative<UserMarkOp>(entry.record.op)) {
    marks_.mark_user(entry.record.sender);
    writer_.schedule();
    if (answer) answer(Outcome{});
    return;
  }
  decider_.take(std::move(entry), std::move(answer));
}

void ConversationShard::stored(const std::shared_ptr<const StoreBatch>& batch) {
  if (stored_) stored_(batch);
  if (!log_held_) log_.trim(progress_.applied());
  queue_.let_on();
}

}  // namespace kith::server
