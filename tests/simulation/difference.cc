// Compares a conversation on a device with the same on the server's disk.
#include <algorithm>

#include "server/records/wire.h"
#include "tests/simulation/describe.h"

namespace kith::sim {
namespace {

using Disk = server::ConversationStoreMemory::Disk;

std::string unlike(const char* what, std::uint64_t server, std::uint64_t device) {
  return std::string(what) + " is " + std::to_string(server) + " on the server and " +
         std::to_string(device) + " here";
}

std::string field_that_differs(const v1::Event& server, const v1::Event& here) {
  if (here.kind() != server.kind()) return unlike("kind", server.kind(), here.kind());
  if (here.message_id() != server.message_id()) return "it is another message";
  if (here.sender() != server.sender()) return "it is by somebody else";
  if (here.body() != server.body()) return "it has another body";
  if (here.ordinal() != server.ordinal()) {
    return unlike("ordinal", server.ordinal(), here.ordinal());
  }
  if (here.countable() != server.countable()) return "only one of both is countable";
  if (here.server_ts_ms() != server.server_ts_ms()) {
    return unlike("server_ts", server.server_ts_ms(), here.server_ts_ms());
  }
  if (here.reply_to_seq() != server.reply_to_seq()) {
    return unlike("reply_to_seq", server.reply_to_seq(), here.reply_to_seq());
  }
  return "";
}

// The device holds what it need not fetch on demand: everything above its highest hole, up to the
// head, as the server renders it for this reader.
std::string events_differ(const Disk& store, const server::Conversation& c,
                          const server::Member& member, client::Engine& engine) {
  const auto& model = engine.model();
  const std::uint64_t last = server::visible_upto(c, member);
  const std::uint64_t top = model.ranges(c.head.id).top();
  if (last >= member.join_seq && top < last) return unlike("the newest event", last, top);
  auto held = const_cast<client::Model&>(model).store().events(
      c.head.id, std::max<std::uint64_t>(member.join_seq, 1), last + 1, last + 1);
  if (!held) return "its events cannot be read";
  const auto& events = store.events.at(c.head.id);
  for (const client::StoredEvent& e : *held) {
    const auto stored = events.find(e.seq);
    if (stored == events.end()) return "event " + std::to_string(e.seq) + " is not on the server";
    v1::Event expected;
    server::to_wire(stored->second, member.user, &expected);
    v1::Event found;
    found.ParseFromString(e.bytes);
    const std::string field = field_that_differs(expected, found);
    if (!field.empty()) return "event " + std::to_string(e.seq) + ": " + field;
  }
  return "";
}

std::string marks_differ(const server::Conversation& c, const server::Member& m,
                         const client::ConversationRecord& r, bool reads) {
  if (!m.active()) return "";  // may have read on, without a connection to report it
  if (r.read_seq != m.read_seq) return unlike("read_seq", m.read_seq, r.read_seq);
  if (r.read_ordinal != m.read_ordinal) {
    return unlike("read_ordinal", m.read_ordinal, r.read_ordinal);
  }
  if (r.last_ordinal != c.head.last_ordinal + m.withheld) {
    return unlike("last_ordinal", c.head.last_ordinal + m.withheld, r.last_ordinal);
  }
  if (r.marks.delivered_all.value != c.head.delivered_all_seq) {
    return unlike("delivered_all", c.head.delivered_all_seq, r.marks.delivered_all.value);
  }
  if (!reads) return "";
  if (r.marks.read_all.value != c.head.read_all_seq) {
    return unlike("read_all", c.head.read_all_seq, r.marks.read_all.value);
  }
  if (r.marks.read_any.value != c.head.read_any_seq) {
    return unlike("read_any", c.head.read_any_seq, r.marks.read_any.value);
  }
  return "";
}

}  // namespace

std::string difference_of(const Disk& store, const UserId& user, const ConversationId& id,
                          client::Engine& engine, bool reads) {
  const auto head = store.heads.find(id);
  const auto members = store.members.find(id);
  const bool stored = head != store.heads.end() && members != store.members.end();
  if (!stored || !members->second.contains(user)) return "is not in the store yet";
  server::Conversation c{head->second, {}};
  for (const auto& [member_id, member] : members->second) c.members.push_back(member);
  const server::Member& me = members->second.at(user);
  const client::ConversationRecord* r = engine.model().find(id);
  if (r == nullptr) return "is not known here";
  if (r->role != me.role) {
    return unlike("the role", static_cast<std::uint64_t>(me.role),
                  static_cast<std::uint64_t>(r->role));
  }
  if (r->type != c.head.type) return "is of another type";
  const std::uint64_t last = server::visible_upto(c, me);
  if (r->last_seq != last) return unlike("last_seq", last, r->last_seq);
  if (!me.active() && me.left == nullptr) return "has nothing left for who has gone";
  const std::string& title = me.active() ? c.head.title : me.left->title;
  if (r->title != title) return "has another title";
  const std::uint32_t members_then = me.active() ? c.head.member_count : me.left->member_count;
  if (r->member_count != members_then) {
    return unlike("member_count", members_then, r->member_count);
  }
  const std::string marks = marks_differ(c, me, *r, reads);
  return marks.empty() ? events_differ(store, c, me, engine) : marks;
}

std::string difference_of(const server::UserRecord& user, client::Engine& engine) {
  const client::Privacy here = engine.settings().privacy();
  const server::PrivacySettings& there = user.privacy;
  const bool same = static_cast<int>(here.online) == static_cast<int>(there.online) &&
                    static_cast<int>(here.last_seen) == static_cast<int>(there.last_seen) &&
                    here.receipts == there.receipts;
  return same ? "" : "the privacy settings are not the server's";
}

}  // namespace kith::sim
