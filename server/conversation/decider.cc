// Loading, waiting, deciding.
#include "server/conversation/decider.h"

#include <algorithm>
#include <utility>

namespace kith::server {

Decider::Decider(ConversationStore& store, Scheduler& scheduler, const Parts& parts)
    : store_(store), scheduler_(scheduler), at_(parts) {}

// Loads conversations in one go and in the store's order, instead of record by record. A
// conversation that cannot be read here is loaded by its record, which waits for it.
void Decider::load_changed(const std::vector<LogEntry>& page) {
  std::vector<ConversationId> ids;
  for (const LogEntry& entry : page) {
    const ConversationId& id = entry.record.conversation;  // of a mark or a take-over: empty
    if (!id.empty() && !at_.table.contains(id)) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  auto stored = store_.load_all(ids);
  if (!stored) return;
  auto next = stored->begin();
  for (const ConversationId& id : ids) {
    const SlotPtr s = at_.table.slot(id);
    s->loaded = true;
    if (next != stored->end() && next->head.id == id) s->conversation = std::move(*next++);
    at_.table.weigh(*s);
  }
}

// --- what waits for its decision ---

bool Decider::waits(const ConversationId& id) const {
  const ConversationSlot* s = at_.table.find(id);
  return s != nullptr && !s->undecided.empty();
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

bool Decider::admission_waits(const ConversationId& id, const UserId& user) const {
  const ConversationSlot* s = at_.table.find(id);
  if (s == nullptr) return false;
  const auto admits = [&](const Waiting& waiting) { return may_admit(waiting.entry.record, user); };
  return s->undecided.any_of(admits);
}

void Decider::load(const SlotPtr& s) {
  if (s->loaded || s->loading) return;
  s->loading = true;
  store_.load(s->conversation.head.id,
              guard_.wrap([this, s](Result<std::optional<Conversation>> found) {
                loaded(s, std::move(found));
              }));
}

void Decider::loaded(const SlotPtr& s, Result<std::optional<Conversation>>&& found) {
  s->loading = false;
  auto readers = std::move(s->readers);
  s->readers.clear();
  const Guard::Watch here = guard_.watch();  // a reader may destroy this
  if (!found) {
    for (auto& reader : readers) reader(found.error());
    // A record in the log must be decided, however long the store takes.
    if (here.gone() || s->undecided.empty()) return;
    scheduler_.after(Millis(100), guard_.wrap([this, s] { load(s); }));
    return;
  }
  s->loaded = true;
  if (*found) s->conversation = **std::move(found);
  at_.table.weigh(*s);
  run_queue(s);
  const Conversation* c = s->exists() ? &s->conversation : nullptr;
  if (c == nullptr) at_.table.demote(s);
  for (auto& reader : readers) reader(c);
  if (!here.gone()) at_.table.evict();
}

// --- deciding ---

void Decider::take(LogEntry&& entry, CommandAnswer&& answer) {
  const SlotPtr s = at_.table.slot(entry.record.conversation);
  if (s->loaded && s->undecided.empty()) return decide_next(s, entry, answer);
  at_.progress.waits(entry.position);
  s->undecided.push({std::move(entry), std::move(answer)});
  if (s->loaded) {
    run_queue(s);
  } else {
    load(s);
  }
}

void Decider::run_queue(const SlotPtr& s) {
  while (std::optional<Waiting> next = s->undecided.pop()) {
    decide_next(s, next->entry, next->answer);
  }
}

// At once, or when the store has said whether it is a repetition.
void Decider::decide_next(const SlotPtr& s, LogEntry& entry, CommandAnswer& answer) {
  const LogRecord& r = entry.record;
  if (!takes_place(r)) return decide_one(s, entry, answer, std::nullopt);
  const bool first = r.attempt == 0;
  if (!first || r.rules_version < kRulesWithDoubt) {
    if (const Event* known = s->recent.find(r.sender, r.command_id)) {
      return decide_one(s, entry, answer, placement_of(*known));
    }
  }
  if (first) return decide_one(s, entry, answer, std::nullopt);
  at_.progress.waits(entry.position);
  const auto waiting = std::make_shared<Waiting>(Waiting{std::move(entry), std::move(answer)});
  s->undecided.ask(waiting);
  look_up(s, waiting);
}

void Decider::look_up(const SlotPtr& s, const std::shared_ptr<Waiting>& waiting) {
  const LogRecord& record = waiting->entry.record;
  store_.find(record.conversation, record.sender, record.command_id,
              guard_.wrap([this, s, waiting](Result<std::optional<Placement>> earlier) {
                if (!earlier) {  // a store error never skips a record
                  scheduler_.after(Millis(100),
                                   guard_.wrap([this, s, waiting] { look_up(s, waiting); }));
                  return;
                }
                s->undecided.asked();
                decide_one(s, waiting->entry, waiting->answer, *earlier);
                run_queue(s);
              }));
}

void Decider::decide_one(const SlotPtr& s, const LogEntry& entry, CommandAnswer& answer,
                         const std::optional<Placement>& earlier) {
  const bool was_large = s->conversation.head.large;
  Outcome out = decide(s->conversation, s->minima, entry, earlier);
  at_.progress.is_decided(entry.position);
  ++unmarked_;
  if (!out.replay) note_change(*s, entry, out, was_large);
  const bool changed = !out.error && !out.duplicate && !out.replay;
  if (changed && !replaying_ && decided_ && at_.ownership.mine(entry.record)) {
    decided_(entry, out, s->conversation);
  }
  at_.writer.schedule();  // also when nothing changed: later records may have waited for this one
  if (!answer) return;
  // The store has it from a later owner, and what it became has to be looked up.
  if (out.replay) return answer(LogOwnership::not_serving());
  answer(std::move(out));
}

void Decider::note_change(ConversationSlot& s, const LogEntry& entry, const Outcome& out,
                          bool was_large) {
  s.changed_at = entry.position;
  at_.writer.note_changed(s);
  for (const UserId& user : out.changed_members) s.changed_members.note(user);
  if (out.event != nullptr) {
    ++placed_;
    at_.table.push_event(s, out.event);
  }
  mark(s, entry, out, was_large);
  at_.table.weigh(s);
  at_.table.drop_old_events(s);
}

// A group that becomes large is marked for all: their syncs have to know of it from now on.
void Decider::mark(const ConversationSlot& s, const LogEntry& entry, const Outcome& out,
                   bool was_large) {
  const Conversation& c = s.conversation;
  if (out.marks.empty() && !c.head.large) return;
  FeedMark mark;
  mark.conversation = c.head.id;
  mark.last_seq = c.head.last_seq;
  mark.records = std::exchange(unmarked_, 0);
  mark.large = c.head.large;
  if (!c.head.large) mark.users = out.marks;
  if (c.head.large && !was_large) mark.users = active_members(c);
  if (c.head.large) {
    for (const UserId& user : out.marks) {
      const Member* member = find_member(c, user);
      if (member == nullptr || !member->active()) {
        mark.former.push_back(user);
      } else if (was_large) {
        mark.users.push_back(user);
      }
    }
  }
  const auto* receipt = std::get_if<ReceiptOp>(&entry.record.op);
  const bool read = receipt != nullptr && receipt->read_seq != 0 && !out.marks.empty();
  if (read && !replaying_ && at_.ownership.mine(entry.record)) mark.reader = entry.record.sender;
  at_.marks.mark(mark);
}

}  // namespace kith::server
