// The tables of the search index (search.db), and how a batch comes into them.
#include "server/adapters/embedded/search_index_rows_sqlite.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>

#include "server/adapters/embedded/gentle_vfs_sqlite.h"
#include "src/search_terms.h"

namespace kith::server {

namespace {

constexpr int kSchemaVersion = 2;
// Contentless: the store has the texts. Without the sizes of rows, which only ranking by relevance
// would need. `jumped`: a message has a smaller place than one of a smaller seq.
constexpr const char* kSchema =
    "CREATE TABLE conversation(num INTEGER PRIMARY KEY,id BLOB UNIQUE,upto INT,newest INT,"
    "jumped INT);"
    "CREATE TABLE message(place INTEGER PRIMARY KEY,conversation INT,seq INT,only_for BLOB);"
    "CREATE VIRTUAL TABLE word USING fts5(terms,content='',columnsize=0,tokenize='ascii');"
    "CREATE TABLE complete(partition INTEGER PRIMARY KEY,position INT);"
    "CREATE TABLE meta(key TEXT PRIMARY KEY,value INT) WITHOUT ROWID";
// The store keeps the texts: rows that are deleted here need not be overwritten with zeros.
constexpr const char* kPragmas = "PRAGMA secure_delete=FAST;";
constexpr std::uint64_t kCachePages = 4'096;       // 16 MiB
constexpr std::uint64_t kCheckpointPages = 4'096;  // 16 MiB

std::string row_text(const std::string& prefix, std::string_view text) {
  std::string row;
  for (const search::Term& term : search::terms(text)) row.append(prefix).append(term.text) += ' ';
  return row;
}

// A conversation during one batch, whose messages come by place.
struct Entry {
  std::uint64_t num = 0;
  std::uint64_t upto = 0;  // as it was before
  std::uint64_t newest = 0;
  bool jumped = false;
  std::uint64_t newest_before = newest;
  std::uint64_t ms = 0;
  std::uint64_t seq_of_ms = 0;          // the highest of this millisecond …
  std::uint64_t seq_of_earlier_ms = 0;  // … and of those before it

  // Before the message is put.
  void pass(const IndexedMessage& message) {
    const std::uint64_t its_ms = message.place >> index_place_bits;
    if (its_ms != ms) seq_of_earlier_ms = std::max(seq_of_earlier_ms, seq_of_ms);
    ms = its_ms;
    const bool back = ms < newest_before >> index_place_bits;
    jumped = jumped || back || message.seq < seq_of_earlier_ms;
    seq_of_ms = std::max(seq_of_ms, message.seq);
  }
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
    std::sort(messages.begin(), messages.end(), [](const auto* a, const auto* b) {
      return std::tie(a->place, a->conversation, a->seq) <
             std::tie(b->place, b->conversation, b->seq);
    });
    for (const IndexedMessage* message : messages) {
      if (auto put = put_message(*message); !put) return put;
    }
    if (auto put = put_marks(); !put) return put;
    return writing.commit();
  }

 private:
  Result<Entry*> entry(const ConversationId& id) {
    if (const auto known = entries_.find(id); known != entries_.end()) return &known->second;
    auto found = stored(id);
    if (!found) return found.error();
    return &entries_.emplace(id, *found).first->second;
  }

  Result<Entry> stored(const ConversationId& id) {
    Query known = db_.query("SELECT num,upto,newest,jumped FROM conversation WHERE id=?1");
    if (known.bind(id).next()) {
      return Entry{known.number(0), known.number(1), known.number(2), known.number(3) != 0};
    }
    if (auto status = known.status(); !status) return status.error();
    Query fresh =
        db_.query("INSERT INTO conversation(id,upto,newest,jumped) VALUES(?1,0,0,0) RETURNING num");
    if (fresh.bind(id).next()) return Entry{fresh.number(0)};
    if (auto status = fresh.status(); !status) return status.error();
    return make_error(ErrorCode::kInternal, "SQLite gave a conversation no number");
  }

  // At its place, or at the next free one.
  Status put_message(const IndexedMessage& message) {
    const auto where = entry(message.conversation);
    if (!where) return where.error();
    if (message.seq <= (*where)->upto) return {};
    const std::string words = row_text(term_prefix((*where)->num), message.text);
    if (words.empty()) return {};
    (*where)->pass(message);
    std::optional<std::string_view> only_for;
    if (!message.only_for.empty()) only_for = message.only_for.view();
    for (std::uint64_t place = message.place; place <= message.place + index_moves_max; ++place) {
      Query row = db_.query("INSERT OR IGNORE INTO message VALUES(?1,?2,?3,?4)");
      row.bind(place, (*where)->num, message.seq, only_for);
      if (auto put = row.run(); !put) return put;
      if (db_.changes() != 0) {
        (*where)->newest = std::max((*where)->newest, place);
        Query text = db_.query("INSERT INTO word(rowid,terms) VALUES(?1,CAST(?2 AS TEXT))");
        return text.bind(place, words).run();
      }
      const auto same = is_there(message, place, (*where)->num);
      if (!same) return same.error();
      if (*same) return {};
    }
    return make_error(ErrorCode::kCacheCorrupt,
                      "place " + std::to_string(message.place) + " of the search index is full");
  }

  Result<bool> is_there(const IndexedMessage& message, std::uint64_t place, std::uint64_t num) {
    Query there = db_.query("SELECT conversation,seq FROM message WHERE place=?1");
    const bool found = there.bind(place).next();
    if (auto status = there.status(); !status) return status.error();
    return found && there.number(0) == num && there.number(1) == message.seq;
  }

  Status put_marks() {
    for (const auto& [id, upto] : batch_.marks) {
      const auto where = entry(id);
      if (!where) return where.error();
      (*where)->upto = std::max((*where)->upto, upto);
    }
    for (const auto& [id, entry] : entries_) {
      Query row = db_.query("UPDATE conversation SET upto=?2,newest=?3,jumped=?4 WHERE num=?1");
      row.bind(entry.num, entry.upto, entry.newest, entry.jumped);
      if (auto put = row.run(); !put) return put;
    }
    if (batch_.complete == 0) return {};
    Query row = db_.query("INSERT OR REPLACE INTO complete VALUES(?1,?2)");
    return row.bind(batch_.partition, batch_.complete).run();
  }

  Database& db_;
  const IndexBatch& batch_;
  std::map<ConversationId, Entry> entries_;
};

}  // namespace

Database::Options search_index_options(const std::string& path, std::uint64_t pages_max) {
  Database::Options options{path, kSchemaVersion, kSchema, pages_max};
  options.cache_pages = kCachePages;
  options.checkpoint_pages = kCheckpointPages;
  options.vfs = gentle_vfs();
  options.synchronous = "NORMAL";
  options.pragmas = kPragmas;
  // Version 1 was ordered by position: it is derived, so it is not upgraded but made anew.
  options.refuse_if = "SELECT 1";
  options.refusal = "written by an earlier release, in another order";
  return options;
}

// 'z' is no digit: where the number ends is clear.
std::string term_prefix(std::uint64_t num) {
  std::array<char, 17> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size() - 1, num, 16).ptr;
  *end = 'z';
  return {text.data(), end + 1};
}

Status write_index_batch(Database& db, const IndexBatch& batch) {
  return Writer(db, batch).run();
}

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

Result<Position> complete_of(Database& db, std::uint32_t partition) {
  Query row = db.query("SELECT position FROM complete WHERE partition=?1");
  if (row.bind(partition).next()) return row.number(0);
  if (auto status = row.status(); !status) return status.error();
  return Position{0};
}

}  // namespace kith::server
