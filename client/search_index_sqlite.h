// SearchIndex: the full-text index inside cache.db, written in the transactions that write the
// events.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "client/cache_store.h"
#include "src/sqlite/database_sqlite.h"

namespace kith::client {

// An FTS5 table that holds terms only (the text is in the event), whose row numbers are places in
// the order of hits, so that the newest come first without sorting; and a table from such a number
// to the event. One thread at a time.
class SearchIndex {
 public:
  // Statements of the schema, those that bring a cache without an index up, and those that begin an
  // index of other terms (search::rule_version) anew.
  static const char* const kTables;
  static const char* const kUpgrade;
  static const char* const kUpgradeTerms;

  explicit SearchIndex(Database& cache) : cache_(cache) {}

  // Inside a transaction of the cache. An event that is indexed already is left alone.
  void add(const StoredEvent& event);
  void clear();

  // See CacheStore.
  Result<std::vector<FoundEvent>> find(const SearchRequest& request);
  Result<bool> index_more(std::size_t events);
  Result<bool> behind();

 private:
  Database& cache_;
};

}  // namespace kith::client
