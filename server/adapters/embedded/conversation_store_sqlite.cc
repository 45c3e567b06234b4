// The conversation store in one SQLite file (store.db).
#include "server/adapters/embedded/conversation_store_sqlite.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "server/adapters/embedded/conversation_store_rows_sqlite.h"
#include "server/adapters/embedded/database_sqlite.h"

namespace kith::server {

namespace {

constexpr std::uint64_t kCachePages = 8'192;        // 32 MiB
constexpr std::uint64_t kCheckpointPages = 16'384;  // 64 MiB

// Nobody waits for the store, but everybody for the loop, and they may share a core: the store works
// for a millisecond and leaves the core for two, unless the batch, a second's worth of messages, would
// take longer than this.
constexpr auto kBatchTime = std::chrono::seconds(1);
constexpr auto kWorkSlice = std::chrono::milliseconds(1);
constexpr auto kRest = std::chrono::milliseconds(2);
constexpr std::size_t kRowsPerLook = 16;

// SQLite's integers are signed: an upper bound beyond them means no bound.
std::int64_t bound(std::uint64_t value) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  return value > static_cast<std::uint64_t>(kMax) ? kMax : static_cast<std::int64_t>(value);
}

Result<std::vector<FeedEntry>> feed(Query& query) {
  std::vector<FeedEntry> entries;
  while (query.next()) entries.push_back({query.id<ConversationId>(0), query.number(1)});
  if (auto status = query.status(); !status) return status.error();
  return entries;
}

// Adds the conversation, if it is there.
Status read_conversation(Database& db, const ConversationId& id, std::vector<Conversation>& to) {
  {
    Query head = db.query("SELECT " KITH_HEAD_COLUMNS " FROM conversation WHERE id=?1");
    if (!head.bind(id).next()) return head.status();
    to.push_back({head_of_row(head), {}});
  }
  Query members =
      db.query("SELECT " KITH_MEMBER_COLUMNS " FROM member WHERE conversation=?1 ORDER BY user");
  members.bind(id);
  while (members.next()) to.back().members.push_back(member_of_row(members));
  return members.status();
}

}  // namespace

// Worker thread.
class ConversationStoreSqlite::Breather {
 public:
  Breather(Hurry& hurry, std::size_t rows) : hurry_(hurry), rows_(rows) {}
  void row_written() {
    if (++written_ % kRowsPerLook != 0) return;
    const auto now = Clock::now();
    if (now - slice_began_ < kWorkSlice || late(now)) return;
    std::unique_lock lock(hurry_.mutex);
    hurry_.changed.wait_for(lock, kRest, [this] { return hurry_.now; });
    slice_began_ = Clock::now();
  }

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] bool late(Clock::time_point now) const {
    return (now - began_) * rows_ > kBatchTime * written_;
  }

  Hurry& hurry_;
  const std::size_t rows_;  // of the batch
  std::size_t written_ = 0;
  const Clock::time_point began_ = Clock::now();
  Clock::time_point slice_began_ = began_;
};

Result<std::unique_ptr<ConversationStoreSqlite>> ConversationStoreSqlite::open(
    const std::string& path, Executor& executor, std::uint64_t pages_max) {
  Database::Options options{path, kStoreSchemaVersion, kStoreSchema, pages_max};
  options.upgrades = {kStoreUpgradeTo2, kStoreUpgradeTo3, kStoreUpgradeTo4};
  // Rows of a batch lie anywhere in the file: pages that are touched again soon are written once.
  options.cache_pages = kCachePages;
  options.checkpoint_pages = kCheckpointPages;
  auto writer = Database::open(options);
  if (!writer) return writer.error();
  if (auto position = stored_position(**writer); !position) return position.error();
  options.schema = nullptr;
  auto reader = Database::open(options);
  if (!reader) return reader.error();
  return std::unique_ptr<ConversationStoreSqlite>(
      new ConversationStoreSqlite(std::move(*writer), std::move(*reader), executor));
}

ConversationStoreSqlite::ConversationStoreSqlite(std::unique_ptr<Database> writer,
                                                 std::unique_ptr<Database> reader,
                                                 Executor& executor)
    : writer_(std::move(writer)), reader_(std::move(reader)), executor_(executor) {}

ConversationStoreSqlite::~ConversationStoreSqlite() {
  *alive_ = false;
  {
    const std::lock_guard lock(hurry_.mutex);
    hurry_.now = true;
  }
  hurry_.changed.notify_one();
  worker_.stop();
}

Result<Position> ConversationStoreSqlite::applied() {
  return stored_position(*reader_);
}

void ConversationStoreSqlite::apply(std::shared_ptr<const StoreBatch> batch, Done<void> done) {
  worker_.run([this, alive = alive_, generation = generation_, batch = std::move(batch),
               done = std::move(done)] {
    Status written;
    if (generation <= failed_generation_) {
      written = make_error(ErrorCode::kUnavailable, "an earlier batch failed");
    } else {
      Breather breather(hurry_, batch->events.size() + batch->heads.size() + batch->members.size());
      written = write_batch(*writer_, *batch, [&] { breather.row_written(); });
      if (!written) failed_generation_ = generation;
    }
    executor_.post([this, alive, generation, written, done] {
      if (!*alive) return;
      if (!written) generation_ = std::max(generation_, generation + 1);
      done(written);
    });
  });
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

void ConversationStoreSqlite::find(const ConversationId& id, const UserId& sender,
                                   const MessageId& message, Done<std::optional<Placement>> done) {
  Result<std::optional<Placement>> answer = std::optional<Placement>();
  {
    Query query = reader_->query(
        "SELECT seq,ordinal,ts,position FROM event INDEXED BY event_message"
        " WHERE message=?1 AND conversation=?2 AND sender=?3");
    if (query.bind(message, id, sender).next()) {
      answer = std::optional(
          Placement{query.number(0), query.number(1), query.time(2), query.number(3)});
    } else if (auto status = query.status(); !status) {
      answer = status.error();
    }
  }
  done(std::move(answer));
}

void ConversationStoreSqlite::events(const EventQuery& query, Done<std::vector<Event>> done) {
  done(events_now(query));
}

Result<std::vector<Event>> ConversationStoreSqlite::events_now(const EventQuery& query) {
  std::vector<Event> events;
  const std::int64_t to = query.to == 0 ? bound(~std::uint64_t{0}) : bound(query.to);
  Query rows = query.newest
                   ? reader_->query("SELECT " KITH_EVENT_COLUMNS
                                    " FROM event WHERE conversation=?1 AND seq>=?2 AND seq<=?3"
                                    " ORDER BY seq DESC LIMIT ?4")
                   : reader_->query("SELECT " KITH_EVENT_COLUMNS
                                    " FROM event WHERE conversation=?1 AND seq>=?2 AND seq<=?3"
                                    " ORDER BY seq LIMIT ?4");
  rows.bind(query.conversation, bound(query.from), to, bound(query.limit));
  while (rows.next()) events.push_back(event_of_row(rows));
  if (auto status = rows.status(); !status) return status.error();
  if (query.newest) std::reverse(events.begin(), events.end());
  return events;
}

// The answers below are complete, and their statements reset, before the callback runs: it may ask
// again.

void ConversationStoreSqlite::changed(const UserId& user, Position after, std::size_t limit,
                                      Done<std::vector<FeedEntry>> done) {
  auto answer = [&] {
    Query query = reader_->query(
        "SELECT conversation,feed_ver FROM feed WHERE user=?1 AND feed_ver>?2"
        " ORDER BY feed_ver,conversation LIMIT ?3");
    query.bind(user, bound(after), bound(limit));
    return feed(query);
  }();
  done(std::move(answer));
}

void ConversationStoreSqlite::list(const UserId& user, Position before, std::size_t limit,
                                   Done<std::vector<FeedEntry>> done) {
  auto answer = [&] {
    Query query = reader_->query(
        "SELECT conversation,feed_ver FROM feed WHERE user=?1 AND feed_ver<?2"
        " ORDER BY feed_ver DESC,conversation DESC LIMIT ?3");
    query.bind(user, before == 0 ? bound(~std::uint64_t{0}) : bound(before), bound(limit));
    return feed(query);
  }();
  done(std::move(answer));
}

void ConversationStoreSqlite::large(const UserId& user, Done<std::vector<FeedEntry>> done) {
  auto answer = [&] {
    Query query = reader_->query(
        "SELECT c.id,c.last_position FROM large_member m JOIN conversation c ON c.id=m.conversation"
        " WHERE m.user=?1 ORDER BY c.id");
    query.bind(user);
    return feed(query);
  }();
  done(std::move(answer));
}

void ConversationStoreSqlite::user_mark(const UserId& user, Done<Position> done) {
  Result<Position> answer = Position{0};
  {
    Query query = reader_->query("SELECT position FROM user_mark WHERE user=?1");
    if (query.bind(user).next()) {
      answer = query.number(0);
    } else if (auto status = query.status(); !status) {
      answer = status.error();
    }
  }
  done(std::move(answer));
}

}  // namespace kith::server
