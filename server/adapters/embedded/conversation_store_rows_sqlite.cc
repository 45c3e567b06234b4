// The tables of store.db and how a batch is written into them.
#include "server/adapters/embedded/conversation_store_rows_sqlite.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include "server/adapters/embedded/database_sqlite.h"

namespace kith::server {

// Active members of large conversations: found without looking at all conversations of a user.
#define KITH_LARGE_MEMBER_TABLE                                                                    \
  "CREATE TABLE large_member(user BLOB,conversation BLOB,PRIMARY KEY(user,conversation)) WITHOUT " \
  "ROWID;"

// Events lie in the order in which they came, so that those of a batch share their pages, however many
// conversations they belong to. What is keyed by conversation is small: where each event lies.
#define KITH_EVENT_TABLE(name)                                                          \
  "CREATE TABLE " name                                                                  \
  "(conversation BLOB,seq INT,kind INT,message BLOB,sender BLOB,device BLOB,"           \
  "ts INT,ordinal INT,countable INT,sender_only INT,body BLOB,reply INT,mentions BLOB," \
  "client_ts INT,position INT,UNIQUE(conversation,seq));"
// Message ids begin with their time: new ones stand side by side.
#define KITH_EVENT_INDEX "CREATE INDEX event_message ON event(message);"
// The members of a conversation stand together, and no index moves with their watermarks.
#define KITH_MEMBER_TABLE(name)                                                             \
  "CREATE TABLE " name                                                                      \
  "(user BLOB,conversation BLOB,role INT,join_seq INT,left_seq INT,delivered INT,read INT," \
  "read_ordinal INT,public_read INT,sharing INT,feed_ver INT,"                              \
  "PRIMARY KEY(conversation,user)) WITHOUT ROWID;"
// What a sync lists: each member's mark once more, by user. It moves when a device has synced in
// between, not with each message.
#define KITH_FEED_TABLE                                         \
  "CREATE TABLE feed(user BLOB,feed_ver INT,conversation BLOB," \
  "PRIMARY KEY(user,feed_ver,conversation)) WITHOUT ROWID;"

const char* const kStoreSchema =
    "CREATE TABLE conversation(id BLOB PRIMARY KEY,type INT,last_seq INT,last_position INT,"
    "last_ordinal INT,last_ts INT,title BLOB,roster_ver INT,member_count INT,large INT,"
    "delivered_all INT,read_all INT,read_any INT) WITHOUT ROWID;" KITH_EVENT_TABLE("event")
        KITH_EVENT_INDEX KITH_MEMBER_TABLE("member") KITH_FEED_TABLE KITH_LARGE_MEMBER_TABLE
    "CREATE TABLE user_mark(user BLOB PRIMARY KEY,position INT) WITHOUT ROWID;"
    "CREATE TABLE meta(key TEXT PRIMARY KEY,value INT) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('applied',0)";

const char* const kStoreUpgradeTo2 = KITH_LARGE_MEMBER_TABLE
    "INSERT INTO large_member SELECT m.user,m.conversation FROM member m"
    " JOIN conversation c ON c.id=m.conversation WHERE m.role<>0 AND c.large<>0";

const char* const kStoreUpgradeTo3 = KITH_MEMBER_TABLE("member3") KITH_FEED_TABLE
    "INSERT INTO member3(" KITH_MEMBER_COLUMNS ") SELECT " KITH_MEMBER_COLUMNS
    " FROM member;"
    "INSERT INTO feed(user,feed_ver,conversation) SELECT user,coalesce(feed_ver,0),conversation"
    " FROM member;"
    "DROP TABLE member;ALTER TABLE member3 RENAME TO member";

// The index last: it is sorted once.
const char* const kStoreUpgradeTo4 =
    KITH_EVENT_TABLE("event4") "INSERT INTO event4(" KITH_EVENT_COLUMNS
                               ") SELECT " KITH_EVENT_COLUMNS
                               " FROM event ORDER BY conversation,seq;"
                               "DROP TABLE event;DROP TABLE placement;"
                               "ALTER TABLE event4 RENAME TO event;" KITH_EVENT_INDEX;

namespace {

std::string join(const std::vector<UserId>& ids) {
  std::string bytes;
  bytes.reserve(ids.size() * UserId::kSize);
  for (const UserId& id : ids) bytes.append(id.view());
  return bytes;
}

std::vector<UserId> split(const std::string& bytes) {
  std::vector<UserId> ids;
  for (std::size_t at = 0; at + UserId::kSize <= bytes.size(); at += UserId::kSize) {
    ids.push_back(*UserId::from_bytes(std::string_view(bytes).substr(at, UserId::kSize)));
  }
  return ids;
}

Status write_event(Database& db, const Event& e) {
  const std::string mentions = join(e.mentions);
  return db
      .query("INSERT OR IGNORE INTO event(" KITH_EVENT_COLUMNS
             ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)")
      .bind(e.conversation, e.seq, static_cast<std::uint32_t>(e.kind), e.message_id, e.sender,
            e.sender_device, e.server_ts_ms, e.ordinal, e.countable, e.sender_only, e.body,
            e.reply_to_seq, mentions, e.client_ts_ms, e.position)
      .run();
}

Status write_head(Database& db, const Head& h) {
  return db
      .query("REPLACE INTO conversation(" KITH_HEAD_COLUMNS
             ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)")
      .bind(h.id, static_cast<std::uint32_t>(h.type), h.last_seq, h.last_position, h.last_ordinal,
            h.last_ts_ms, h.title, h.roster_ver, h.member_count, h.large, h.delivered_all_seq,
            h.read_all_seq, h.read_any_seq)
      .run();
}

// Moves the member's mark in the feed, if it is another than before.
Status write_feed(Database& db, const ConversationId& conversation, const Member& m) {
  std::optional<std::uint64_t> before;
  {
    Query stored = db.query("SELECT feed_ver FROM member WHERE conversation=?1 AND user=?2");
    if (stored.bind(conversation, m.user).next()) before = stored.number(0);
    if (!stored.status()) return stored.status();
  }
  if (before == m.feed_ver) return {};
  if (before) {
    auto removed = db.query("DELETE FROM feed WHERE user=?1 AND feed_ver=?2 AND conversation=?3")
                       .bind(m.user, *before, conversation)
                       .run();
    if (!removed) return removed;
  }
  return db.query("INSERT INTO feed(user,feed_ver,conversation) VALUES(?1,?2,?3)")
      .bind(m.user, m.feed_ver, conversation)
      .run();
}

Status write_member(Database& db, const ConversationId& conversation, const Member& m) {
  if (auto moved = write_feed(db, conversation, m); !moved) return moved;
  return db
      .query("REPLACE INTO member(" KITH_MEMBER_COLUMNS
             ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)")
      .bind(m.user, conversation, static_cast<std::uint32_t>(m.role), m.join_seq, m.left_seq,
            m.delivered_seq, m.read_seq, m.read_ordinal, m.public_read_seq, m.sharing, m.feed_ver)
      .run();
}

// Before the head is written. A conversation that becomes large brings the members it has.
Status write_large(Database& db, const Head& h) {
  Query known = db.query("SELECT 1 FROM conversation WHERE id=?1 AND large<>0");
  if (known.bind(h.id).next() || !known.status()) return known.status();
  return db
      .query(
          "INSERT OR IGNORE INTO large_member(user,conversation)"
          " SELECT user,conversation FROM member WHERE conversation=?1 AND role<>0")
      .bind(h.id)
      .run();
}

Status write_large_member(Database& db, const ConversationId& conversation, const Member& m) {
  if (!m.active()) {
    return db.query("DELETE FROM large_member WHERE user=?1 AND conversation=?2")
        .bind(m.user, conversation)
        .run();
  }
  return db.query("INSERT OR IGNORE INTO large_member(user,conversation) VALUES(?1,?2)")
      .bind(m.user, conversation)
      .run();
}

Status write_heads(Database& db, const StoreBatch& batch, const std::function<void()>& pause,
                   std::set<ConversationId>& large) {
  for (const Head& head : batch.heads) {
    if (head.large) {
      large.insert(head.id);
      if (auto status = write_large(db, head); !status) return status;
    }
    if (auto status = write_head(db, head); !status) return status;
    pause();
  }
  return {};
}

Status write_rows(Database& db, const StoreBatch& batch, const std::function<void()>& pause) {
  // By conversation: neighbours in the tree are written together.
  std::vector<const Event*> events;
  events.reserve(batch.events.size());
  for (const EventPtr& event : batch.events) events.push_back(event.get());
  const auto before = [](const Event* a, const Event* b) {
    return a->conversation < b->conversation;
  };
  if (!std::is_sorted(events.begin(), events.end(), before)) {
    std::stable_sort(events.begin(), events.end(), before);
  }
  for (const Event* event : events) {
    if (auto status = write_event(db, *event); !status) return status;
    pause();
  }
  std::set<ConversationId> large;
  if (auto status = write_heads(db, batch, pause, large); !status) return status;
  for (const auto& [conversation, member] : batch.members) {
    if (auto status = write_member(db, conversation, member); !status) return status;
    pause();
    if (!large.contains(conversation)) continue;
    if (auto status = write_large_member(db, conversation, member); !status) return status;
  }
  for (const auto& [user, mark] : batch.user_marks) {
    auto status = db.query(
                        "INSERT INTO user_mark(user,position) VALUES(?1,?2)"
                        " ON CONFLICT DO UPDATE SET position=max(position,excluded.position)")
                      .bind(user, mark)
                      .run();
    if (!status) return status;
  }
  return db.query("UPDATE meta SET value=?1 WHERE key='applied'").bind(batch.position).run();
}

}  // namespace

Result<Position> stored_position(Database& db) {
  Query query = db.query("SELECT value FROM meta WHERE key='applied'");
  if (query.next()) return query.number(0);
  if (auto status = query.status(); !status) return status.error();
  return make_error(ErrorCode::kCacheCorrupt, "the applied position is missing");
}

Status write_batch(Database& db, const StoreBatch& batch, const std::function<void()>& pause) {
  Transaction transaction(db);
  if (!transaction.begun()) return transaction.begun();
  const auto applied = stored_position(db);
  if (!applied) return applied.error();
  if (batch.position <= *applied) return {};
  if (auto written = write_rows(db, batch, pause); !written) return written;
  return transaction.commit();
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
  m.feed_ver = row.number(10);
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
  e.mentions = split(row.bytes(12));
  e.client_ts_ms = row.time(13);
  e.position = row.number(14);
  return e;
}

}  // namespace kith::server
