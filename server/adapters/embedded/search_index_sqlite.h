// The search index in one SQLite file (search.db), on FTS5. Two threads: one writes, for which nobody
// waits and which leaves the processor to everybody else, and one searches: in slices, by turns.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "kith/core/executor.h"
#include "kith/server/ports/search_index.h"
#include "server/adapters/embedded/fair_turns.h"
#include "server/adapters/embedded/worker.h"

namespace kith {
class Database;
}  // namespace kith

namespace kith::server {

class SearchIndexSqlite : public SearchIndex {
 public:
  // Opens or creates `path`; one that is damaged is removed first. `executor` runs the callbacks and
  // outlives the index. `pages_max` limits the file's size (4 KiB pages); 0 = the disk. Fails with
  // kCacheTooNew, kDiskFull, kIo.
  static Result<std::unique_ptr<SearchIndexSqlite>> open(const std::string& path,
                                                         Executor& executor,
                                                         std::uint64_t pages_max = 0);
  // Finishes what was handed over and joins; no callback comes afterwards.
  ~SearchIndexSqlite() override;

  // kCacheCorrupt once for a file of an earlier release, which open() has replaced: its server then says so.
  Result<Position> complete(std::uint32_t partition) override;
  void begin_anew(Done<void> done) override;
  void add(std::shared_ptr<const IndexBatch> batch, Done<void> done) override;
  void marks(const std::vector<ConversationId>& ids,
             Done<std::vector<std::uint64_t>> done) override;
  void find(const IndexQuery& query, Done<std::vector<IndexHit>> done) override;

 private:
  struct Opened {
    std::unique_ptr<Database> writer;
    std::unique_ptr<Database> reader;
  };
  // Opens a usable file; creates it if there is none.
  static Result<Opened> connect(const std::string& path, std::uint64_t pages_max);
  static Result<Opened> connect_anew(const std::string& path, std::uint64_t pages_max);
  SearchIndexSqlite(std::string path, std::uint64_t pages_max, Opened opened, Executor& executor);
  struct Job;
  void wait_for_turn(std::shared_ptr<Job> job);
  void read_on(const std::shared_ptr<bool>& alive);
  template <class T>
  void answer(const std::shared_ptr<bool>& alive, Done<T> done, Result<T> result);
  void note_damage(const Error& error) const;

  const std::string path_;
  const std::uint64_t pages_max_;
  std::unique_ptr<Database> writer_;  // its worker's thread, once that has begun
  std::unique_ptr<Database> reader_;  // likewise; both null while the index cannot be opened anew
  Executor& executor_;
  std::optional<Error> made_anew_;  // of an earlier release; thread of the executor
  std::uint64_t generation_ = 0;    // of the file; the reader's thread
  std::mutex turns_mutex_;
  FairTurns<std::shared_ptr<Job>> turns_;  // guarded by the mutex, …
  UserId served_;                          // … as is whose slice it is
  std::atomic<std::size_t> waiting_ = 0;   // searches of other people
  std::atomic<bool> closing_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // thread of the executor
  Worker writing_{"kith-index"};
  Worker reading_{"kith-search"};
};

}  // namespace kith::server
