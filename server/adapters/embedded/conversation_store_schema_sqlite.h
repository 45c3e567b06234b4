// The tables of store.db.
#pragma once

namespace kith::server {

inline constexpr int kStoreSchemaVersion = 7;
extern const char* const kStoreSchema;
extern const char* const kStoreUpgradeTo2;  // from version 1
extern const char* const kStoreUpgradeTo3;  // from version 2
extern const char* const kStoreUpgradeTo4;  // from version 3
extern const char* const kStoreUpgradeTo5;  // from version 4
extern const char* const kStoreUpgradeTo6;  // from version 5
extern const char* const kStoreUpgradeTo7;  // from version 6
extern const char* const
    kStoreUntypedIds;  // finds a conversation that is neither a 1:1 nor a group

// Columns in the order of these lists.
#define KITH_HEAD_COLUMNS                                                                    \
  "id,type,last_seq,last_position,last_ordinal,last_ts,title,roster_ver,member_count,large," \
  "delivered_all,read_all,read_any,entry_ver"
inline constexpr int kHeadColumns = 14;
#define KITH_MEMBER_COLUMNS                                                                   \
  "user,conversation,role,join_seq,left_seq,delivered,read,read_ordinal,public_read,sharing," \
  "feed_ver,withheld,left_view"
#define KITH_EVENT_COLUMNS                                                                   \
  "conversation,seq,kind,message,sender,device,ts,ordinal,countable,sender_only,body,reply," \
  "mentions,client_ts,position"

}  // namespace kith::server
