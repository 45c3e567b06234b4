// The write path in memory: log entries in, decisions out, a batch of rows behind.
#include "server/services/conversation_cache.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "kith/core/limits.h"
#include "server/services/conversation_slot.h"

namespace kith::server {
namespace {

// The store follows the log in batches of this age.
constexpr Millis kApplyGather{1000};
// Conversations that are put into a batch in one go: a millisecond when none of them is in the
// processor's cache. For every so many records that the store is behind as many more, for turns are
// long then, and it must not fall behind for want of turns.
constexpr std::size_t kGatherSlice = 32;
constexpr std::uint64_t kGatherMore = 16'384;
// Records that are read at a time at start: the more, the closer to each other lie the conversations
// that they need.
constexpr std::size_t kReplayPage = 32'768;

}  // namespace

const Member* find_member(const Conversation& c, const UserId& user) {
  const auto it = std::lower_bound(c.members.begin(), c.members.end(), user,
                                   [](const Member& m, const UserId& u) { return m.user < u; });
  return it != c.members.end() && it->user == user ? &*it : nullptr;
}

ConversationCache::ConversationCache(CommandLog& log, ConversationStore& store,
                                     Scheduler& scheduler, const LagMarks& marks,
                                     CacheBounds bounds)
    : log_(log),
      store_(store),
      scheduler_(scheduler),
      bounds_(bounds),
      pace_(marks),
      large_(store, [this](const ConversationId& id) { return peek(id); }) {}

ConversationCache::~ConversationCache() {
  *alive_ = false;
}

Status ConversationCache::start() {
  auto applied = store_.applied();
  if (!applied) return applied.error();
  applied_ = last_committed_ = *applied;
  // New records would stand at positions that the store takes for its own, and be lost.
  if (log_.last() < *applied) {
    return make_error(ErrorCode::kCacheCorrupt,
                      "the log ends at record " + std::to_string(log_.last()) +
                          ", but the store has " + std::to_string(*applied) +
                          ": they are not of the same time");
  }
  replaying_ = true;
  for (;;) {
    auto page = log_.read(last_committed_, kReplayPage);
    if (!page) return page.error();
    if (page->empty()) break;
    if (page->front().position != last_committed_ + 1) {
      return make_error(ErrorCode::kCacheCorrupt,
                        "records from " + std::to_string(last_committed_ + 1) +
                            " on are neither in the store nor in the log");
    }
    load_changed(*page);
    for (LogEntry& entry : *page) committed(std::move(entry), nullptr);
  }
  replaying_ = false;
  found_ = last_committed_;
  return {};
}

// In one go and in the store's order, what else would be loaded record by record. What this cannot
// read is loaded by its record, which waits for it.
void ConversationCache::load_changed(const std::vector<LogEntry>& page) {
  std::vector<ConversationId> ids;
  for (const LogEntry& entry : page) {
    const bool mark = std::holds_alternative<UserMarkOp>(entry.record.op);
    if (!mark && !slots_.contains(entry.record.conversation)) {
      ids.push_back(entry.record.conversation);
    }
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  auto stored = store_.load_all(ids);
  if (!stored) return;
  auto next = stored->begin();
  for (const ConversationId& id : ids) {
    const SlotPtr s = slot(id);
    s->loaded = true;
    if (next != stored->end() && next->head.id == id) s->conversation = std::move(*next++);
    weigh(*s);
  }
}

Position ConversationCache::decided() const {
  return undecided_.empty() ? last_committed_ : *undecided_.begin() - 1;
}

bool ConversationCache::undecided(const ConversationId& id) const {
  const auto it = slots_.find(id);
  return it != slots_.end() && (it->second->deciding || !it->second->queue.empty());
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

bool ConversationCache::admission_undecided(const ConversationId& id, const UserId& user) const {
  const auto it = slots_.find(id);
  if (it == slots_.end()) return false;
  const Slot& s = *it->second;
  const auto admits = [&](const Waiting& waiting) { return may_admit(waiting.entry.record, user); };
  return (s.asking != nullptr && admits(*s.asking)) ||
         std::any_of(s.queue.begin(), s.queue.end(), admits);
}

void ConversationCache::add_stats(std::map<std::string, std::uint64_t>& all) const {
  all["messages_placed"] = placed_;
  all["apply_lag"] = apply_lag();
  all["commands_held"] = held_.size();
  all["journal_lag"] = log_.pending();
  all["conversations_cached"] = slots_.size();
  all["events_cached"] = recent_total_;
  all["cached_bytes"] = member_bytes_ + recent_bytes_;
}

ConversationCache::SlotPtr ConversationCache::slot(const ConversationId& id) {
  auto [it, fresh] = slots_.try_emplace(id);
  if (fresh) {
    it.value() = std::make_shared<Slot>();
    it->second->conversation.head.id = id;
    recently_used_.push_front(id);
    it->second->used = recently_used_.begin();
    it->second->moved_at = ++moves_;
  } else if (!in_newer_half(*it->second)) {
    use(*it->second);
  }
  SlotPtr found = it->second;
  if (fresh) evict();
  return found;
}

// A conversation that was moved to the front is in the newer half until half of all others were moved
// there after it. While there is much room that is half of as many as there may be.
bool ConversationCache::in_newer_half(const Slot& s) const {
  const bool tight = member_bytes_ > bounds_.bytes / 2;
  return moves_ - s.moved_at <= (tight ? slots_.size() : bounds_.count) / 2;
}

void ConversationCache::use(Slot& s) {
  recently_used_.splice(recently_used_.begin(), recently_used_, s.used);
  s.moved_at = ++moves_;
}

void ConversationCache::weigh(Slot& s) {
  const std::size_t now = s.conversation.members.capacity() * sizeof(Member);
  member_bytes_ += now - std::exchange(s.member_bytes, now);
}

void ConversationCache::evict() {
  const auto full = [this] {
    return slots_.size() > bounds_.count || (member_bytes_ > bounds_.bytes && slots_.size() > 1);
  };
  // Only from the old end, and only what the store has completely; a few at a time.
  for (int tries = 0; full() && tries < 8; ++tries) {
    const ConversationId id = recently_used_.back();
    Slot& old = *slots_.at(id);
    const bool idle = old.loaded && old.queue.empty() && !old.deciding && old.readers.empty();
    if (!idle || old.changed_at > applied_ || old.dirty) {
      use(old);
      continue;
    }
    recent_total_ -= old.recent.size();
    recent_bytes_ -= old.recent.bytes();
    member_bytes_ -= old.member_bytes;
    recently_used_.pop_back();
    slots_.erase(id);
  }
}

void ConversationCache::load(const SlotPtr& s) {
  if (s->loaded || s->loading) return;
  s->loading = true;
  store_.load(s->conversation.head.id, [this, alive = alive_,
                                        s](Result<std::optional<Conversation>> found) {
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
    weigh(*s);
    run_queue(s);
    const Conversation* c = s->conversation.head.last_seq != 0 ? &s->conversation : nullptr;
    // What does not exist is the first to leave: asking for it must not cost others their place.
    const auto held = slots_.find(s->conversation.head.id);
    if (c == nullptr && held != slots_.end() && held->second == s) {
      recently_used_.splice(recently_used_.end(), recently_used_, s->used);
      s->moved_at = 0;
    }
    for (auto& reader : readers) reader(c);
    if (*alive) evict();
  });
}

void ConversationCache::committed(LogEntry&& entry, Answer&& answer) {
  last_committed_ = entry.position;
  if (std::holds_alternative<UserMarkOp>(entry.record.op)) {
    const UserId user = entry.record.sender;
    user_marks_[user] = user_marks_dirty_[user] = entry.position;
    if (auto it = high_.find(user); it != high_.end()) it.value() = entry.position;
    schedule_apply();
    if (answer) answer(Outcome{});
    return;
  }
  const SlotPtr s = slot(entry.record.conversation);
  if (s->loaded && !s->deciding && s->queue.empty()) return decide_next(s, entry, answer);
  undecided_.insert(entry.position);
  s->queue.push_back({std::move(entry), std::move(answer)});
  if (s->loaded) {
    run_queue(s);
  } else {
    load(s);
  }
}

void ConversationCache::run_queue(const SlotPtr& s) {
  while (!s->queue.empty() && !s->deciding) {
    Waiting next = std::move(s->queue.front());
    s->queue.pop_front();
    decide_next(s, next.entry, next.answer);
  }
}

// At once, or when the store has said whether it is a repetition.
void ConversationCache::decide_next(const SlotPtr& s, LogEntry& entry, Answer& answer) {
  const LogRecord& r = entry.record;
  if (std::holds_alternative<ReceiptOp>(r.op)) return decide_one(s, entry, answer, std::nullopt);
  if (const Event* known = s->recent.find(r.sender, r.command_id)) {
    return decide_one(s, entry, answer, placement_of(*known));
  }
  if (r.attempt == 0) return decide_one(s, entry, answer, std::nullopt);
  undecided_.insert(entry.position);
  look_up(s, {std::move(entry), std::move(answer)});
}

void ConversationCache::look_up(const SlotPtr& s, Waiting next) {
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

void ConversationCache::decide_one(const SlotPtr& s, const LogEntry& entry, Answer& answer,
                                   const std::optional<Placement>& earlier) {
  Outcome out = decide(s->conversation, s->minima, entry, earlier);
  if (!undecided_.empty()) undecided_.erase(entry.position);
  if (!out.replay) note_change(*s, entry, out);
  if (!replaying_ && decided_ && !out.error && !out.duplicate && !out.replay) {
    decided_(entry, out, s->conversation);
  }
  schedule_apply();  // also when nothing changed: later records may have waited for this one
  if (answer) answer(std::move(out));
}

void ConversationCache::note_change(Slot& s, const LogEntry& entry, const Outcome& out) {
  s.changed_at = entry.position;
  if (!std::exchange(s.dirty, true)) dirty_.push_back(s.conversation.head.id);
  for (const UserId& user : out.changed_members) s.note_changed(user);
  if (out.event != nullptr) {
    ++placed_;
    recent_bytes_ -= s.recent.bytes();
    s.recent.push(out.event);
    recent_bytes_ += s.recent.bytes();
    ++s.new_events;
    ++recent_total_;
  }
  for (const UserId& user : out.marks) mark(s, user, entry.position);
  if (s.conversation.head.large) large_.note(s.conversation, span_of(out.changed_members));
  weigh(s);
  const bool room = recent_total_ < limits::recent_events_total &&
                    recent_bytes_ < limits::conversations_cached_bytes;
  const std::size_t kept = room ? limits::recent_events : limits::recent_events_few;
  recent_bytes_ -= s.recent.bytes();
  while (s.recent.size() > kept && s.recent.oldest().position <= applied_) {
    s.recent.pop();
    --recent_total_;
  }
  recent_bytes_ += s.recent.bytes();
}

void ConversationCache::mark(Slot& s, const UserId& user, Position position) {
  auto* member = const_cast<Member*>(find_member(s.conversation, user));
  if (member == nullptr) return;
  // Still dirty for every device of the user: nobody was served since.
  const auto served = served_.find(user);
  if (served != served_.end() && member->feed_ver > served->second) return;
  member->feed_ver = position;
  s.note_changed(user);
  feed_tail_[user][s.conversation.head.id] = position;
  if (auto it = high_.find(user); it != high_.end()) it.value() = std::max(it->second, position);
}

void ConversationCache::schedule_apply() {
  if (applying_ || apply_scheduled_) return;
  apply_scheduled_ = true;
  // The log has it already: what waits a little is written with its neighbours, and a head that
  // changes often is written once.
  const Millis wait = apply_lag() < pace_.marks().at_once ? kApplyGather : Millis(0);
  scheduler_.after(wait, [this, alive = alive_] {
    if (!*alive) return;
    apply_scheduled_ = false;
    apply_batch();
  });
}

void ConversationCache::apply_batch() {
  if (applying_) return;
  if (apply_failures_ > 0) return give_batch();  // the same one again
  // Records that changed nothing are told to the store in passing, or when they have become many.
  const bool nothing = dirty_.empty() && user_marks_dirty_.empty();
  if (nothing && apply_lag() < pace_.marks().at_once) return;
  // The store knows a batch by its position: one that ends where the last one did would be taken
  // for its repetition. A record that still waits for its conversation holds the position back.
  if (decided() <= applied_) return;
  applying_ = true;
  pace_.batch_begins(decided() - applied_, scheduler_.clock().steady_ms());
  gathering_ = std::make_unique<Gathering>();
  gathering_->batch.position = decided();
  gathering_->ids = std::exchange(dirty_, {});
  // Neighbours in the store's tree are written together.
  std::sort(gathering_->ids.begin(), gathering_->ids.end());
  // As many as they mostly are: vectors of a megabyte are not to be copied over and over.
  gathering_->batch.heads.reserve(gathering_->ids.size());
  gathering_->batch.members.reserve(2 * gathering_->ids.size());
  gathering_->batch.events.reserve(2 * gathering_->ids.size());
  gather_batch();
}

// A few conversations at a time: nobody waits for the store, but everybody for the loop. One that
// changes meanwhile is taken as it is then; what it was at the batch's position, and what came after,
// is decided only once, for its head says up to where it was.
void ConversationCache::gather_batch() {
  const std::size_t slice = kGatherSlice * (1 + apply_lag() / kGatherMore);
  const std::size_t to = std::min(gathering_->ids.size(), gathering_->next + slice);
  for (; gathering_->next < to; ++gathering_->next) {
    take(gathering_->ids[gathering_->next], gathering_->batch);
  }
  if (gathering_->next < gathering_->ids.size()) {
    scheduler_.post([this, alive = alive_] {
      if (*alive) gather_batch();
    });
    return;
  }
  StoreBatch& batch = gathering_->batch;
  batch.user_marks.assign(user_marks_dirty_.begin(), user_marks_dirty_.end());
  user_marks_dirty_.clear();
  if (dirty_.empty()) batch.position = decided();  // everything that came meanwhile is in it
  batch_ = std::make_shared<const StoreBatch>(std::move(batch));
  gathering_.reset();
  give_batch();
}

void ConversationCache::take(const ConversationId& id, StoreBatch& batch) {
  Slot& s = *slots_.at(id);
  s.dirty = false;
  // A refused record of a conversation that does not exist leaves nothing.
  if (s.conversation.head.last_seq != 0) batch.heads.push_back(s.conversation.head);
  s.take_changed([&](const UserId& user) {
    if (const Member* m = find_member(s.conversation, user)) batch.members.emplace_back(id, *m);
  });
  const auto fresh = s.recent.all().last(std::exchange(s.new_events, 0));
  batch.events.insert(batch.events.end(), fresh.begin(), fresh.end());
}

void ConversationCache::give_batch() {
  applying_ = true;
  store_.apply(batch_, [this, alive = alive_](const Status& status) {
    if (*alive) apply_done(status);
  });
}

void ConversationCache::apply_done(const Status& status) {
  applying_ = false;
  if (health_ != nullptr && !status) health_->failed(ServiceHealth::Part::kStore, status.error());
  if (health_ != nullptr && status) health_->good(ServiceHealth::Part::kStore);
  if (!status) {
    // Nothing is lost: the log has it. The same batch is tried again, slower each time.
    const auto wait = Millis(100) * (1 << std::min(apply_failures_++, 6U));
    scheduler_.after(wait, [this, alive = alive_] {
      if (*alive) apply_batch();
    });
    return;
  }
  apply_failures_ = 0;
  applied_ = batch_->position;
  pace_.batch_ends(scheduler_.clock().steady_ms());
  for (const auto& [id, member] : batch_->members) {
    auto tail = feed_tail_.find(member.user);
    if (tail == feed_tail_.end()) continue;
    auto it = tail->second.find(id);
    if (it != tail->second.end() && it->second <= member.feed_ver) tail->second.erase(it);
    if (tail->second.empty()) feed_tail_.erase(tail);
  }
  for (const auto& [user, position] : batch_->user_marks) {
    if (auto it = user_marks_.find(user); it != user_marks_.end() && it->second <= position) {
      user_marks_.erase(it);
    }
  }
  if (stored_) stored_(*batch_);
  batch_.reset();
  if (!log_held_) log_.trim(applied_);
  if (!dirty_.empty() || !user_marks_dirty_.empty()) schedule_apply();
  let_on();
}

}  // namespace kith::server
