// The search index in one SQLite file (search.db), on FTS5.
//
// A term stands in the index behind the number of its conversation ("1f" + 'z' + "lunch"), so a search
// reads the entries of that conversation and no others, however much the server holds: its cost grows
// with what its reader may see. Rows are numbered by the position of their command: hits come newest
// first without being sorted.
#include "server/adapters/embedded/search_index_sqlite.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <queue>
#include <string_view>
#include <utility>

#include "server/adapters/embedded/database_sqlite.h"
#include "server/adapters/embedded/gentle_vfs_sqlite.h"
#include "src/search_terms.h"

namespace kith::server {

namespace {

constexpr int kSchemaVersion = 1;
// Contentless: the store has the texts. Without the sizes of rows, which only ranking by relevance
// would need.
constexpr const char* kSchema =
    "CREATE TABLE conversation(num INTEGER PRIMARY KEY,id BLOB UNIQUE,upto INT,newest INT);"
    "CREATE TABLE message(position INTEGER PRIMARY KEY,conversation INT,seq INT,only_for BLOB);"
    "CREATE VIRTUAL TABLE word USING fts5(terms,content='',columnsize=0,tokenize='ascii');"
    "CREATE TABLE meta(key TEXT PRIMARY KEY,value INT) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('complete',0)";
// What is deleted here is not deleted in the store: it need not be overwritten with zeros.
constexpr const char* kPragmas = "PRAGMA secure_delete=FAST;";
constexpr std::uint64_t kCachePages = 4'096;       // 16 MiB
constexpr std::uint64_t kCheckpointPages = 4'096;  // 16 MiB
// Says that the file is damaged: it is not opened any more.
constexpr const char* kDamagedSuffix = ".damaged";

using Clock = std::chrono::steady_clock;
using Micros = std::chrono::microseconds;

// While other people wait, a search goes on for so long at a time; one that gets nowhere in it (a step inside
// FTS5 cannot be continued) for twice as long the next time, up to the second.
constexpr Micros kSlice{4'000};
constexpr Micros kSliceMax{32'000};

// What every term of this conversation begins with. 'z' is no digit: where the number ends is clear.
std::string prefix_of(std::uint64_t num) {
  std::array<char, 17> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size() - 1, num, 16).ptr;
  *end = 'z';
  return {text.data(), end + 1};
}

std::string row_text(const std::string& prefix, std::string_view text) {
  std::string row;
  for (const search::Term& term : search::terms(text)) row.append(prefix).append(term.text) += ' ';
  return row;
}

// In FTS5's language. Terms have no character that means something there.
std::string match_text(const std::string& prefix, const search::Pattern& pattern) {
  std::string match;
  for (const search::Phrase& phrase : pattern.phrases) {
    if (!match.empty()) match += " AND ";
    match += '"';
    for (const std::string& term : phrase.terms) match.append(prefix).append(term) += ' ';
    match.back() = '"';
    if (phrase.prefix) match += " *";
  }
  return match;
}

// --- writing ---

// A conversation during one batch.
struct Place {
  std::uint64_t num = 0;
  std::uint64_t upto = 0;  // as it was before
  Position newest = 0;
};

class Writer {
 public:
  Writer(Database& db, const IndexBatch& batch) : db_(db), batch_(batch) {}

  Status run() {
    Transaction writing(db_);
    if (!writing.begun()) return writing.begun();
    // Ascending rows stay in FTS5's memory until the end; others would be written out one by one.
    std::vector<const IndexedMessage*> messages;
    for (const IndexedMessage& message : batch_.messages) messages.push_back(&message);
    std::sort(messages.begin(), messages.end(),
              [](const auto* a, const auto* b) { return a->position < b->position; });
    for (const IndexedMessage* message : messages) {
      if (auto put = put_message(*message); !put) return put;
    }
    if (auto put = put_marks(); !put) return put;
    return writing.commit();
  }

 private:
  Result<Place*> place(const ConversationId& id) {
    const auto [at, fresh] = places_.try_emplace(id);
    if (fresh) {
      auto found = stored(id);
      if (!found) return found.error();
      at->second = *found;
    }
    return &at->second;
  }

  Result<Place> stored(const ConversationId& id) {
    Query known = db_.query("SELECT num,upto,newest FROM conversation WHERE id=?1");
    if (known.bind(id).next()) return Place{known.number(0), known.number(1), known.number(2)};
    if (auto status = known.status(); !status) return status.error();
    Query fresh =
        db_.query("INSERT INTO conversation(id,upto,newest) VALUES(?1,0,0) RETURNING num");
    if (fresh.bind(id).next()) return Place{fresh.number(0), 0, 0};
    if (auto status = fresh.status(); !status) return status.error();
    return make_error(ErrorCode::kInternal, "SQLite gave a conversation no number");
  }

  Status put_message(const IndexedMessage& message) {
    const auto where = place(message.conversation);
    if (!where) return where.error();
    if (message.seq <= (*where)->upto) return {};
    const std::string words = row_text(prefix_of((*where)->num), message.text);
    if (words.empty()) return {};
    (*where)->newest = std::max((*where)->newest, message.position);
    std::optional<std::string_view> only_for;
    if (!message.only_for.empty()) only_for = message.only_for.view();
    Query row = db_.query("INSERT OR IGNORE INTO message VALUES(?1,?2,?3,?4)");
    row.bind(message.position, (*where)->num, message.seq, only_for);
    if (auto put = row.run(); !put) return put;
    if (db_.changes() == 0) return same_as_there(message, (*where)->num);
    Query text = db_.query("INSERT INTO word(rowid,terms) VALUES(?1,CAST(?2 AS TEXT))");
    return text.bind(message.position, words).run();
  }

  // What is there already changes nothing; another message in its place is damage.
  Status same_as_there(const IndexedMessage& message, std::uint64_t num) {
    Query there = db_.query("SELECT conversation,seq FROM message WHERE position=?1");
    const bool found = there.bind(message.position).next();
    if (auto status = there.status(); !status) return status;
    if (found && there.number(0) == num && there.number(1) == message.seq) return {};
    return make_error(ErrorCode::kCacheCorrupt,
                      "record " + std::to_string(message.position) +
                          " of the log is another message in the search index");
  }

  Status put_marks() {
    for (const auto& [id, upto] : batch_.marks) {
      const auto where = place(id);
      if (!where) return where.error();
      (*where)->upto = std::max((*where)->upto, upto);
    }
    for (const auto& [id, place] : places_) {
      Query row = db_.query("UPDATE conversation SET upto=?2,newest=?3 WHERE num=?1");
      if (auto put = row.bind(place.num, place.upto, place.newest).run(); !put) return put;
    }
    if (batch_.complete == 0) return {};
    return db_.query("UPDATE meta SET value=?1 WHERE key='complete'").bind(batch_.complete).run();
  }

  Database& db_;
  const IndexBatch& batch_;
  std::map<ConversationId, Place> places_;
};

// --- searching ---

struct Candidate {
  IndexScope scope;
  std::uint64_t num = 0;
  Position newest = 0;
};

// Says when to give up. Any thread.
class Patience {
 public:
  Patience(Millis limit, const std::atomic<bool>& closing) : closing_(closing) {
    if (limit.count() != 0) deadline_ = Clock::now() + limit;
  }
  [[nodiscard]] bool over() const { return closing_ || (deadline_ && Clock::now() > *deadline_); }

 private:
  const std::atomic<bool>& closing_;
  std::optional<Clock::time_point> deadline_;
};

// The time that a search may go on for while other people wait.
class Slice {
 public:
  Slice(Micros length, const Patience& patience, const std::atomic<std::size_t>& waiting)
      : begin_(Clock::now()), length_(length), patience_(patience), waiting_(waiting) {}
  [[nodiscard]] bool over() const {
    return (waiting_ > 0 && Clock::now() - begin_ > length_) || late();
  }
  [[nodiscard]] bool late() const { return patience_.over(); }
  [[nodiscard]] Micros used() const {
    return std::chrono::duration_cast<Micros>(Clock::now() - begin_);
  }

 private:
  const Clock::time_point begin_;
  const Micros length_;
  const Patience& patience_;
  const std::atomic<std::size_t>& waiting_;
};

Error too_long() {
  return make_error(ErrorCode::kTimeout, "the search takes too long");
}

// The newest hits of all scopes that have been looked at.
class NewestHits {
 public:
  explicit NewestHits(std::size_t limit) : limit_(limit) {}
  // What is not above this is not wanted.
  [[nodiscard]] Position floor() const { return hits_.size() < limit_ ? 0 : hits_.top().position; }
  void add(const IndexHit& hit) {
    hits_.push(hit);
    if (hits_.size() > limit_) hits_.pop();
  }
  std::vector<IndexHit> take() {
    std::vector<IndexHit> all(hits_.size());
    for (auto to = all.rbegin(); to != all.rend(); ++to) {
      *to = hits_.top();
      hits_.pop();
    }
    return all;
  }

 private:
  struct Newer {
    bool operator()(const IndexHit& a, const IndexHit& b) const { return a.position > b.position; }
  };
  const std::size_t limit_;
  std::priority_queue<IndexHit, std::vector<IndexHit>, Newer> hits_;  // top: the oldest
};

// A search in slices: between two of them nothing of the file is held, and others search.
class Search {
 public:
  Search(IndexQuery query, search::Pattern pattern)
      : query_(std::move(query)), pattern_(std::move(pattern)), hits_(query_.limit) {
    if (query_.limit == 0) query_.scopes.clear();
  }

  // True: everything has been looked at. kTimeout when it is late.
  Result<bool> go_on(Database& db, const Slice& slice) {
    if (slice.late()) return too_long();
    const Snapshot snapshot(db);
    if (!snapshot.begun()) return snapshot.begun().error();
    while (listed_ < query_.scopes.size()) {
      if (auto status = list_some(db); !status) return status.error();
      if (slice.over()) return to_be_continued(slice);
    }
    while (at_ < candidates_.size()) {
      // Conversations come by their newest message: the rest has nothing that is new enough.
      if (candidates_[at_].newest <= hits_.floor()) break;
      auto whole = look(db, slice);
      if (!whole) return whole.error();
      if (*whole) next_candidate();
      if (slice.over() || !*whole) return to_be_continued(slice);
    }
    return true;
  }
  std::vector<IndexHit> take() { return hits_.take(); }
  [[nodiscard]] const UserId& reader() const { return query_.reader; }
  // Whether a slice has brought it on; if not, the next one must be longer.
  [[nodiscard]] bool came_on() { return std::exchange(came_on_, false); }

 private:
  static Result<bool> to_be_continued(const Slice& slice) {
    if (slice.late()) return too_long();
    return false;
  }

  // Those of the scopes that the index knows, at last with the one with the newest message first.
  Status list_some(Database& db) {
    constexpr std::size_t kAtOnce = 64;
    for (std::size_t n = 0; n < kAtOnce && listed_ < query_.scopes.size(); ++n) {
      const IndexScope& scope = query_.scopes[listed_++];
      if (scope.to != 0 && scope.to < scope.from) continue;
      Query row = db.query("SELECT num,newest FROM conversation WHERE id=?1");
      if (row.bind(scope.conversation).next()) {
        candidates_.push_back({scope, row.number(0), row.number(1)});
      }
      if (auto status = row.status(); !status) return status;
    }
    came_on_ = true;
    if (listed_ < query_.scopes.size()) return {};
    std::sort(candidates_.begin(), candidates_.end(),
              [](const Candidate& a, const Candidate& b) { return a.newest > b.newest; });
    return {};
  }

  void next_candidate() {
    ++at_;
    before_ = 0;
    taken_ = 0;
    came_on_ = true;
  }

  // False: the slice ended in the midst of it.
  Result<bool> look(Database& db, const Slice& slice) {
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const Candidate& candidate = candidates_[at_];
    const std::string match = match_text(prefix_of(candidate.num), pattern_);
    const std::uint64_t before = before_ != 0 ? before_ : query_.before;
    const Interruptible working(db, [&slice] { return slice.over(); });
    Query rows = db.query(
        "SELECT w.rowid,m.seq,m.only_for FROM word w CROSS JOIN message m ON m.position=w.rowid"
        " WHERE w.terms MATCH CAST(?1 AS TEXT) AND w.rowid<?2 AND w.rowid>?3"
        " ORDER BY w.rowid DESC");
    rows.bind(match, before == 0 ? kMax : std::min(before, kMax), hits_.floor());
    while (taken_ < query_.limit && rows.next()) {
      before_ = rows.number(0);
      came_on_ = true;
      const std::uint64_t seq = rows.number(1);
      const IndexScope& scope = candidate.scope;
      if (seq < scope.from) return true;  // what is older has smaller ones
      const bool above = scope.to != 0 && seq > scope.to;
      if (!above && (rows.null(2) || rows.view(2) == query_.reader.view())) {
        hits_.add({scope.conversation, seq, before_});
        ++taken_;
      }
      if (slice.over()) return false;
    }
    if (working.interrupted()) return false;
    if (auto status = rows.status(); !status) return status.error();
    return true;
  }

  IndexQuery query_;
  const search::Pattern pattern_;
  NewestHits hits_;
  std::size_t listed_ = 0;  // scopes
  std::vector<Candidate> candidates_;
  std::size_t at_ = 0;     // the candidate that is looked at …
  Position before_ = 0;    // … from here on; 0 = from the newest …
  std::size_t taken_ = 0;  // … and what it has given already
  bool came_on_ = false;
};

Result<std::vector<std::uint64_t>> marks_of(Database& db, const std::vector<ConversationId>& ids) {
  std::vector<std::uint64_t> marks;
  marks.reserve(ids.size());
  for (const ConversationId& id : ids) {
    Query row = db.query("SELECT upto FROM conversation WHERE id=?1");
    marks.push_back(row.bind(id).next() ? row.number(0) : 0);
    if (auto status = row.status(); !status) return status.error();
  }
  return marks;
}

// FTS5 meets some damage as a constraint that fails, or a statement that makes no sense. Statements of
// this file do neither by themselves.
Error as_damage(Error error) {
  if (error.code == ErrorCode::kInternal) error.code = ErrorCode::kCacheCorrupt;
  return error;
}

// An index of other terms finds nothing of a new query: it is as useless as a damaged one. Reads a word of
// it, too: damage of FTS5's own tables shows here.
Status bring_to_rule(Database& db) {
  bool known = false;
  {
    Query word = db.query("SELECT rowid FROM word WHERE terms MATCH 'a' LIMIT 1");
    (void)word.next();
    if (auto status = word.status(); !status) return status;
    Query rule = db.query("SELECT value FROM meta WHERE key='rule'");
    known = rule.next();
    if (known && rule.number(0) == search::rule_version) return {};
    if (auto status = rule.status(); !status) return status;
  }
  if (known) return make_error(ErrorCode::kCacheCorrupt, "a search index of other terms");
  return db.query("INSERT OR REPLACE INTO meta VALUES('rule',?1)")
      .bind(std::uint64_t{search::rule_version})
      .run();
}

Result<Position> complete_of(Database& db) {
  Query row = db.query("SELECT value FROM meta WHERE key='complete'");
  if (row.next()) return row.number(0);
  if (auto status = row.status(); !status) return status.error();
  return make_error(ErrorCode::kCacheCorrupt, "the search index has no position");
}

Error not_open() {
  return make_error(ErrorCode::kUnavailable, "the search index begins anew");
}

void remove_files(const std::string& path) {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm", kDamagedSuffix}) {
    std::filesystem::remove(path + suffix, ignored);
  }
}

}  // namespace

Result<std::unique_ptr<SearchIndexSqlite>> SearchIndexSqlite::open(const std::string& path,
                                                                   Executor& executor,
                                                                   std::uint64_t pages_max) {
  if (std::filesystem::exists(path + kDamagedSuffix)) remove_files(path);
  auto opened = connect(path, pages_max);
  const auto of_no_use = [](ErrorCode code) {
    return code == ErrorCode::kCacheCorrupt || code == ErrorCode::kCacheTooNew;
  };
  if (!opened && of_no_use(opened.error().code)) opened = connect_anew(path, pages_max);
  if (!opened) return opened.error();
  std::unique_ptr<SearchIndexSqlite> index(
      new SearchIndexSqlite(path, pages_max, std::move(*opened), executor));
  index->writing_.run(yield_to_all_others);
  return index;
}

Result<SearchIndexSqlite::Opened> SearchIndexSqlite::connect(const std::string& path,
                                                             std::uint64_t pages_max) {
  Database::Options options{path, kSchemaVersion, kSchema, pages_max};
  options.cache_pages = kCachePages;
  options.checkpoint_pages = kCheckpointPages;
  options.vfs = gentle_vfs();
  options.synchronous = "NORMAL";
  options.pragmas = kPragmas;
  auto writer = Database::open(options);
  if (!writer) return as_damage(writer.error());
  if (auto fit = bring_to_rule(**writer); !fit) return as_damage(fit.error());
  options.schema = nullptr;
  options.vfs = nullptr;  // see gentle_vfs()
  auto reader = Database::open(options);
  if (!reader) return as_damage(reader.error());
  // A damaged file shows here rather than at the first search.
  if (auto complete = complete_of(**reader); !complete) return as_damage(complete.error());
  return Opened{std::move(*writer), std::move(*reader)};
}

Result<SearchIndexSqlite::Opened> SearchIndexSqlite::connect_anew(const std::string& path,
                                                                  std::uint64_t pages_max) {
  remove_files(path);
  return connect(path, pages_max);
}

SearchIndexSqlite::SearchIndexSqlite(std::string path, std::uint64_t pages_max, Opened opened,
                                     Executor& executor)
    : path_(std::move(path)),
      pages_max_(pages_max),
      writer_(std::move(opened.writer)),
      reader_(std::move(opened.reader)),
      executor_(executor) {}

SearchIndexSqlite::~SearchIndexSqlite() {
  *alive_ = false;
  closing_ = true;  // who searches gives up
  reading_.stop();
  writing_.stop();
}

template <class T>
void SearchIndexSqlite::tell(const std::shared_ptr<bool>& alive, Done<T> done, Result<T> result) {
  if (!result) {
    result = as_damage(result.error());
    note_damage(result.error());
  }
  executor_.post([alive, done = std::move(done), result = std::move(result)]() mutable {
    if (*alive) done(std::move(result));
  });
}

// Any thread: the next open() finds it.
void SearchIndexSqlite::note_damage(const Error& error) const {
  if (error.code == ErrorCode::kCacheCorrupt) {
    std::ofstream(path_ + kDamagedSuffix) << error.message << "\n";
  }
}

Result<Position> SearchIndexSqlite::complete() {
  auto complete = complete_of(*reader_);
  if (!complete) return as_damage(complete.error());
  return complete;
}

// Each connection is given up and taken on its own thread.
void SearchIndexSqlite::begin_anew(Done<void> done) {
  reading_.run([this, alive = alive_, done = std::move(done)] {
    reader_.reset();
    ++generation_;
    writing_.run([this, alive, done] {
      writer_.reset();
      auto opened = connect_anew(path_, pages_max_);
      if (!opened) return tell<void>(alive, done, opened.error());
      writer_ = std::move(opened->writer);
      auto reader = std::make_shared<std::unique_ptr<Database>>(std::move(opened->reader));
      reading_.run([this, alive, done, reader] {
        reader_ = std::move(*reader);
        tell<void>(alive, done, {});
      });
    });
  });
}

void SearchIndexSqlite::add(std::shared_ptr<const IndexBatch> batch, Done<void> done) {
  writing_.run([this, alive = alive_, batch = std::move(batch), done = std::move(done)] {
    tell<void>(alive, done, writer_ ? Writer(*writer_, *batch).run() : Status(not_open()));
  });
}

void SearchIndexSqlite::marks(const std::vector<ConversationId>& ids,
                              Done<std::vector<std::uint64_t>> done) {
  // Of the writer's connection: what was added is there.
  writing_.run([this, alive = alive_, ids, done = std::move(done)] {
    tell<std::vector<std::uint64_t>>(alive, done, writer_ ? marks_of(*writer_, ids) : not_open());
  });
}

// A search and who waits for it.
struct SearchIndexSqlite::Job {
  Job(const IndexQuery& query, search::Pattern pattern, const std::atomic<bool>& closing)
      : patience(query.time_limit, closing),
        search(query, std::move(pattern)),
        spent(query.spent) {}
  const Patience patience;
  Search search;
  std::function<void(Micros)> spent;
  Done<std::vector<IndexHit>> done;
  Micros slice = kSlice;
  Micros used{0};
  std::optional<std::uint64_t> generation;  // of the file, once it has begun
};

void SearchIndexSqlite::find(const IndexQuery& query, Done<std::vector<IndexHit>> done) {
  auto pattern = search::parse(query.text);
  if (!pattern) return done(pattern.error());
  auto job = std::make_shared<Job>(query, std::move(*pattern), closing_);
  job->done = std::move(done);
  wait_for_turn(std::move(job));
}

void SearchIndexSqlite::wait_for_turn(std::shared_ptr<Job> job) {
  const UserId reader = job->search.reader();
  {
    const std::lock_guard lock(turns_mutex_);
    turns_.add(reader, std::move(job));
    waiting_ = turns_.waiting_besides(served_);
  }
  reading_.run([this, alive = alive_] { read_on(alive); });
}

// One slice of the search whose turn it is.
void SearchIndexSqlite::read_on(const std::shared_ptr<bool>& alive) {
  std::shared_ptr<Job> job;
  {
    const std::lock_guard lock(turns_mutex_);
    job = *turns_.take();  // as many of them as there are calls
    served_ = job->search.reader();
    waiting_ = turns_.waiting_besides(served_);
  }
  const Slice slice(job->slice, job->patience, waiting_);
  if (!job->generation) job->generation = generation_;
  const bool same = reader_ && *job->generation == generation_;
  const auto whole = same ? job->search.go_on(*reader_, slice) : Result<bool>(not_open());
  const Micros used = slice.used();
  job->used += used;
  {
    const std::lock_guard lock(turns_mutex_);
    turns_.charge(job->search.reader(), used);
  }
  if (whole && !*whole) {
    job->slice = job->search.came_on() ? kSlice : std::min(2 * job->slice, kSliceMax);
    return wait_for_turn(std::move(job));
  }
  auto done = [spent = job->spent, used = job->used,
               done = std::move(job->done)](Result<std::vector<IndexHit>> hits) {
    if (spent) spent(used);
    done(std::move(hits));
  };
  if (!whole) return tell<std::vector<IndexHit>>(alive, std::move(done), whole.error());
  tell<std::vector<IndexHit>>(alive, std::move(done), job->search.take());
}

}  // namespace kith::server
