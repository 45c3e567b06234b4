// Reads heads, members and events out of the rows of store.db.
#pragma once

#include <string_view>
#include <vector>

#include "kith/core/result.h"
#include "kith/server/ports/conversation_store.h"
#include "server/adapters/embedded/conversation_store_schema_sqlite.h"

namespace kith {
class Database;
class Query;
}  // namespace kith

namespace kith::server {

// Rows of the columns in conversation_store_schema_sqlite.h.
Head head_of_row(const Query& row);
Member member_of_row(const Query& row);
Event event_of_row(const Query& row);

Result<StoredUpTo> stored_up_to(Database& db);
// The members of a conversation, sorted by user, that has `listed` in its column `members`.
Result<std::vector<Member>> stored_members(Database& db, const ConversationId& id,
                                           std::string_view listed);
// The error of a row that says nothing.
Error damaged(const char* what, const ConversationId& id);

}  // namespace kith::server
