// The feed store in one SQLite file (feed.db).
#include "server/adapters/embedded/feed_store_sqlite.h"

#include <functional>
#include <utility>

#include "server/adapters/embedded/gentle_vfs_sqlite.h"
#include "src/sqlite/database_sqlite.h"

namespace kith::server {
namespace {

constexpr std::uint64_t kCachePages = 4'096;       // 16 MiB
constexpr std::uint64_t kCheckpointPages = 8'192;  // 32 MiB

// `run`: how often begin() was called. `beside`: 1 once it belongs to the store.db beside it.
constexpr const char* kSchema =
    "CREATE TABLE entry(user BLOB,conversation BLOB,ver INT,large INT,PRIMARY "
    "KEY(user,conversation)) WITHOUT ROWID;"
    "CREATE INDEX entry_by_ver ON entry(user,ver);"
    "CREATE INDEX entry_large ON entry(user) WHERE large<>0;"
    "CREATE TABLE large_group(id BLOB PRIMARY KEY,ver INT) WITHOUT ROWID;"
    "CREATE TABLE user_state(user BLOB PRIMARY KEY,ver INT) WITHOUT ROWID;"
    "CREATE TABLE meta(key TEXT PRIMARY KEY,value INT) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('run',0),('beside',0)";

Result<std::vector<FeedEntry>> entries_of(Query& query) {
  std::vector<FeedEntry> entries;
  while (query.next()) entries.push_back({query.id<ConversationId>(0), query.number(1)});
  if (auto status = query.status(); !status) return status.error();
  return entries;
}

Result<std::uint64_t> number(Query&& query) {
  std::uint64_t found = 0;
  if (query.next()) found = query.number(0);
  if (auto status = query.status(); !status) return status.error();
  return found;
}

Status copy_feeds(Database& db) {
  Transaction transaction(db);
  if (!transaction.begun()) return transaction.begun();
  Status copied = db.execute(
      "INSERT INTO entry SELECT f.user,f.conversation,f.feed_ver,l.user IS NOT NULL"
      " FROM old.feed f LEFT JOIN old.large_member l ON l.user=f.user AND "
      "l.conversation=f.conversation;"
      "INSERT INTO large_group SELECT id,last_position FROM old.conversation WHERE large<>0;"
      "INSERT INTO user_state SELECT user,position FROM old.user_mark;"
      "UPDATE meta SET value=1 WHERE key='beside'");
  return copied ? transaction.commit() : copied;
}

// Takes the feeds out of a conversation store, and removes them there when they are durable here.
Status take_over(Database& db) {
  const auto beside = number(db.query("SELECT value FROM meta WHERE key='beside'"));
  if (!beside) return beside.error();
  const auto there =
      number(db.query("SELECT count(*) FROM old.sqlite_master WHERE type='table' AND name='feed'"));
  if (!there) return there.error();
  if (*beside == 0 && *there == 0) {
    const auto applied = number(db.query("SELECT value FROM old.meta WHERE key='applied'"));
    if (!applied) return applied.error();
    if (*applied > 0) {
      return make_error(ErrorCode::kCacheCorrupt,
                        "feed.db is missing: it belongs to the store.db beside it");
    }
    return db.execute("UPDATE meta SET value=1 WHERE key='beside'");
  }
  if (*beside == 0) {
    if (auto copied = copy_feeds(db); !copied) return copied;
  }
  if (*there == 0) return {};
  return db.execute(
      "DROP TABLE IF EXISTS old.user_mark;DROP TABLE IF EXISTS old.large_member;"
      "DROP TABLE IF EXISTS old.feed");
}

Status write_batch(Database& db, const FeedBatch& batch, const std::function<void()>& pause) {
  Transaction transaction(db);
  if (!transaction.begun()) return transaction.begun();
  for (const FeedRow& row : batch.entries) {
    auto status =
        db.query(
              "INSERT INTO entry(user,conversation,ver,large) VALUES(?1,?2,?3,?4) ON CONFLICT DO"
              " UPDATE SET ver=excluded.ver,large=excluded.large WHERE ver<excluded.ver")
            .bind(row.user, row.conversation, row.ver, row.large)
            .run();
    if (!status) return status;
    pause();
  }
  for (const auto& [group, ver] : batch.groups) {
    auto status = db.query(
                        "INSERT INTO large_group(id,ver) VALUES(?1,?2)"
                        " ON CONFLICT DO UPDATE SET ver=max(ver,excluded.ver)")
                      .bind(group, ver)
                      .run();
    if (!status) return status;
    pause();
  }
  for (const auto& [user, ver] : batch.users) {
    auto status = db.query(
                        "INSERT INTO user_state(user,ver) VALUES(?1,?2)"
                        " ON CONFLICT DO UPDATE SET ver=max(ver,excluded.ver)")
                      .bind(user, ver)
                      .run();
    if (!status) return status;
  }
  return transaction.commit();
}

}  // namespace

Result<std::unique_ptr<FeedStoreSqlite>> FeedStoreSqlite::open(const std::string& path,
                                                               const std::string& store,
                                                               Executor& executor,
                                                               std::uint64_t pages_max) {
  Database::Options options{path, 1, kSchema, pages_max};
  options.cache_pages = kCachePages;
  options.checkpoint_pages = kCheckpointPages;
  options.vfs = gentle_vfs();
  auto writer = Database::open(options);
  if (!writer) return writer.error();
  if (!store.empty()) {
    auto attached = (*writer)->query("ATTACH ?1 AS old").bind(store).run();
    if (!attached) return attached.error();
    if (auto taken = take_over(**writer); !taken) return taken.error();
    if (auto left = (*writer)->execute("DETACH old"); !left) return left.error();
  }
  options.schema = nullptr;
  options.vfs = nullptr;  // see gentle_vfs()
  auto reader = Database::open(options);
  if (!reader) return reader.error();
  return std::unique_ptr<FeedStoreSqlite>(
      new FeedStoreSqlite(std::move(*writer), std::move(*reader), executor));
}

FeedStoreSqlite::FeedStoreSqlite(std::unique_ptr<Database> writer, std::unique_ptr<Database> reader,
                                 Executor& executor)
    : writer_(std::move(writer)), reader_(std::move(reader)), batches_("kith-feed", executor) {}

FeedStoreSqlite::~FeedStoreSqlite() = default;

// At start: the worker has nothing to do yet.
Result<std::uint64_t> FeedStoreSqlite::begin() {
  Transaction transaction(*writer_);
  if (!transaction.begun()) return transaction.begun().error();
  if (auto raised = writer_->execute("UPDATE meta SET value=value+1 WHERE key='run'"); !raised) {
    return raised.error();
  }
  const auto run = number(writer_->query("SELECT value FROM meta WHERE key='run'"));
  if (!run) return run.error();
  if (auto written = transaction.commit(); !written) return written.error();
  return *run;
}

void FeedStoreSqlite::apply(std::shared_ptr<const FeedBatch> batch, Done<void> done) {
  const std::size_t rows = batch->entries.size() + batch->groups.size();
  batches_.apply(
      rows,
      [this, batch = std::move(batch)](const std::function<void()>& row_written) {
        return write_batch(*writer_, *batch, row_written);
      },
      std::move(done));
}

// The answers below are complete, and their statements reset, before the callback runs: it may ask
// again.

void FeedStoreSqlite::changed(const UserId& user, FeedVersion after, std::size_t limit,
                              Done<std::vector<FeedEntry>> done) {
  auto answer = [&] {
    Query query = reader_->query(
        "SELECT conversation,ver FROM entry WHERE user=?1 AND ver>?2"
        " ORDER BY ver,conversation LIMIT ?3");
    query.bind(user, integer_bound(after), integer_bound(limit));
    return entries_of(query);
  }();
  done(std::move(answer));
}

void FeedStoreSqlite::list(const UserId& user, FeedVersion before, std::size_t limit,
                           Done<std::vector<FeedEntry>> done) {
  auto answer = [&] {
    Query query = reader_->query(
        "SELECT conversation,ver FROM entry WHERE user=?1 AND ver<?2"
        " ORDER BY ver DESC,conversation DESC LIMIT ?3");
    query.bind(user, before == 0 ? integer_bound(~std::uint64_t{0}) : integer_bound(before),
               integer_bound(limit));
    return entries_of(query);
  }();
  done(std::move(answer));
}

void FeedStoreSqlite::large(const UserId& user, Done<std::vector<FeedEntry>> done) {
  auto answer = [&] {
    Query query = reader_->query(
        "SELECT e.conversation,coalesce(g.ver,0) FROM entry e LEFT JOIN large_group g"
        " ON g.id=e.conversation WHERE e.user=?1 AND e.large<>0 ORDER BY e.conversation");
    query.bind(user);
    return entries_of(query);
  }();
  done(std::move(answer));
}

void FeedStoreSqlite::user_state(const UserId& user, Done<FeedVersion> done) {
  Result<FeedVersion> answer = [&] {
    Query query = reader_->query("SELECT ver FROM user_state WHERE user=?1");
    query.bind(user);
    return number(std::move(query));
  }();
  done(std::move(answer));
}

}  // namespace kith::server
