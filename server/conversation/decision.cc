// Steps that several kinds of command share.
#include "server/conversation/decision.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace kith::server {
namespace {

// Own messages of this person that others do not see, and they count.
std::uint64_t withheld_of(const Conversation& c, const UserId& user) {
  const Member* m = find_member(c, user);
  return m == nullptr ? 0 : m->withheld;
}

// The other side of a 1:1; null elsewhere: nothing is withheld there.
const Member* other_side(const Conversation& c, const UserId& user) {
  if (c.head.type != ConversationType::kDirect) return nullptr;
  for (const Member& m : c.members) {
    if (m.user != user) return &m;
  }
  return nullptr;
}

// A clock that was ahead for a while has been set right when it is further back than clocks step by
// themselves: then the time falls, rather than stand still for as long as it was ahead.
constexpr std::int64_t kClockStepMs = 60'000;

std::int64_t time_of(const LogRecord& r, std::int64_t last_ms) {
  const bool set_back = r.rules_version >= 4 && r.gateway_ts_ms + kClockStepMs < last_ms;
  return set_back ? r.gateway_ts_ms : std::max(last_ms, r.gateway_ts_ms);
}

}  // namespace

void Decision::refuse(ErrorCode code, std::string why) {
  out.error = make_error(code, std::move(why));
}

void Decision::repeats(const Placement& earlier) {
  out.placed = earlier;
  out.duplicate = true;
}

Member* Decision::active_sender() {
  Member* m = find_member(c, record().sender);
  if (m != nullptr && m->active()) return m;
  refuse(ErrorCode::kNotMember, kNotAMember);
  return nullptr;
}

Event& Decision::append_event(EventKind kind) {
  const LogRecord& r = record();
  Head& head = c.head;
  const auto made = std::make_shared<Event>();
  Event& event = *made;
  event.conversation = head.id;
  event.seq = ++head.last_seq;
  event.kind = kind;
  event.message_id = r.command_id;
  event.sender = r.sender;
  event.sender_device = r.sender_device;
  head.entry_ver = entry.position;
  head.last_ts_ms = time_of(r, head.last_ts_ms);
  event.server_ts_ms = head.last_ts_ms;
  const Member* other = other_side(c, r.sender);
  const bool blocked = other != nullptr && other->blocks && kind == EventKind::kMessage;
  event.sender_only = r.rules_version >= kRulesWithBlocks ? blocked : r.sender_only;
  event.countable = kind == EventKind::kMessage && !event.sender_only;
  if (event.countable) ++head.last_ordinal;
  if (event.sender_only && r.rules_version >= 4) ++find_member(c, r.sender)->withheld;
  const std::uint64_t own = head.last_ordinal + withheld_of(c, r.sender);
  event.ordinal = head.last_ordinal + (other == nullptr ? 0 : other->withheld);
  if (own != event.ordinal) event.sender_ordinal = own;
  event.position = entry.position;
  out.placed = placement_of(event);
  out.event = made;
  return event;
}

void Decision::note_sender() {
  const LogRecord& r = record();
  Member* m = find_member(c, r.sender);
  if (m == nullptr || !m->active()) return;
  const Member before = *m;
  m->delivered_seq = c.head.last_seq;
  m->read_seq = c.head.last_seq;
  m->read_ordinal = c.head.last_ordinal + m->withheld;
  if (r.rules_version >= 4) m->sharing = !r.receipts_off;
  if (m->sharing) m->public_read_seq = c.head.last_seq;
  minima.moved(before, *m);
  out.changed_members.push_back(r.sender);
}

void Decision::finish(const UserList& affected) {
  out.receipts_moved = minima.raise(c);
  out.large = c.head.large;
  out.marks = out.audience = c.head.large ? affected : active_members(c);
}

}  // namespace kith::server
