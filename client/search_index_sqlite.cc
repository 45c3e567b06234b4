// SearchIndex on SQLite's FTS5.
#include "client/search_index_sqlite.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "client/searchable.h"
#include "src/search_terms.h"

namespace kith::client {
namespace {

// A word that stands at the head of every message of a conversation and that no text has: with it a
// search in one conversation reads the list of its messages, not that of all messages with a word.
std::string word_of(const ConversationId& conversation) {
  return "_" + conversation.to_string();
}

std::string words_of(const ConversationId& conversation, const std::string& text) {
  std::string words = word_of(conversation);
  for (const search::Term& term : search::terms(text)) {
    words += ' ';
    words += term.text;
  }
  return words;
}

// No term has a quotation mark in it.
std::string match_of(const SearchRequest& request) {
  std::string match;
  if (!request.conversation.empty()) match = '"' + word_of(request.conversation) + '"';
  for (const search::Phrase& phrase : request.pattern.phrases) {
    if (!match.empty()) match += " AND ";
    match += '"';
    for (std::size_t i = 0; i < phrase.terms.size(); ++i) {
      if (i > 0) match += ' ';
      match += phrase.terms[i];
    }
    match += phrase.prefix ? "\" *" : "\"";
  }
  return match;
}

struct Backlog {
  std::string conversation;
  std::uint64_t seq = 0;
};

// The last event that has been brought up; nothing if all are.
Result<std::optional<Backlog>> backlog_of(Database& cache) {
  std::optional<Backlog> found;
  const Status read =
      cache.each("SELECT conversation, seq FROM term_backlog", [&](const Query& row) {
        found = Backlog{row.bytes(0), row.get<std::uint64_t>(1)};
      });
  if (!read) return read.error();
  return found;
}

}  // namespace

// No sizes of rows: nothing is ranked by them. One letter that begins a word has a list of its own:
// without it, 20 ms of lists are joined in a cache of 200,000 messages.
const char* const SearchIndex::kTables =
    "CREATE VIRTUAL TABLE IF NOT EXISTS term USING fts5(terms, content='', columnsize=0, "
    "prefix='1',"
    " tokenize=\"ascii tokenchars '_'\");"
    "CREATE TABLE IF NOT EXISTS term_place(number INTEGER PRIMARY KEY, conversation BLOB NOT NULL,"
    " seq INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS term_backlog(one INTEGER PRIMARY KEY CHECK(one=1), conversation"
    " BLOB NOT NULL, seq INTEGER NOT NULL);";

const char* const SearchIndex::kUpgrade =
    "CREATE TABLE IF NOT EXISTS term_backlog(one INTEGER PRIMARY KEY CHECK(one=1), conversation"
    " BLOB NOT NULL, seq INTEGER NOT NULL);"
    "INSERT OR REPLACE INTO term_backlog VALUES(1, x'', 0);";

static_assert(search::rule_version == 2, "other terms need a new upgrade");
const char* const SearchIndex::kUpgradeTerms =
    "DROP TABLE IF EXISTS term;DROP TABLE IF EXISTS term_place;"
    "INSERT OR REPLACE INTO term_backlog VALUES(1, x'', 0);";

void SearchIndex::add(const StoredEvent& event) {
  const auto found = searchable(event);
  if (!found) return;
  std::uint64_t number = found->place;
  for (;; ++number) {
    Query take = cache_.query("INSERT OR IGNORE INTO term_place VALUES(?,?,?)");
    take.integer(number).blob(event.conversation.view()).integer(event.seq);
    if (cache_.run(take) != Database::Step::kDone) return;
    if (cache_.changes() == 1) break;
    Query taken = cache_.query("SELECT conversation, seq FROM term_place WHERE number=?");
    if (cache_.run(taken.integer(number)) != Database::Step::kRow) return;
    if (taken.get<std::uint64_t>(1) == event.seq &&
        taken.id<ConversationId>(0) == event.conversation)
      return;
  }
  Query row = cache_.query("INSERT INTO term(rowid, terms) VALUES(?,?)");
  cache_.run(row.integer(number).text(words_of(event.conversation, found->text)));
}

void SearchIndex::clear() {
  for (const char* sql : {"DELETE FROM term_place", "DELETE FROM term_backlog",
                          "INSERT INTO term(term) VALUES('delete-all')"}) {
    Query row = cache_.query(sql);
    cache_.run(row);
  }
}

Result<std::vector<FoundEvent>> SearchIndex::find(const SearchRequest& request) {
  std::vector<FoundEvent> found;
  if (request.pattern.phrases.empty() || request.limit == 0) return found;
  // CROSS: in this order, so that the index delivers the newest first and the limit ends the search.
  Query row = cache_.query(
      "SELECT term.rowid, e.conversation, e.seq, e.message, e.ordinal, e.bytes FROM term"
      " CROSS JOIN term_place p ON p.number=term.rowid"
      " CROSS JOIN event e ON e.conversation=p.conversation AND e.seq=p.seq"
      " WHERE term MATCH ?1 AND term.rowid<?2 ORDER BY term.rowid DESC LIMIT ?3");
  const std::uint64_t before = request.before == 0 ? INT64_MAX : request.before;
  row.text(match_of(request))
      .integer(std::min<std::uint64_t>(before, INT64_MAX))
      .integer(std::min<std::uint64_t>(request.limit, INT64_MAX));
  while (row.next()) {
    found.push_back({{row.id<ConversationId>(1), row.get<std::uint64_t>(2), row.id<MessageId>(3),
                      row.get<std::uint64_t>(4), row.bytes(5)},
                     row.get<std::uint64_t>(0)});
  }
  if (Status read = row.status(); !read) return read.error();
  return found;
}

Result<bool> SearchIndex::behind() {
  const auto backlog = backlog_of(cache_);
  if (!backlog) return backlog.error();
  return backlog->has_value();
}

Result<bool> SearchIndex::index_more(std::size_t events) {
  const auto backlog = backlog_of(cache_);
  if (!backlog) return backlog.error();
  if (!*backlog) return false;
  std::vector<StoredEvent> slice;
  {
    Query row = cache_.query(
        "SELECT conversation, seq, message, ordinal, bytes FROM event"
        " WHERE (conversation, seq) > (?1, ?2) ORDER BY conversation, seq LIMIT ?3");
    row.blob((*backlog)->conversation).integer((*backlog)->seq).integer(events);
    while (row.next()) {
      slice.push_back({row.id<ConversationId>(0), row.get<std::uint64_t>(1), row.id<MessageId>(2),
                       row.get<std::uint64_t>(3), row.bytes(4)});
    }
    if (Status read = row.status(); !read) return read.error();
  }
  const bool more = slice.size() == events && events > 0;
  const Status done = cache_.transaction([&] {
    for (const StoredEvent& event : slice) add(event);
    if (more) {
      Query row = cache_.query("UPDATE term_backlog SET conversation=?, seq=?");
      cache_.run(row.blob(slice.back().conversation.view()).integer(slice.back().seq));
    } else {
      Query row = cache_.query("DELETE FROM term_backlog");
      cache_.run(row);
    }
  });
  if (!done) return done.error();
  return more;
}

}  // namespace kith::client
