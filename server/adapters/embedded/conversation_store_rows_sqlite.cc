// Reads heads, members and events out of the rows of store.db.
#include "server/adapters/embedded/conversation_store_rows_sqlite.h"

#include <string>
#include <utility>

#include "server/adapters/embedded/id_list.h"
#include "server/adapters/embedded/member_list.h"
#include "src/sqlite/database_sqlite.h"

namespace kith::server {

Result<StoredUpTo> stored_up_to(Database& db) {
  StoredUpTo found;
  bool known = false;
  Query query = db.query("SELECT key,value FROM meta");
  while (query.next()) {
    const std::string key = query.bytes(0);
    if (key == "applied") {
      found.position = query.number(1);
      known = true;
    }
    if (key == "tenure_epoch") found.tenure.epoch = query.number(1);
    if (key == "tenure_holder") found.tenure.holder = query.number(1);
  }
  if (auto status = query.status(); !status) return status.error();
  if (known) return found;
  return make_error(ErrorCode::kCacheCorrupt, "the applied position is missing");
}

Error damaged(const char* what, const ConversationId& id) {
  return make_error(ErrorCode::kCacheCorrupt,
                    std::string(what) + " of conversation " + id.to_string() + " is not readable");
}

Result<std::vector<Member>> stored_members(Database& db, const ConversationId& id,
                                           std::string_view listed) {
  if (!listed.empty()) {
    auto members = members_of(listed);
    if (!members) return damaged("the list of members", id);
    return std::move(*members);
  }
  std::vector<Member> members;
  Query rows =
      db.query("SELECT " KITH_MEMBER_COLUMNS " FROM member WHERE conversation=?1 ORDER BY user");
  rows.bind(id);
  while (rows.next()) members.push_back(member_of_row(rows));
  if (auto status = rows.status(); !status) return status.error();
  return members;
}

Head head_of_row(const Query& row) {
  Head h;
  h.id = row.id<ConversationId>(0);
  h.type = static_cast<ConversationType>(row.number(1));
  h.last_seq = row.number(2);
  h.last_position = row.number(3);
  h.last_ordinal = row.number(4);
  h.last_ts_ms = row.time(5);
  h.title = row.bytes(6);
  h.roster_ver = row.number(7);
  h.member_count = static_cast<std::uint32_t>(row.number(8));
  h.large = row.number(9) != 0;
  h.delivered_all_seq = row.number(10);
  h.read_all_seq = row.number(11);
  h.read_any_seq = row.number(12);
  h.entry_ver = row.number(13);
  return h;
}

Member member_of_row(const Query& row) {
  Member m;
  m.user = row.id<UserId>(0);
  m.role = static_cast<MemberRole>(row.number(2));
  m.join_seq = row.number(3);
  m.left_seq = row.number(4);
  m.delivered_seq = row.number(5);
  m.read_seq = row.number(6);
  m.read_ordinal = row.number(7);
  m.public_read_seq = row.number(8);
  m.sharing = row.number(9) != 0;
  m.withheld = row.number(11);
  m.left = left_view_of(row.view(12));
  const std::uint64_t feed_ver = row.number(10);  // of a row that an earlier release wrote
  if (!m.active() && m.left == nullptr && feed_ver != 0) m.left = view_without(feed_ver);
  return m;
}

Event event_of_row(const Query& row) {
  Event e;
  e.conversation = row.id<ConversationId>(0);
  e.seq = row.number(1);
  e.kind = static_cast<EventKind>(row.number(2));
  e.message_id = row.id<MessageId>(3);
  e.sender = row.id<UserId>(4);
  e.sender_device = row.id<DeviceId>(5);
  e.server_ts_ms = row.time(6);
  e.ordinal = row.number(7);
  e.countable = row.number(8) != 0;
  e.sender_only = row.number(9) != 0;
  e.body = row.bytes(10);
  e.reply_to_seq = row.number(11);
  e.mentions = split_ids(row.view(12));
  e.client_ts_ms = row.time(13);
  e.position = row.number(14);
  return e;
}

}  // namespace kith::server
