// Loads, decides, remembers the unapplied tail, and applies it to the store one batch at a time.
#include "server/services/conversation_cache.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "kith/core/limits.h"

namespace kith::server {

const Member* find_member(const Conversation& conversation, const UserId& user) {
  const auto& all = conversation.members;
  const auto it = std::lower_bound(all.begin(), all.end(), user,
                                   [](const Member& m, const UserId& u) { return m.user < u; });
  return it != all.end() && it->user == user ? &*it : nullptr;
}

struct ConversationCache::State : std::enable_shared_from_this<State> {
  struct Work {
    LogEntry entry;
    Done<Outcome> done;
    bool replayed = false;
  };
  using Key = std::pair<UserId, MessageId>;
  struct Slot {
    Conversation conversation;
    bool loaded = false;
    bool loading = false;
    bool busy = false;  // a dedupe lookup for the first waiting record is under way
    std::deque<Work> work;
    std::vector<Done<const Conversation*>> readers;
    std::map<Key, Placement> placed;  // of records that the store may not hold yet
    Position changed = 0;             // last position that changed it
    std::uint64_t used = 0;
  };

  State(CommandLog& l, ConversationStore& s, Scheduler& t) : log(l), store(s), scheduler(t) {}

  CommandLog& log;
  ConversationStore& store;
  Scheduler& scheduler;
  Decided decided;
  std::unordered_map<ConversationId, std::unique_ptr<Slot>> slots;
  std::set<Position> undecided;
  Position seen = 0;
  Position applied = 0;
  std::vector<Event> pending_events;
  std::map<ConversationId, std::set<UserId>> dirty;
  std::map<UserId, Position> pending_marks;
  std::unordered_map<UserId, Position> high;  // feed versions not yet in the store
  std::multimap<Position, std::function<void()>> settled;
  bool applying = false;
  bool flush_posted = false;
  std::uint64_t clock = 0;

  [[nodiscard]] Position decided_upto() const {
    return undecided.empty() ? seen : *undecided.begin() - 1;
  }

  Slot& slot(const ConversationId& id) {
    auto& found = slots[id];
    if (!found) found = std::make_unique<Slot>();
    found->used = ++clock;
    return *found;
  }

  void take(Work work) {
    const Position at = work.entry.position;
    seen = std::max(seen, at);
    if (std::holds_alternative<UserMarkOp>(work.entry.record.op)) {
      raise(work.entry.record.sender, at);
      pending_marks[work.entry.record.sender] = at;
      if (work.done) work.done(Outcome{});
      return flush_soon();
    }
    undecided.insert(at);
    const ConversationId id = work.entry.record.conversation;
    slot(id).work.push_back(std::move(work));
    pump(id);
  }

  void raise(const UserId& user, Position at) {
    Position& mark = high[user];
    mark = std::max(mark, at);
  }

  void load(const ConversationId& id) {
    Slot& s = slot(id);
    if (s.loaded || s.loading) return;
    s.loading = true;
    store.load(id, [self = shared_from_this(), id](Result<std::optional<Conversation>> found) {
      Slot& mine = self->slot(id);
      mine.loading = false;
      if (!found) return self->load_failed(id, found.error());
      mine.loaded = true;
      if (*found) mine.conversation = **std::move(found);
      self->pump(id);
    });
  }

  // Readers are told; committed records cannot be refused any more, they wait for the store.
  void load_failed(const ConversationId& id, const Error& error) {
    auto readers = std::exchange(slot(id).readers, {});
    for (auto& reader : readers) reader(error);
    if (slot(id).work.empty()) return;
    scheduler.after(std::chrono::duration_cast<Millis>(limits::backoff_base),
                    [self = shared_from_this(), id] { self->load(id); });
  }

  void pump(const ConversationId& id) {
    if (!slot(id).loaded) return load(id);
    while (!slot(id).work.empty() && !slot(id).busy) {
      Slot& s = slot(id);
      const LogRecord& r = s.work.front().entry.record;
      const auto known = s.placed.find({r.sender, r.command_id});
      if (known != s.placed.end()) {
        decide_front(id, known->second);
      } else if (r.attempt == 0 || std::holds_alternative<ReceiptOp>(r.op)) {
        decide_front(id, std::nullopt);
      } else {
        look_up(id);
      }
    }
    Slot& s = slot(id);
    if (s.busy) return;
    auto readers = std::exchange(s.readers, {});
    const Conversation* answer = s.conversation.head.last_seq == 0 ? nullptr : &s.conversation;
    for (auto& reader : readers) reader(answer);
  }

  void look_up(const ConversationId& id) {
    Slot& s = slot(id);
    s.busy = true;
    const LogRecord r = s.work.front().entry.record;
    store.find(id, r.sender, r.command_id,
               [self = shared_from_this(), id](Result<std::optional<Placement>> found) {
                 if (!found) {
                   self->scheduler.after(std::chrono::duration_cast<Millis>(limits::backoff_base),
                                         [self, id] { self->look_up(id); });
                   return;
                 }
                 self->slot(id).busy = false;
                 self->decide_front(id, *found);
                 self->pump(id);
               });
  }

  void decide_front(const ConversationId& id, const std::optional<Placement>& earlier) {
    Slot& s = slot(id);
    Work work = std::move(s.work.front());
    s.work.pop_front();
    const Position at = work.entry.position;
    Outcome out = decide(s.conversation, work.entry, earlier);
    undecided.erase(at);
    if (!out.error && !out.duplicate && !out.replay) remember(s, work.entry, out);
    if (work.done) work.done(out);
    if (decided && !work.replayed) decided(work.entry, s.conversation, out);
    flush_soon();
  }

  void remember(Slot& s, const LogEntry& entry, const Outcome& out) {
    const ConversationId& id = entry.record.conversation;
    s.changed = entry.position;
    if (out.placed) s.placed[{entry.record.sender, entry.record.command_id}] = *out.placed;
    auto& rows = dirty[id];
    rows.insert(out.changed_members.begin(), out.changed_members.end());
    for (const UserId& user : out.marks) {
      // Always marked: a mark more costs one row, a mark too few would hide a change.
      if (auto* m = const_cast<Member*>(find_member(s.conversation, user))) {
        m->feed_ver = entry.position;
        rows.insert(user);
        raise(user, entry.position);
      }
    }
    pending_events.insert(pending_events.end(), out.events.begin(), out.events.end());
  }

  void flush_soon() {
    if (applying || flush_posted) return;
    flush_posted = true;
    scheduler.post([self = shared_from_this()] {
      self->flush_posted = false;
      self->flush();
    });
  }

  void flush() {
    if (applying) return;
    auto batch = std::make_shared<StoreBatch>();
    batch->position = decided_upto();
    if (batch->position <= applied) return;
    batch->events = std::exchange(pending_events, {});
    for (const auto& [id, users] : std::exchange(dirty, {})) {
      const Conversation& c = slot(id).conversation;
      batch->heads.push_back(c.head);
      for (const UserId& user : users) {
        if (const Member* m = find_member(c, user)) batch->members.emplace_back(id, *m);
      }
    }
    const auto marks = std::exchange(pending_marks, {});
    batch->user_marks.assign(marks.begin(), marks.end());
    applying = true;
    apply(batch, std::chrono::duration_cast<Millis>(limits::backoff_base));
  }

  void apply(const std::shared_ptr<const StoreBatch>& batch, Millis wait) {
    store.apply(*batch, [self = shared_from_this(), batch, wait](Status status) {
      if (status) return self->stored(batch->position);
      const auto cap = std::chrono::duration_cast<Millis>(limits::backoff_cap);
      self->scheduler.after(wait, [self, batch, next = std::min(wait * 2, cap)] {
        self->apply(batch, next);
      });
    });
  }

  void stored(Position position) {
    applying = false;
    applied = position;
    log.trim(position);
    std::erase_if(high, [&](const auto& one) { return one.second <= position; });
    evict();
    std::vector<std::function<void()>> ready;
    for (auto it = settled.begin(); it != settled.end() && it->first <= applied;) {
      ready.push_back(std::move(it->second));
      it = settled.erase(it);
    }
    for (auto& task : ready) task();
    flush_soon();
  }

  void evict() {
    if (slots.size() <= limits::conversations_cached_max) return;
    const std::uint64_t old = clock - std::min<std::uint64_t>(clock, limits::conversations_cached_max / 2);
    std::erase_if(slots, [&](const auto& one) {
      const Slot& s = *one.second;
      return s.used < old && s.changed <= applied && !s.loading && !s.busy && s.work.empty() &&
             s.readers.empty() && !dirty.contains(one.first);
    });
  }
};

ConversationCache::ConversationCache(CommandLog& log, ConversationStore& store, Scheduler& scheduler)
    : state_(std::make_shared<State>(log, store, scheduler)) {}
ConversationCache::~ConversationCache() = default;

Status ConversationCache::start() {
  const auto applied = state_->store.applied();
  if (!applied) return applied.error();
  state_->applied = state_->seen = *applied;
  for (;;) {
    auto page = state_->log.read(state_->seen, limits::journal_batch_max);
    if (!page) return page.error();
    if (page->empty()) return {};
    for (LogEntry& entry : *page) {
      State::Work work;
      work.entry = std::move(entry);
      work.replayed = true;
      state_->take(std::move(work));
    }
  }
}

void ConversationCache::on_decided(Decided decided) { state_->decided = std::move(decided); }

std::size_t ConversationCache::lag() const { return state_->seen - state_->applied; }

void ConversationCache::submit(LogRecord record, Done<Outcome> done) {
  if (lag() >= limits::apply_lag_max) {
    return done(make_error(ErrorCode::kOverloaded, "the store is too far behind", 1000));
  }
  state_->log.append(std::move(record), [self = state_, done = std::move(done)](Result<LogEntry> in) {
    if (!in) return done(in.error());
    State::Work work;
    work.entry = *std::move(in);
    work.done = done;
    self->take(std::move(work));
  });
}

void ConversationCache::with(const ConversationId& id, Done<const Conversation*> done) {
  state_->slot(id).readers.push_back(std::move(done));
  state_->pump(id);
}

const Conversation* ConversationCache::peek(const ConversationId& id) const {
  const auto it = state_->slots.find(id);
  if (it == state_->slots.end() || !it->second->loaded) return nullptr;
  const Conversation& c = it->second->conversation;
  return c.head.last_seq == 0 ? nullptr : &c;
}

void ConversationCache::events(const EventQuery& query, Done<std::vector<Event>> done) {
  const auto it = state_->slots.find(query.conversation);
  const bool behind = it != state_->slots.end() && it->second->changed > state_->applied;
  const auto read = [self = state_, query, done = std::move(done)] { self->store.events(query, done); };
  if (behind) return when_settled(read);
  read();
}

void ConversationCache::mark_user(const UserId& user, const DeviceId& device, Done<void> done) {
  LogRecord record;
  record.sender = user;
  record.sender_device = device;
  record.op = UserMarkOp{};
  submit(std::move(record), [done = std::move(done)](Result<Outcome> out) {
    done(out ? Status{} : Status{out.error()});
  });
}

void ConversationCache::feed_high(const UserId& user, Done<Position> done) {
  const auto known = state_->high.find(user);
  if (known != state_->high.end()) return done(known->second);
  state_->store.list(user, 0, 1, [self = state_, user, done](Result<std::vector<FeedEntry>> newest) {
    if (!newest) return done(newest.error());
    const Position top = newest->empty() ? 0 : newest->front().feed_ver;
    self->store.user_mark(user, [top, done](Result<Position> mark) {
      if (!mark) return done(mark.error());
      done(std::max(top, *mark));
    });
  });
}

void ConversationCache::when_settled(std::function<void()> task) {
  if (state_->applied >= state_->seen) return task();
  state_->settled.emplace(state_->seen, std::move(task));
}

}  // namespace kith::server
