// The two files of a cache, cache.db and outbox.db: their tables, and how they are opened.
#include "client/cache_files_sqlite.h"

#include <cstdint>

#include "client/search_index_sqlite.h"

namespace kith::client {
namespace {

// Ids of conversations that are neither a 1:1 nor a group, by version and variant of a UUID in hexadecimal
// digits.
#define UNTYPED_IDS(column, table)                        \
  "SELECT 1 FROM " table " WHERE NOT (substr(hex(" column \
  "),13,1) IN ('4','8') AND substr(hex(" column "),17,1) IN ('8','9','A','B')) LIMIT 1"

constexpr const char* kCacheTables =
    "CREATE TABLE IF NOT EXISTS event(conversation BLOB NOT NULL, seq INTEGER NOT NULL, message "
    "BLOB NOT NULL,"
    " ordinal INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY(conversation, seq)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS event_message ON event(conversation, message);"
    "CREATE TABLE IF NOT EXISTS range(conversation BLOB NOT NULL, first INTEGER NOT NULL, last "
    "INTEGER NOT NULL,"
    " PRIMARY KEY(conversation, first)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS conversation(id BLOB PRIMARY KEY, type INTEGER, title TEXT, peer "
    "BLOB, role INTEGER,"
    " entry_ver INTEGER, last_seq INTEGER, last_ordinal INTEGER, last_ts_ms INTEGER, floor_seq "
    "INTEGER,"
    " read_seq INTEGER, read_ordinal INTEGER, delivered_seq INTEGER, delivered_all INTEGER, "
    "read_all INTEGER,"
    " read_any INTEGER, member_count INTEGER, large INTEGER) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS profile(user BLOB PRIMARY KEY, handle TEXT, display_name TEXT) "
    "WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS kv(key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;";

constexpr const char* kOutboxTables =
    "CREATE TABLE IF NOT EXISTS outbox(local_order INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
    " conversation BLOB NOT NULL, kind INTEGER NOT NULL, peer BLOB, payload BLOB NOT NULL, "
    "created_ms INTEGER,"
    " failed INTEGER NOT NULL, server_ms INTEGER NOT NULL DEFAULT 0, refused BLOB);"
    "CREATE TABLE IF NOT EXISTS read_mark(conversation BLOB PRIMARY KEY, seq INTEGER NOT NULL) "
    "WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS identity(key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;";

constexpr std::uint64_t kLogBytesMax = 4 * 1024 * 1024;  // a burst does not keep its disk space

// The options of both files.
Database::Options options_of(const std::string& path, Millis patience) {
  Database::Options options;
  options.path = path;
  options.schema_version = 3;
  options.schema_behind_upgrades = true;
  options.refusal =
      "written by an earlier release, whose conversation ids do not tell their type; this release "
      "does not take it over: remove the directory";
  options.log_bytes_max = kLogBytesMax;
  options.patience = patience;
  options.exclusive_when_full = true;
  options.source = path;
  options.busy = ErrorCode::kAlreadyOpen;  // another process keeps the file locked
  // The statements here are right and break no constraint: where one fails as if it were or did, the
  // file is not what it was made for.
  options.nonsense = ErrorCode::kCacheCorrupt;
  return options;
}

}  // namespace

Database::Options cache_options(const std::string& path, Millis patience) {
  static const std::string tables = std::string(kCacheTables) + SearchIndex::kTables;
  Database::Options options = options_of(path, patience);
  options.schema = tables.c_str();
  options.upgrades = {SearchIndex::kUpgrade, SearchIndex::kUpgradeTerms};
  options.refuse_if = UNTYPED_IDS("id", "conversation");
  options.synchronous = "NORMAL";
  return options;
}

Database::Options outbox_options(const std::string& path, Millis patience) {
  Database::Options options = options_of(path, patience);
  options.schema = kOutboxTables;
  options.upgrades = {"ALTER TABLE outbox ADD COLUMN server_ms INTEGER NOT NULL DEFAULT 0;",
                      "ALTER TABLE outbox ADD COLUMN refused BLOB;"};
  options.refuse_if = UNTYPED_IDS("conversation", "outbox");
  return options;
}

}  // namespace kith::client
