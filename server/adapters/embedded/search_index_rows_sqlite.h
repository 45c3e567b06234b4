// The tables of the search index (search.db), and how a batch comes into them.
//
// A term stands in the index behind the number of its conversation ("1f" + 'z' + "lunch"), so a search
// reads the entries of that conversation and no others, however much the server holds: its cost grows
// with the messages its reader may see. Rows are numbered by place: hits come newest first without being
// sorted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kith/server/ports/search_index.h"
#include "src/sqlite/database_sqlite.h"

namespace kith::server {

// How search.db is opened for writing.
Database::Options search_index_options(const std::string& path, std::uint64_t pages_max);

// Checks that the index has the terms of this release, and notes it in a new one. kCacheCorrupt: it is of
// other terms and finds nothing of a new query, or FTS5's own tables are damaged.
Status bring_to_rule(Database& db);

// The whole batch or nothing of it.
Status write_index_batch(Database& db, const IndexBatch& batch);

Result<std::vector<std::uint64_t>> marks_of(Database& db, const std::vector<ConversationId>& ids);
Result<Position> complete_of(Database& db, std::uint32_t partition);

// The beginning of every term of the conversation with this number.
std::string term_prefix(std::uint64_t num);

}  // namespace kith::server
