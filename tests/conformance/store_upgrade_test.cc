// Stores that earlier versions made: they are upgraded when they are opened, and nothing is lost.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>
#include <vector>

#include "kith/conformance/drained_scheduler.h"
#include "server/adapters/embedded/conversation_store_sqlite.h"
#include "server/adapters/embedded/directory_sqlite.h"
#include "server/adapters/embedded/feed_store_sqlite.h"
#include "tests/conformance/scratch_directory.h"

namespace kith::server {
namespace {

using namespace conformance;

// The schema of an earlier version; it ends with the version's number.
#define CONVERSATIONS_OF_VERSION_4                                                         \
  "DROP TABLE chunk;DROP TABLE place;DROP TABLE conversation;"                             \
  "CREATE TABLE conversation(id BLOB PRIMARY KEY,type INT,last_seq INT,last_position INT," \
  "last_ordinal INT,last_ts INT,title BLOB,roster_ver INT,member_count INT,large INT,"     \
  "delivered_all INT,read_all INT,read_any INT) WITHOUT ROWID;"
#define FEEDS_OF_VERSION_6                                                                         \
  "CREATE TABLE feed(user BLOB,feed_ver INT,conversation BLOB,"                                    \
  "PRIMARY KEY(user,feed_ver,conversation)) WITHOUT ROWID;"                                        \
  "CREATE TABLE large_member(user BLOB,conversation BLOB,PRIMARY KEY(user,conversation)) WITHOUT " \
  "ROWID;"                                                                                         \
  "CREATE TABLE user_mark(user BLOB PRIMARY KEY,position INT) WITHOUT ROWID;"
#define MEMBERS_OF_VERSION_5                                                            \
  FEEDS_OF_VERSION_6                                                                    \
  "DROP TABLE member;"                                                                  \
  "CREATE TABLE member(user BLOB,conversation BLOB,role INT,join_seq INT,left_seq INT," \
  "delivered INT,read INT,read_ordinal INT,public_read INT,sharing INT,feed_ver INT,"   \
  "PRIMARY KEY(conversation,user)) WITHOUT ROWID;"
#define EVENT_COLUMNS_OF_VERSION_3                                                    \
  "conversation BLOB,seq INT,kind INT,message BLOB,sender BLOB,"                      \
  "device BLOB,ts INT,ordinal INT,countable INT,sender_only INT,body BLOB,reply INT," \
  "mentions BLOB,client_ts INT,position INT"
constexpr const char* kStoreOfVersion4 =
    MEMBERS_OF_VERSION_5 CONVERSATIONS_OF_VERSION_4 "CREATE TABLE event(" EVENT_COLUMNS_OF_VERSION_3
                                                    ",UNIQUE(conversation,seq));"
                                                    "CREATE INDEX event_message ON event(message);"
                                                    "PRAGMA user_version=4;";
#define EVENTS_OF_VERSION_3                                                                        \
  MEMBERS_OF_VERSION_5 CONVERSATIONS_OF_VERSION_4 "CREATE TABLE event(" EVENT_COLUMNS_OF_VERSION_3 \
                                                  ",PRIMARY KEY(conversation,seq)) WITHOUT ROWID;"
constexpr const char* kStoreOfVersion3 = EVENTS_OF_VERSION_3
    "CREATE TABLE placement(message BLOB,conversation BLOB,sender BLOB,seq INT,ordinal INT,"
    "ts INT,position INT,PRIMARY KEY(message,conversation,sender)) WITHOUT ROWID;"
    "PRAGMA user_version=3;";
constexpr const char* kStoreOfVersion2 = EVENTS_OF_VERSION_3
    "DROP TABLE member; DROP TABLE feed;"
    "CREATE TABLE placement(conversation BLOB,sender BLOB,message BLOB,seq INT,ordinal INT,"
    "ts INT,position INT,PRIMARY KEY(conversation,sender,message)) WITHOUT ROWID;"
    "CREATE TABLE member(user BLOB,conversation BLOB,role INT,join_seq INT,left_seq INT,"
    "delivered INT,read INT,read_ordinal INT,public_read INT,sharing INT,feed_ver INT,"
    "PRIMARY KEY(user,conversation)) WITHOUT ROWID;"
    "CREATE INDEX member_feed ON member(user,feed_ver);"
    "CREATE INDEX member_conversation ON member(conversation,user);"
    "PRAGMA user_version=2;";

void execute(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(db);
  sqlite3_close(db);
}

// The feeds of the store, taken over from it.
std::unique_ptr<FeedStoreSqlite> feeds_beside(const ScratchDirectory& dir, DrainedScheduler& loop) {
  return opened(FeedStoreSqlite::open(dir.file("feed.db"), dir.file("store.db"), loop));
}

TEST(Embedded, AStoreOfTheSecondReleaseKeepsPlacesMembersAndFeeds) {
  ScratchDirectory dir;
  DrainedScheduler loop;
  { auto made = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop)); }
  const char* const kUser = "0000000000000000000000000000000a";
  const char* const kRoom = "00000000000040008000000000000001";
  const char* const kMessage = "00000000000000000000000000000009";
  execute(dir.file("store.db"),
          std::string(kStoreOfVersion2) +
              "INSERT INTO conversation(id,large,last_position,last_seq) VALUES(x'" + kRoom +
              "',0,5,3);INSERT INTO member VALUES(x'" + kUser + "',x'" + kRoom +
              "',1,1,0,3,2,2,2,1,4);INSERT INTO event(conversation,seq,message,sender,ordinal,ts,"
              "position) VALUES(x'" +
              kRoom + "',3,x'" + kMessage + "',x'" + kUser + "',2,1000,5)");
  auto store = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop));
  const ConversationId room = *ConversationId::parse(kRoom);
  const UserId user = *UserId::parse(kUser);
  const auto found =
      answer_of<std::optional<Conversation>>(loop, [&](auto done) { store->load(room, done); });
  ASSERT_TRUE(found.ok() && *found);
  ASSERT_EQ((*found)->members.size(), 1u);
  EXPECT_EQ((*found)->members[0].delivered_seq, 3u);
  const auto placed = answer_of<std::optional<Placement>>(
      loop, [&](auto done) { store->find(room, user, *MessageId::parse(kMessage), done); });
  ASSERT_TRUE(placed.ok() && *placed);
  EXPECT_EQ((*placed)->seq, 3u);
  EXPECT_EQ((*placed)->position, 5u);
  for (int opening = 1; opening <= 2; ++opening) {  // the second finds them taken over
    const auto feeds = feeds_beside(dir, loop);
    const auto changed = answer_of<std::vector<FeedEntry>>(
        loop, [&](auto done) { feeds->changed(user, 3, 10, done); });
    ASSERT_EQ(changed.value().size(), 1u) << opening;
    EXPECT_EQ(changed.value()[0].ver, 4u);
  }
}

TEST(Embedded, AStoreOfTheThirdReleaseKeepsItsHistoryAndPlaces) {
  ScratchDirectory dir;
  DrainedScheduler loop;
  { auto made = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop)); }
  const std::string room = "00000000000040008000000000000001";
  const std::string user = "0000000000000000000000000000000a";
  std::string rows;
  for (const std::string seq : {"2", "1", "3"}) {
    rows += "INSERT INTO event VALUES(x'" + room + "'," + seq +
            ",1,x'0000000000000000000000000000000" + seq + "',x'" + user +
            "',x'0000000000000000000000000000000d',100" + seq + "," + seq + ",1,0,'text " + seq +
            "',0,x'" + user + "',-7,1" + seq + ");";
  }
  execute(dir.file("store.db"), kStoreOfVersion3 + rows);
  auto store = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop));
  const ConversationId id = *ConversationId::parse(room);
  const auto events = answer_of<std::vector<Event>>(loop, [&](auto done) {
    store->events({id, 1, 0, 10, false}, done);
  });
  ASSERT_TRUE(events.ok());
  ASSERT_EQ(events->size(), 3u);
  EXPECT_EQ((*events)[0].seq, 1u);
  EXPECT_EQ((*events)[2].body, "text 3");
  EXPECT_EQ((*events)[2].mentions, std::vector<UserId>{*UserId::parse(user)});
  EXPECT_EQ((*events)[2].client_ts_ms, -7);
  const auto placed = answer_of<std::optional<Placement>>(loop, [&](auto done) {
    store->find(id, *UserId::parse(user), *MessageId::parse("00000000000000000000000000000002"),
                done);
  });
  ASSERT_TRUE(placed.ok() && *placed);
  EXPECT_EQ((*placed)->seq, 2u);
  EXPECT_EQ((*placed)->server_ts_ms, 1'002);
  EXPECT_EQ((*placed)->position, 12u);
}

TEST(Embedded, AStoreOfTheFirstReleaseFindsItsLargeConversations) {
  ScratchDirectory dir;
  DrainedScheduler loop;
  { auto made = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop)); }
  execute(dir.file("store.db"),
          std::string(kStoreOfVersion2) +
              "DROP TABLE large_member; PRAGMA user_version=1;"
              "INSERT INTO conversation(id,large,last_position) VALUES"
              "(x'00000000000040008000000000000001',1,5),"
              "(x'00000000000040008000000000000002',0,6);"
              "INSERT INTO member(user,conversation,role) VALUES"
              "(x'0000000000000000000000000000000a',x'00000000000040008000000000000001',1),"
              "(x'0000000000000000000000000000000a',x'00000000000040008000000000000002',1),"
              "(x'0000000000000000000000000000000b',x'00000000000040008000000000000001',0)");
  auto store = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop));
  const auto feeds = feeds_beside(dir, loop);
  const auto large = [&](const char* user) {
    return answer_of<std::vector<FeedEntry>>(
               loop, [&](auto done) { feeds->large(*UserId::parse(user), std::move(done)); })
        .value();
  };
  ASSERT_EQ(large("0000000000000000000000000000000a").size(), 1u);
  EXPECT_EQ(large("0000000000000000000000000000000a")[0].ver, 5u);
  EXPECT_TRUE(large("0000000000000000000000000000000b").empty());
}

std::vector<std::uint64_t> seqs(DrainedScheduler& loop, ConversationStore& store,
                                const EventQuery& query) {
  std::vector<std::uint64_t> found;
  const auto events =
      answer_of<std::vector<Event>>(loop, [&](auto done) { store.events(query, done); });
  EXPECT_TRUE(events.ok());
  for (const Event& e : *events) found.push_back(e.seq);
  return found;
}

// Its history stays where it is, what comes later follows it; its members move when they change.
TEST(Embedded, AStoreOfTheFourthReleaseGoesOn) {
  using Numbers = std::vector<std::uint64_t>;
  ScratchDirectory dir;
  DrainedScheduler loop;
  { auto made = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop)); }
  const std::string room = "00000000000040008000000000000001";
  const std::string user = "0000000000000000000000000000000a";
  std::string rows = "INSERT INTO conversation(id,large,last_position,last_seq) VALUES(x'" + room +
                     "',0,3,3);INSERT INTO member VALUES(x'" + user + "',x'" + room +
                     "',1,1,0,3,2,2,2,1,3);INSERT INTO feed VALUES(x'" + user + "',3,x'" + room +
                     "');";
  for (const std::string seq : {"2", "1", "3"}) {
    rows += "INSERT INTO event VALUES(x'" + room + "'," + seq +
            ",1,x'0000000000000000000000000000000" + seq + "',x'" + user +
            "',x'0000000000000000000000000000000d',100" + seq + "," + seq + ",1,0,'text " + seq +
            "',0,x'',-7," + seq + ");";
  }
  execute(dir.file("store.db"), kStoreOfVersion4 + rows);
  const ConversationId id = *ConversationId::parse(room);
  Member member;
  member.user = *UserId::parse(user);
  member.role = MemberRole::kMember;
  StoreBatch batch;
  batch.position = 5;
  batch.heads.emplace_back();
  batch.heads[0].id = id;
  batch.heads[0].last_seq = 5;
  batch.members = {{id, member}};
  for (std::uint64_t seq = 2; seq <= 5; ++seq) {  // some of them are there already
    Event event;
    event.conversation = id;
    event.seq = event.position = seq;
    event.sender = member.user;
    event.message_id = id_of<MessageId>(static_cast<std::uint8_t>(seq));
    batch.events.push_back(std::make_shared<const Event>(std::move(event)));
  }
  {
    auto store = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop));
    EXPECT_EQ(seqs(loop, *store, {id, 1, 0, 10, true}), (Numbers{1, 2, 3}));
    ASSERT_TRUE(answer_of<void>(loop, [&](auto done) {
                  store->apply(std::make_shared<const StoreBatch>(batch), done);
                }).ok());
  }
  auto store = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop));
  for (const bool newest : {true, false}) {
    EXPECT_EQ(seqs(loop, *store, {id, 1, 0, 10, newest}), (Numbers{1, 2, 3, 4, 5}));
    EXPECT_EQ(seqs(loop, *store, {id, 2, 4, 10, newest}), (Numbers{2, 3, 4}));
    EXPECT_EQ(seqs(loop, *store, {id, 1, 2, 10, newest}), (Numbers{1, 2}));
    EXPECT_EQ(seqs(loop, *store, {id, 4, 4, 10, newest}), (Numbers{4}));
  }
  EXPECT_EQ(seqs(loop, *store, {id, 1, 0, 3, true}), (Numbers{3, 4, 5}));
  EXPECT_EQ(seqs(loop, *store, {id, 1, 0, 4, false}), (Numbers{1, 2, 3, 4}));
  for (const std::uint8_t seq : {2, 5}) {
    const MessageId message =
        seq == 2 ? *MessageId::parse("00000000000000000000000000000002") : id_of<MessageId>(seq);
    const auto placed = answer_of<std::optional<Placement>>(
        loop, [&](auto done) { store->find(id, member.user, message, done); });
    ASSERT_TRUE(placed.ok() && *placed) << int{seq};
    EXPECT_EQ((*placed)->seq, seq);
  }
  const auto loaded =
      answer_of<std::optional<Conversation>>(loop, [&](auto done) { store->load(id, done); });
  EXPECT_EQ((*loaded)->members, std::vector{member});
  const auto feeds = feeds_beside(dir, loop);
  const auto marks = answer_of<std::vector<FeedEntry>>(
      loop, [&](auto done) { feeds->list(member.user, 0, 10, done); });
  ASSERT_EQ(marks->size(), 1u);
  EXPECT_EQ(marks->front().ver, 3u);
}

TEST(Embedded, AGroupOfTheFourthReleaseKeepsItsManyMembers) {
  ScratchDirectory dir;
  DrainedScheduler loop;
  { auto made = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop)); }
  const std::string room = "00000000000040008000000000000001";
  std::string rows = "INSERT INTO conversation(id,large) VALUES(x'" + room + "',0);";
  std::vector<Member> wanted;
  for (std::uint8_t n = 1; n <= 40; ++n) {
    Member member;
    member.user = id_of<UserId>(n);
    member.role = MemberRole::kMember;
    member.sharing = false;
    wanted.push_back(member);
    rows += "INSERT INTO member VALUES(x'" + member.user.to_string() + "',x'" + room +
            "',2,0,0,0,0,0,0,0,1);";
    rows += "INSERT INTO feed VALUES(x'" + member.user.to_string() + "',1,x'" + room + "');";
  }
  for (Member& member : wanted) member.role = static_cast<MemberRole>(2);
  execute(dir.file("store.db"), kStoreOfVersion4 + rows);
  auto store = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop));
  StoreBatch batch;
  batch.heads.emplace_back();
  batch.heads[0].id = *ConversationId::parse(room);
  for (const std::size_t n : {7u, 20u, 7u}) {
    ++batch.position;
    wanted[n].delivered_seq = batch.position + 1;
    batch.members = {{batch.heads[0].id, wanted[n]}};
    ASSERT_TRUE(answer_of<void>(loop, [&](auto done) {
                  store->apply(std::make_shared<const StoreBatch>(batch), done);
                }).ok());
    const auto loaded = answer_of<std::optional<Conversation>>(
        loop, [&](auto done) { store->load(batch.heads[0].id, done); });
    EXPECT_EQ((*loaded)->members, wanted);
  }
}

// A data directory whose feed.db was lost must not look like one in which nothing ever happened.
TEST(Embedded, AStoreWithoutItsFeedsIsRefused) {
  ScratchDirectory dir;
  DrainedScheduler loop;
  { auto made = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop)); }
  { auto made = feeds_beside(dir, loop); }
  execute(dir.file("store.db"), "UPDATE meta SET value=7 WHERE key='applied'");
  const auto without = FeedStoreSqlite::open(dir.file("other.db"), dir.file("store.db"), loop);
  ASSERT_FALSE(without.ok());
  EXPECT_EQ(without.error().code, ErrorCode::kCacheCorrupt) << without.error().to_string();
}

TEST(Embedded, ARowThatSaysNothingIsATypedError) {
  ScratchDirectory dir;
  DrainedScheduler loop;
  const std::string room = "00000000000040008000000000000001";
  { auto made = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop)); }
  execute(dir.file("store.db"), "INSERT INTO chunk VALUES(1,x'" + room + "',1,x'ffff');" +
                                    "INSERT INTO conversation(id,members) VALUES(x'" + room +
                                    "',x'ffff')");
  auto store = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop));
  const ConversationId id = *ConversationId::parse(room);
  for (const bool newest : {true, false}) {
    const auto events = answer_of<std::vector<Event>>(loop, [&](auto done) {
      store->events({id, 1, 0, 10, newest}, done);
    });
    ASSERT_FALSE(events.ok());
    EXPECT_EQ(events.error().code, ErrorCode::kCacheCorrupt) << events.error().to_string();
  }
  const auto loaded =
      answer_of<std::optional<Conversation>>(loop, [&](auto done) { store->load(id, done); });
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code, ErrorCode::kCacheCorrupt);
}

// users.db of the first version: nobody is removed, and devices know no tokens of the host.
TEST(Embedded, ADirectoryOfTheFirstVersionKeepsItsPeople) {
  ScratchDirectory dir;
  DrainedScheduler loop;
  execute(dir.file("users.db"),
          "CREATE TABLE user(id BLOB PRIMARY KEY,handle BLOB NOT NULL,display_name BLOB,hash BLOB,"
          "online INT,last_seen_audience INT,receipts INT,last_seen INT,tokens_from INT)"
          " WITHOUT ROWID;"
          "CREATE TABLE relation(user BLOB,kind INT,other BLOB,PRIMARY KEY(user,kind,other))"
          " WITHOUT ROWID;"
          "CREATE TABLE device(user BLOB,id BLOB,agent BLOB,last_seen INT,revoked INT,"
          "PRIMARY KEY(user,id)) WITHOUT ROWID;"
          "INSERT INTO user VALUES(x'0000000000000000000000000000000a','ann','Ann','hash',"
          "1,1,1,5,9);"
          "INSERT INTO device VALUES(x'0000000000000000000000000000000a',"
          "x'0000000000000000000000000000000b','phone',5,3);PRAGMA user_version=1;");
  const auto user = *UserId::parse("0000000000000000000000000000000a");
  auto directory = opened(DirectorySqlite::open(dir.file("users.db"), loop));
  const auto ann = answer_of<std::optional<UserRecord>>(
      loop, [&](auto done) { directory->load(user, std::move(done)); });
  ASSERT_TRUE(ann.ok() && ann->has_value());
  EXPECT_EQ((*ann)->handle, "ann");
  EXPECT_EQ((*ann)->tokens_valid_from_ms, 9);
  const auto devices = answer_of<std::vector<DeviceRecord>>(
      loop, [&](auto done) { directory->devices(user, std::move(done)); });
  ASSERT_TRUE(devices.ok());
  ASSERT_EQ(devices->size(), 1u);
  EXPECT_EQ((*devices)[0].revoked_ms, 3);
  EXPECT_TRUE((*devices)[0].tokens.empty());
  EXPECT_TRUE(
      answer_of<void>(loop, [&](auto done) { directory->remove(user, std::move(done)); }).ok());
}

}  // namespace
}  // namespace kith::server
