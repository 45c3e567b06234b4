// The search index in one SQLite file (search.db), on FTS5.
#include "server/adapters/embedded/search_index_sqlite.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <utility>

#include "server/adapters/embedded/search_index_rows_sqlite.h"
#include "server/adapters/embedded/search_walk_sqlite.h"

namespace kith::server {

namespace {

// Says that the file is damaged: it is not opened any more.
constexpr const char* kDamagedSuffix = ".damaged";

using Clock = std::chrono::steady_clock;
using Micros = std::chrono::microseconds;

// While other people wait, a search goes on for so long at a time; one that gets nowhere in it (a step inside
// FTS5 cannot be continued) for twice as long the next time, up to the second.
constexpr Micros kSlice{4'000};
constexpr Micros kSliceMax{32'000};

// FTS5 meets some damage as a constraint that fails, or a statement that makes no sense. Statements of
// this file do neither by themselves.
Error as_damage(Error error) {
  if (error.code == ErrorCode::kInternal) error.code = ErrorCode::kCacheCorrupt;
  return error;
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
  std::optional<Error> made_anew;
  if (!opened && opened.error().code == ErrorCode::kCacheTooOld) {
    made_anew = make_error(ErrorCode::kCacheCorrupt, opened.error().message);
  }
  if (!opened && (made_anew || of_no_use(opened.error().code))) {
    opened = connect_anew(path, pages_max);
  }
  if (!opened) return opened.error();
  std::unique_ptr<SearchIndexSqlite> index(
      new SearchIndexSqlite(path, pages_max, std::move(*opened), executor));
  index->made_anew_ = std::move(made_anew);
  index->writing_.run(yield_to_all_others);
  return index;
}

Result<SearchIndexSqlite::Opened> SearchIndexSqlite::connect(const std::string& path,
                                                             std::uint64_t pages_max) {
  Database::Options options = search_index_options(path, pages_max);
  auto writer = Database::open(options);
  if (!writer) return as_damage(writer.error());
  if (auto fit = bring_to_rule(**writer); !fit) return as_damage(fit.error());
  options.schema = nullptr;
  options.vfs = nullptr;  // see gentle_vfs()
  auto reader = Database::open(options);
  if (!reader) return as_damage(reader.error());
  // A damaged file shows here rather than at the first search.
  if (auto complete = complete_of(**reader, 0); !complete) return as_damage(complete.error());
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
void SearchIndexSqlite::answer(const std::shared_ptr<bool>& alive, Done<T> done, Result<T> result) {
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

Result<Position> SearchIndexSqlite::complete(std::uint32_t partition) {
  if (made_anew_) return *made_anew_;
  auto complete = complete_of(*reader_, partition);
  if (!complete) return as_damage(complete.error());
  return complete;
}

// Each connection is given up and taken on its own thread.
void SearchIndexSqlite::begin_anew(Done<void> done) {
  made_anew_.reset();
  reading_.run([this, alive = alive_, done = std::move(done)] {
    reader_.reset();
    ++generation_;
    writing_.run([this, alive, done] {
      writer_.reset();
      auto opened = connect_anew(path_, pages_max_);
      if (!opened) return answer<void>(alive, done, opened.error());
      writer_ = std::move(opened->writer);
      auto reader = std::make_shared<std::unique_ptr<Database>>(std::move(opened->reader));
      reading_.run([this, alive, done, reader] {
        reader_ = std::move(*reader);
        answer<void>(alive, done, {});
      });
    });
  });
}

void SearchIndexSqlite::add(std::shared_ptr<const IndexBatch> batch, Done<void> done) {
  writing_.run([this, alive = alive_, batch = std::move(batch), done = std::move(done)] {
    answer<void>(alive, done, writer_ ? write_index_batch(*writer_, *batch) : Status(not_open()));
  });
}

void SearchIndexSqlite::marks(const std::vector<ConversationId>& ids,
                              Done<std::vector<std::uint64_t>> done) {
  // Uses the writer's connection, which sees added batches.
  writing_.run([this, alive = alive_, ids, done = std::move(done)] {
    answer<std::vector<std::uint64_t>>(alive, done, writer_ ? marks_of(*writer_, ids) : not_open());
  });
}

// A search and who waits for it.
struct SearchIndexSqlite::Job {
  Job(const IndexQuery& query, search::Pattern pattern, const std::atomic<bool>& closing)
      : patience(query.time_limit, closing),
        search(query, std::move(pattern)),
        spent(query.spent) {}
  const Patience patience;
  SearchWalk search;
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
  const SearchSlice slice(job->slice, job->patience, waiting_);
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
  if (!whole) return answer<std::vector<IndexHit>>(alive, std::move(done), whole.error());
  answer<std::vector<IndexHit>>(alive, std::move(done), job->search.take());
}

}  // namespace kith::server
