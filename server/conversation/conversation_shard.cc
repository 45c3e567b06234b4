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

ConversationShard::ConversationShard(CommandLog& log, ConversationStore& store,
                                     Scheduler& scheduler, const LagMarks& marks,
                                     CacheBounds bounds)
    : log_(log),
      store_(store),
      scheduler_(scheduler),
      pace_(marks),
      table_(progress_, bounds),
      feed_(store, progress_, [this](const ConversationId& id) { return peek(id); }),
      history_(table_, store),
      writer_(store, scheduler, table_, feed_, pace_, progress_),
      queue_(log, scheduler, pace_, progress_),
      creations_(scheduler) {
  queue_.on_committed([this](LogEntry&& entry, CommandAnswer&& answer) {
    committed(std::move(entry), std::move(answer));
  });
  queue_.on_waiting([this] { writer_.hurry(); });
  writer_.on_stored([this](const StoreBatch& batch) { stored(batch); });
}

ConversationShard::~ConversationShard() {
  *alive_ = false;
}

void ConversationShard::watch(ServiceHealth* health) {
  queue_.watch(health);
  writer_.watch(health);
}

void ConversationShard::add_stats(std::map<std::string, std::uint64_t>& all) const {
  all["messages_placed"] = placed_;
  all["apply_lag"] = progress_.apply_lag();
  all["commands_held"] = queue_.held();
  all["journal_lag"] = log_.pending();
  table_.add_stats(all);
}

// --- start ---

Status ConversationShard::start() {
  auto applied = store_.applied();
  if (!applied) return applied.error();
  progress_.begins_behind(*applied);
  // New records would stand at positions that the store takes for its own, and be lost.
  if (log_.last() < *applied) {
    return make_error(ErrorCode::kCacheCorrupt,
                      "the log ends at record " + std::to_string(log_.last()) +
                          ", but the store has " + std::to_string(*applied) +
                          ": they are not of the same time");
  }
  replaying_ = true;
  for (;;) {
    auto page = log_.read(progress_.end(), kReplayPage);
    if (!page) return page.error();
    if (page->empty()) break;
    if (page->front().position != progress_.end() + 1) {
      return make_error(ErrorCode::kCacheCorrupt,
                        "records from " + std::to_string(progress_.end() + 1) +
                            " on are neither in the store nor in the log");
    }
    load_changed(*page);
    for (LogEntry& entry : *page) committed(std::move(entry), nullptr);
  }
  replaying_ = false;
  progress_.replayed();
  return {};
}

// In one go and in the store's order, what else would be loaded record by record. What this cannot
// read is loaded by its record, which waits for it.
void ConversationShard::load_changed(const std::vector<LogEntry>& page) {
  std::vector<ConversationId> ids;
  for (const LogEntry& entry : page) {
    const bool mark = std::holds_alternative<UserMarkOp>(entry.record.op);
    if (!mark && !table_.contains(entry.record.conversation)) {
      ids.push_back(entry.record.conversation);
    }
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  auto stored = store_.load_all(ids);
  if (!stored) return;
  auto next = stored->begin();
  for (const ConversationId& id : ids) {
    const SlotPtr s = table_.slot(id);
    s->loaded = true;
    if (next != stored->end() && next->head.id == id) s->conversation = std::move(*next++);
    table_.weigh(*s);
  }
}

// --- what waits for its decision ---

bool ConversationShard::undecided(const ConversationId& id) const {
  const ConversationSlot* s = table_.find(id);
  return s != nullptr && (s->deciding || !s->queue.empty());
}

namespace {

bool may_admit(const LogRecord& r, const UserId& user) {
  const auto names = [&](const std::vector<UserId>& users) {
    return std::find(users.begin(), users.end(), user) != users.end();
  };
  if (const auto* create = std::get_if<CreateOp>(&r.op)) {
    return r.sender == user || names(create->members);
  }
  const auto* change = std::get_if<MembershipOp>(&r.op);
  return change != nullptr && change->kind == MemberChangeKind::kAdd && names(change->users);
}

}  // namespace

bool ConversationShard::admission_undecided(const ConversationId& id, const UserId& user) const {
  const ConversationSlot* s = table_.find(id);
  if (s == nullptr) return false;
  const auto admits = [&](const Waiting& waiting) { return may_admit(waiting.entry.record, user); };
  return (s->asking != nullptr && admits(*s->asking)) ||
         std::any_of(s->queue.begin(), s->queue.end(), admits);
}

// --- reading ---

void ConversationShard::with(const ConversationId& id, Done<const Conversation*> done) {
  const SlotPtr s = table_.slot(id);
  if (s->loaded) return done(s->exists() ? &s->conversation : nullptr);
  s->readers.push_back(std::move(done));
  load(s);
}

void ConversationShard::load(const SlotPtr& s) {
  if (s->loaded || s->loading) return;
  s->loading = true;
  store_.load(s->conversation.head.id,
              [this, alive = alive_, s](Result<std::optional<Conversation>> found) {
                if (!*alive) return;
                s->loading = false;
                auto readers = std::move(s->readers);
                s->readers.clear();
                if (!found) {
                  for (auto& reader : readers) reader(found.error());
                  // A record in the log must be decided, however long the store takes.
                  if (!s->queue.empty()) {
                    scheduler_.after(Millis(100), [this, alive, s] {
                      if (*alive) load(s);
                    });
                  }
                  return;
                }
                s->loaded = true;
                if (*found) s->conversation = **std::move(found);
                table_.weigh(*s);
                run_queue(s);
                const Conversation* c = s->exists() ? &s->conversation : nullptr;
                if (c == nullptr) table_.demote(s);
                for (auto& reader : readers) reader(c);
                if (*alive) table_.evict();
              });
}

void ConversationShard::mark_user(const UserId& user, const DeviceId& device, Done<Position> done) {
  LogRecord record;
  record.sender = user;
  record.sender_device = device;
  record.gateway_ts_ms = scheduler_.clock().wall().ms;
  record.op = UserMarkOp{};
  append(std::move(record), [this, user, done = std::move(done)](const Result<Outcome>& outcome) {
    if (!outcome) return done(outcome.error());
    // A mark is decided as it is committed, so it is the newest, and nobody has been served up to it.
    done(feed_.hold_mark(user));
  });
}

// --- deciding ---

void ConversationShard::committed(LogEntry&& entry, CommandAnswer&& answer) {
  progress_.committed(entry.position);
  if (std::holds_alternative<UserMarkOp>(entry.record.op)) {
    feed_.mark_user(entry.record.sender, entry.position);
    writer_.schedule();
    if (answer) answer(Outcome{});
    return;
  }
  const SlotPtr s = table_.slot(entry.record.conversation);
  if (s->loaded && !s->deciding && s->queue.empty()) return decide_next(s, entry, answer);
  progress_.waits(entry.position);
  s->queue.push_back({std::move(entry), std::move(answer)});
  if (s->loaded) {
    run_queue(s);
  } else {
    load(s);
  }
}

void ConversationShard::run_queue(const SlotPtr& s) {
  while (!s->queue.empty() && !s->deciding) {
    Waiting next = std::move(s->queue.front());
    s->queue.pop_front();
    decide_next(s, next.entry, next.answer);
  }
}

// At once, or when the store has said whether it is a repetition.
void ConversationShard::decide_next(const SlotPtr& s, LogEntry& entry, CommandAnswer& answer) {
  const LogRecord& r = entry.record;
  if (std::holds_alternative<ReceiptOp>(r.op)) return decide_one(s, entry, answer, std::nullopt);
  if (const Event* known = s->recent.find(r.sender, r.command_id)) {
    return decide_one(s, entry, answer, placement_of(*known));
  }
  if (r.attempt == 0) return decide_one(s, entry, answer, std::nullopt);
  progress_.waits(entry.position);
  look_up(s, {std::move(entry), std::move(answer)});
}

void ConversationShard::look_up(const SlotPtr& s, Waiting next) {
  s->deciding = true;
  auto lookup = std::make_shared<std::function<void()>>();
  auto waiting = std::make_shared<Waiting>(std::move(next));
  s->asking = waiting;
  *lookup = [this, alive = alive_, s, waiting, weak = std::weak_ptr(lookup)] {
    const LogRecord& record = waiting->entry.record;
    store_.find(
        record.conversation, record.sender, record.command_id,
        [this, alive, s, waiting, again = weak.lock()](Result<std::optional<Placement>> earlier) {
          if (!*alive) return;
          if (!earlier) {  // a store error never skips a record
            scheduler_.after(Millis(100), [alive, again] {
              if (*alive) (*again)();
            });
            return;
          }
          s->deciding = false;
          s->asking.reset();
          decide_one(s, waiting->entry, waiting->answer, *earlier);
          run_queue(s);
        });
  };
  (*lookup)();
}

void ConversationShard::decide_one(const SlotPtr& s, const LogEntry& entry, CommandAnswer& answer,
                                   const std::optional<Placement>& earlier) {
  Outcome out = decide(s->conversation, s->minima, entry, earlier);
  progress_.is_decided(entry.position);
  if (!out.replay) note_change(*s, entry, out);
  if (!replaying_ && decided_ && !out.error && !out.duplicate && !out.replay) {
    decided_(entry, out, s->conversation);
  }
  writer_.schedule();  // also when nothing changed: later records may have waited for this one
  if (answer) answer(std::move(out));
}

void ConversationShard::note_change(ConversationSlot& s, const LogEntry& entry,
                                    const Outcome& out) {
  s.changed_at = entry.position;
  writer_.note_changed(s);
  for (const UserId& user : out.changed_members) s.note_changed(user);
  if (out.event != nullptr) {
    ++placed_;
    table_.push_event(s, out.event);
  }
  for (const UserId& user : out.marks) {
    Member* member = find_member(s.conversation, user);
    const ConversationId& id = s.conversation.head.id;
    if (member != nullptr && feed_.mark(*member, id, entry.position)) s.note_changed(user);
  }
  if (s.conversation.head.large) feed_.note_large(s.conversation, span_of(out.changed_members));
  table_.weigh(s);
  table_.drop_old_events(s);
}

void ConversationShard::stored(const StoreBatch& batch) {
  if (stored_) stored_(batch);
  if (!log_held_) log_.trim(progress_.applied());
  queue_.let_on();
}

}  // namespace kith::server
