// The tables of store.db, and what makes them out of those of earlier versions.
#include "server/adapters/embedded/conversation_store_schema_sqlite.h"

namespace kith::server {

// For versions before 7, which kept the feeds too (feed_store_sqlite.cc takes them over): active members
// of large conversations.
#define KITH_LARGE_MEMBER_TABLE                                                                    \
  "CREATE TABLE large_member(user BLOB,conversation BLOB,PRIMARY KEY(user,conversation)) WITHOUT " \
  "ROWID;"

// History. A batch writes one row per conversation (event_chunk.h), and rows lie in the order in which
// they came, so that those of a batch share their pages. The table keyed by conversation is small: it
// holds the place of each row.
#define KITH_CHUNK_TABLE                                                   \
  "CREATE TABLE chunk(id INTEGER PRIMARY KEY,conversation BLOB,first INT," \
  "events BLOB,UNIQUE(conversation,first));"
// In which row a command was placed, by command_place.h.
#define KITH_PLACE_TABLE "CREATE TABLE place(key INTEGER PRIMARY KEY,chunk INT);"
// History of stores that were made before version 5 stays where it is: a row for each event.
#define KITH_EVENT_TABLE(name)                                                          \
  "CREATE TABLE " name                                                                  \
  "(conversation BLOB,seq INT,kind INT,message BLOB,sender BLOB,device BLOB,"           \
  "ts INT,ordinal INT,countable INT,sender_only INT,body BLOB,reply INT,mentions BLOB," \
  "client_ts INT,position INT,UNIQUE(conversation,seq));"
#define KITH_EVENT_INDEX "CREATE INDEX event_message ON event(message);"
// Members of conversations that are not small. They stand together, and no index moves with their
// watermarks. `more`: columns that later versions have added.
#define KITH_MEMBER_TABLE(name, more)                                                       \
  "CREATE TABLE " name                                                                      \
  "(user BLOB,conversation BLOB,role INT,join_seq INT,left_seq INT,delivered INT,read INT," \
  "read_ordinal INT,public_read INT,sharing INT,feed_ver INT," more                         \
  "PRIMARY KEY(conversation,user)) WITHOUT ROWID;"
// Likewise: each member's mark by user.
#define KITH_FEED_TABLE                                         \
  "CREATE TABLE feed(user BLOB,feed_ver INT,conversation BLOB," \
  "PRIMARY KEY(user,feed_ver,conversation)) WITHOUT ROWID;"

// `members`: those of a small conversation (member_list.h). Empty: they are in the table `member`. NULL:
// likewise, as an earlier version left them.
const char* const kStoreSchema =
    "CREATE TABLE conversation(id BLOB PRIMARY KEY,type INT,last_seq INT,last_position INT,"
    "last_ordinal INT,last_ts INT,title BLOB,roster_ver INT,member_count INT,large INT,"
    "delivered_all INT,read_all INT,read_any INT,members BLOB,entry_ver INT) WITHOUT "
    "ROWID;" KITH_CHUNK_TABLE KITH_PLACE_TABLE KITH_MEMBER_TABLE(
        "member", "withheld INT,left_view BLOB,")
    "CREATE TABLE meta(key TEXT PRIMARY KEY,value INT) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('applied',0)";

const char* const kStoreUpgradeTo2 = KITH_LARGE_MEMBER_TABLE
    "INSERT INTO large_member SELECT m.user,m.conversation FROM member m"
    " JOIN conversation c ON c.id=m.conversation WHERE m.role<>0 AND c.large<>0";

#define KITH_MEMBER_COLUMNS_3                                                                      \
  "user,conversation,role,join_seq,left_seq,delivered,read,read_ordinal,public_read,sharing,feed_" \
  "ver"
const char* const kStoreUpgradeTo3 = KITH_MEMBER_TABLE("member3", "") KITH_FEED_TABLE
    "INSERT INTO member3(" KITH_MEMBER_COLUMNS_3 ") SELECT " KITH_MEMBER_COLUMNS_3
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

// It also keeps away earlier releases, which would begin a journal.db beside the directory journal, and give
// positions out a second time.
const char* const kStoreUpgradeTo5 =
    KITH_CHUNK_TABLE KITH_PLACE_TABLE "ALTER TABLE conversation ADD COLUMN members BLOB";

const char* const kStoreUpgradeTo6 =
    "ALTER TABLE member ADD COLUMN withheld INT;ALTER TABLE member ADD COLUMN left_view BLOB;"
    "ALTER TABLE conversation ADD COLUMN entry_ver INT";

// The feeds went to feed.db. It also keeps away earlier releases, which would look for them here.
const char* const kStoreUpgradeTo7 = "UPDATE meta SET value=value WHERE key='applied'";

// By version and variant of a UUID, in hexadecimal digits.
const char* const kStoreUntypedIds =
    "SELECT 1 FROM conversation WHERE NOT (substr(hex(id),13,1) IN ('4','8')"
    " AND substr(hex(id),17,1) IN ('8','9','A','B')) LIMIT 1";

}  // namespace kith::server
