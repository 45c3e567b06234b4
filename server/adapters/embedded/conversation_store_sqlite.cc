// The conversation store in one SQLite file (store.db).
#include "server/adapters/embedded/conversation_store_sqlite.h"

#include <algorithm>
#include <utility>

#include "server/adapters/embedded/command_place.h"
#include "server/adapters/embedded/conversation_store_batch_sqlite.h"
#include "server/adapters/embedded/conversation_store_rows_sqlite.h"
#include "server/adapters/embedded/event_chunk.h"
#include "server/adapters/embedded/gentle_vfs_sqlite.h"
#include "src/sqlite/database_sqlite.h"

namespace kith::server {

namespace {

constexpr std::uint64_t kCachePages = 8'192;        // 32 MiB
constexpr std::uint64_t kCheckpointPages = 16'384;  // 64 MiB

// Adds the conversation, if it is there.
Status read_conversation(Database& db, const ConversationId& id, std::vector<Conversation>& to) {
  Query row = db.query("SELECT " KITH_HEAD_COLUMNS ",members FROM conversation WHERE id=?1");
  if (!row.bind(id).next()) return row.status();
  auto members = stored_members(db, id, row.view(kHeadColumns));
  if (!members) return members.error();
  to.push_back({head_of_row(row), std::move(*members)});
  return {};
}

// The events of a row that holds those of column 0.
Result<std::vector<Event>> chunk_of_row(const ConversationId& id, const Query& row) {
  auto events = events_of(id, row.view(0));
  if (!events) return damaged("a piece of history", id);
  return std::move(*events);
}

}  // namespace

Result<std::unique_ptr<ConversationStoreSqlite>> ConversationStoreSqlite::open(
    const std::string& path, Executor& executor, std::uint64_t pages_max) {
  Database::Options options{path, kStoreSchemaVersion, kStoreSchema, pages_max};
  options.upgrades = {kStoreUpgradeTo2, kStoreUpgradeTo3, kStoreUpgradeTo4,
                      kStoreUpgradeTo5, kStoreUpgradeTo6, kStoreUpgradeTo7};
  options.refuse_if = kStoreUntypedIds;
  options.refusal =
      "written by an earlier release, whose conversation ids do not tell their type; this release "
      "does not "
      "take it over: begin with an empty directory";
  // Rows of a batch lie anywhere in the file: pages that are touched again soon are written once.
  options.cache_pages = kCachePages;
  options.checkpoint_pages = kCheckpointPages;
  options.vfs = gentle_vfs();
  auto writer = Database::open(options);
  if (!writer) return writer.error();
  if (auto stored = stored_up_to(**writer); !stored) return stored.error();
  options.schema = nullptr;
  options.vfs = nullptr;  // see gentle_vfs()
  auto reader = Database::open(options);
  if (!reader) return reader.error();
  std::unique_ptr<ConversationStoreSqlite> store(
      new ConversationStoreSqlite(std::move(*writer), std::move(*reader), executor));
  if (auto status = store->look_for_old_events(); !status) return status.error();
  return store;
}

ConversationStoreSqlite::ConversationStoreSqlite(std::unique_ptr<Database> writer,
                                                 std::unique_ptr<Database> reader,
                                                 Executor& executor)
    : writer_(std::move(writer)), reader_(std::move(reader)), batches_("kith-store", executor) {}

ConversationStoreSqlite::~ConversationStoreSqlite() = default;

Result<StoredUpTo> ConversationStoreSqlite::applied() {
  return stored_up_to(*reader_);
}

void ConversationStoreSqlite::apply(std::shared_ptr<const StoreBatch> batch, Done<void> done) {
  const std::size_t rows = batch_rows(*batch);
  batches_.apply(
      rows,
      [this, batch = std::move(batch)](const std::function<void()>& row_written) {
        return write_batch(*writer_, *batch, row_written);
      },
      std::move(done));
}

void ConversationStoreSqlite::load(const ConversationId& id,
                                   Done<std::optional<Conversation>> done) {
  auto found = load_all({id});
  if (!found) return done(found.error());
  if (found->empty()) return done(std::optional<Conversation>());
  done(std::optional(std::move(found->front())));
}

Result<std::vector<Conversation>> ConversationStoreSqlite::load_all(
    const std::vector<ConversationId>& ids) {
  std::vector<Conversation> found;
  found.reserve(ids.size());
  // One state of the store for all: heads and members of the same batch.
  const Snapshot snapshot(*reader_);
  if (!snapshot.begun()) return snapshot.begun().error();
  for (const ConversationId& id : ids) {
    if (auto status = read_conversation(*reader_, id, found); !status) return status.error();
  }
  return found;
}

Status ConversationStoreSqlite::look_for_old_events() {
  Query table = reader_->query("SELECT 1 FROM sqlite_master WHERE type='table' AND name='event'");
  old_events_ = table.next();
  return table.status();
}

void ConversationStoreSqlite::find(const ConversationId& id, const UserId& sender,
                                   const MessageId& message, Done<std::optional<Placement>> done) {
  auto found = find_now(id, sender, message);
  if (found && !*found && old_events_) found = find_old(id, sender, message);
  done(std::move(found));
}

Result<std::optional<Placement>> ConversationStoreSqlite::find_now(const ConversationId& id,
                                                                   const UserId& sender,
                                                                   const MessageId& message) {
  const std::int64_t key = place_key(id, sender, message);
  Query rows = reader_->query(
      "SELECT c.events FROM place p CROSS JOIN chunk c ON c.id=p.chunk"
      " WHERE p.key>=?1 AND p.key<?2 AND c.conversation=?3");
  rows.bind(key, key + kSamePlaceMax, id);
  while (rows.next()) {
    auto events = chunk_of_row(id, rows);
    if (!events) return events.error();
    for (const Event& event : *events) {
      if (event.message_id == message && event.sender == sender) {
        return std::optional(placement_of(event));
      }
    }
  }
  if (auto status = rows.status(); !status) return status.error();
  return std::optional<Placement>();
}

Result<std::optional<Placement>> ConversationStoreSqlite::find_old(const ConversationId& id,
                                                                   const UserId& sender,
                                                                   const MessageId& message) {
  Query query = reader_->query(
      "SELECT seq,ordinal,ts,position FROM event INDEXED BY event_message"
      " WHERE message=?1 AND conversation=?2 AND sender=?3");
  if (query.bind(message, id, sender).next()) {
    return std::optional(
        Placement{query.number(0), query.number(1), query.time(2), query.number(3)});
  }
  if (auto status = query.status(); !status) return status.error();
  return std::optional<Placement>();
}

void ConversationStoreSqlite::events(const EventQuery& query, Done<std::vector<Event>> done) {
  done(query.newest ? newest(query) : oldest(query));
}

// From the end; turned round when it is complete.
Result<std::vector<Event>> ConversationStoreSqlite::newest(const EventQuery& query) {
  std::vector<Event> events;
  EventQuery older = query;  // what may still be found in rows of before
  bool more = true;
  {
    Query rows = reader_->query(
        "SELECT events,first FROM chunk WHERE conversation=?1 AND first<=?2 ORDER BY first DESC");
    rows.bind(query.conversation, integer_bound(query.to == 0 ? ~std::uint64_t{0} : query.to));
    while (events.size() < query.limit && rows.next()) {
      auto chunk = chunk_of_row(query.conversation, rows);
      if (!chunk) return chunk.error();
      const std::uint64_t first = rows.number(1);
      more = first > std::max<std::uint64_t>(1, query.from);
      older.to = first - 1;
      for (auto event = chunk->rbegin(); event != chunk->rend(); ++event) {
        if (query.to != 0 && event->seq > query.to) continue;
        if (event->seq < query.from || events.size() == query.limit) break;
        events.push_back(std::move(*event));
      }
      if (!more) break;
    }
    if (auto status = rows.status(); !status) return status.error();
  }
  older.limit = query.limit - events.size();
  if (more && older.limit > 0) {
    if (auto status = old_events(older, events); !status) return status.error();
  }
  std::reverse(events.begin(), events.end());
  return events;
}

Result<std::vector<Event>> ConversationStoreSqlite::oldest(const EventQuery& query) {
  std::vector<Event> events;
  if (auto status = old_events(query, events); !status) return status.error();
  Query rows = reader_->query(
      "SELECT events FROM chunk WHERE conversation=?1 AND first>=coalesce("
      "(SELECT max(first) FROM chunk WHERE conversation=?1 AND first<=?2),0) ORDER BY first");
  rows.bind(query.conversation, integer_bound(query.from));
  const auto beyond = [&](const Event& event) { return query.to != 0 && event.seq > query.to; };
  bool complete = events.size() == query.limit;
  while (!complete && rows.next()) {
    auto chunk = chunk_of_row(query.conversation, rows);
    if (!chunk) return chunk.error();
    for (Event& event : *chunk) {
      if (event.seq < query.from) continue;
      complete = beyond(event) || events.size() == query.limit;
      if (complete) break;
      events.push_back(std::move(event));
    }
  }
  if (auto status = rows.status(); !status) return status.error();
  return events;
}

// Adds events of before version 5, in the order of the query: from its end, or from its beginning.
Status ConversationStoreSqlite::old_events(const EventQuery& query, std::vector<Event>& to) {
  if (!old_events_) return {};
  const std::int64_t last =
      query.to == 0 ? integer_bound(~std::uint64_t{0}) : integer_bound(query.to);
  Query rows = query.newest
                   ? reader_->query("SELECT " KITH_EVENT_COLUMNS
                                    " FROM event WHERE conversation=?1 AND seq>=?2 AND seq<=?3"
                                    " ORDER BY seq DESC LIMIT ?4")
                   : reader_->query("SELECT " KITH_EVENT_COLUMNS
                                    " FROM event WHERE conversation=?1 AND seq>=?2 AND seq<=?3"
                                    " ORDER BY seq LIMIT ?4");
  rows.bind(query.conversation, integer_bound(query.from), last, integer_bound(query.limit));
  while (rows.next()) to.push_back(event_of_row(rows));
  return rows.status();
}

// The answers below are complete, and their statements reset, before the callback runs: it may ask
// again.

void ConversationStoreSqlite::heads(const ConversationId& after, Position changed_after,
                                    std::size_t limit, Done<HeadsPage> done) {
  auto answer = [&]() -> Result<HeadsPage> {
    HeadsPage page;
    Query rows = reader_->query("SELECT " KITH_HEAD_COLUMNS
                                " FROM conversation WHERE id>?1 ORDER BY id LIMIT ?2");
    rows.bind(after, integer_bound(limit));
    std::size_t seen = 0;
    for (; rows.next(); ++seen) {
      Head head = head_of_row(rows);
      page.next = head.id;
      if (head.last_position > changed_after) page.heads.push_back(std::move(head));
    }
    page.more = seen == limit && limit != 0;
    if (auto status = rows.status(); !status) return status.error();
    return page;
  }();
  done(std::move(answer));
}

}  // namespace kith::server
