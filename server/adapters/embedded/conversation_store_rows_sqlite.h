// The tables of store.db and how a batch is written into them.
#pragma once

#include <functional>

#include "kith/core/result.h"
#include "kith/server/ports/conversation_store.h"

namespace kith::server {

class Database;
class Query;

inline constexpr int kStoreSchemaVersion = 4;
extern const char* const kStoreSchema;
extern const char* const kStoreUpgradeTo2;  // from version 1
extern const char* const kStoreUpgradeTo3;  // from version 2
extern const char* const kStoreUpgradeTo4;  // from version 3

Result<Position> stored_position(Database& db);
// Writes the batch in one transaction; one that is stored already changes nothing. `pause` is called
// between rows.
Status write_batch(Database& db, const StoreBatch& batch, const std::function<void()>& pause);

// Columns in the order of these lists.
#define KITH_HEAD_COLUMNS                                                                    \
  "id,type,last_seq,last_position,last_ordinal,last_ts,title,roster_ver,member_count,large," \
  "delivered_all,read_all,read_any"
#define KITH_MEMBER_COLUMNS                                                                   \
  "user,conversation,role,join_seq,left_seq,delivered,read,read_ordinal,public_read,sharing," \
  "feed_ver"
#define KITH_EVENT_COLUMNS                                                                   \
  "conversation,seq,kind,message,sender,device,ts,ordinal,countable,sender_only,body,reply," \
  "mentions,client_ts,position"
Head head_of_row(const Query& row);
Member member_of_row(const Query& row);
Event event_of_row(const Query& row);

}  // namespace kith::server
