// The embedded search indexes against the suite of their port, and what is the file's alone: damage.
#include <gtest/gtest.h>

#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "kith/conformance/search_index_suite.h"
#include "server/adapters/embedded/embedded.h"
#include "server/adapters/embedded/search_index_memory.h"
#include "server/adapters/embedded/search_index_sqlite.h"
#include "tests/conformance/scratch_directory.h"

namespace kith::server {
namespace {

using namespace conformance;

constexpr std::uint64_t kFewPages = 60;

struct MemoryIndex {
  DrainedScheduler loop;
  std::shared_ptr<SearchIndexMemory::Disk> disk = std::make_shared<SearchIndexMemory::Disk>();
  DrainedScheduler& scheduler() { return loop; }
  std::unique_ptr<SearchIndex> open() {
    disk->add_fault = nullptr;
    return std::make_unique<SearchIndexMemory>(disk, loop);
  }
  std::unique_ptr<SearchIndex> open_nearly_full() {
    disk->add_fault = [this]() -> std::optional<Error> {
      if (disk->messages.size() < 5) return std::nullopt;
      return make_error(ErrorCode::kDiskFull, "full");
    };
    return std::make_unique<SearchIndexMemory>(disk, loop);
  }
};
struct SqliteIndex {
  DrainedScheduler loop;
  ScratchDirectory dir;
  DrainedScheduler& scheduler() { return loop; }
  std::unique_ptr<SearchIndex> open(std::uint64_t pages_max = 0) {
    auto index = SearchIndexSqlite::open(dir.file("search.db"), loop, pages_max);
    EXPECT_TRUE(index.ok()) << index.error().to_string();
    return std::move(*index);
  }
  std::unique_ptr<SearchIndex> open_nearly_full() { return open(kFewPages); }
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, SearchIndexSuite, MemoryIndex);
INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, SearchIndexSuite, SqliteIndex);

IndexBatch some(std::uint64_t from, std::uint64_t to) {
  IndexBatch batch;
  const auto room = id_of<ConversationId>(1);
  for (std::uint64_t n = from; n <= to; ++n) {
    batch.messages.push_back({room, n, n, "word" + std::to_string(n % 100) + " tea"});
  }
  batch.marks = {{room, to}};
  batch.complete = to;
  return batch;
}

TEST(SearchIndexSqlite, AFileThatIsNoDatabaseIsBegunAnew) {
  SqliteIndex factory;
  std::ofstream(factory.dir.file("search.db")) << std::string(10'000, 'x');
  EXPECT_EQ(factory.open()->complete(0).value(), 0u);
}

// Its order was another one. The file is replaced, and the server says so once.
TEST(SearchIndexSqlite, AnIndexOfAnEarlierReleaseIsMadeAnew) {
  SqliteIndex factory;
  const std::string path = factory.dir.file("search.db");
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(
      sqlite3_exec(
          db,
          "CREATE TABLE conversation(num INTEGER PRIMARY KEY,id BLOB UNIQUE,upto INT,newest INT);"
          "CREATE TABLE message(position INTEGER PRIMARY KEY,conversation INT,seq INT,"
          "only_for BLOB);"
          "CREATE VIRTUAL TABLE word USING "
          "fts5(terms,content='',columnsize=0,tokenize='ascii');"
          "CREATE TABLE meta(key TEXT PRIMARY KEY,value INT) WITHOUT ROWID;"
          "INSERT INTO meta VALUES('complete',50),('rule',3);PRAGMA user_version=1",
          nullptr, nullptr, nullptr),
      SQLITE_OK);
  sqlite3_close(db);
  auto index = factory.open();
  const auto complete = index->complete(0);
  ASSERT_FALSE(complete.ok());
  EXPECT_EQ(complete.error().code, ErrorCode::kCacheCorrupt);
  EXPECT_NE(complete.error().message.find("earlier release"), std::string::npos);
  ASSERT_TRUE(
      answer_of<void>(factory.loop, [&](auto done) { index->begin_anew(std::move(done)); }).ok());
  EXPECT_EQ(index->complete(0).value(), 0u);
  ASSERT_TRUE(answer_of<void>(factory.loop, [&](auto done) {
                index->add(std::make_shared<const IndexBatch>(some(1, 50)), std::move(done));
              }).ok());
  index = factory.open();
  EXPECT_EQ(index->complete(0).value(), 50u);
}

TEST(SearchIndexSqlite, WhoWaitsTooLongIsToldSo) {
  SqliteIndex factory;
  auto index = factory.open();
  IndexBatch batch = some(1, 20'000);
  ASSERT_TRUE(answer_of<void>(factory.loop, [&](auto done) {
                index->add(std::make_shared<const IndexBatch>(batch), std::move(done));
              }).ok());
  // So many that those behind them are late before they begin.
  IndexQuery query{"tea word1", UserId(), {{id_of<ConversationId>(1), 1, 0}},
                   0,           20'000,   Millis(30)};
  std::map<ErrorCode, int> errors;
  int answers = 0;
  for (int n = 0; n < 200; ++n) {
    index->find(query, [&](const Result<std::vector<IndexHit>>& hits) {
      ++answers;
      if (!hits) ++errors[hits.error().code];
    });
  }
  ASSERT_TRUE(factory.loop.run_until([&] { return answers == 200; }));
  EXPECT_GT(errors[ErrorCode::kTimeout], 0);
  EXPECT_EQ(errors.size(), 1u);
  query.time_limit = Millis(0);
  const auto patient = answer_of<std::vector<IndexHit>>(
      factory.loop, [&](auto done) { index->find(query, std::move(done)); });
  EXPECT_TRUE(patient.ok());
}

// Four dear searches of one person, each longer than a slice, and one of another behind them.
TEST(SearchIndexSqlite, OnePersonsSearchesDoNotHoldUpThoseOfOthers) {
  SqliteIndex factory;
  auto index = factory.open();
  ASSERT_TRUE(answer_of<void>(factory.loop, [&](auto done) {
                index->add(std::make_shared<const IndexBatch>(some(1, 20'000)), std::move(done));
              }).ok());
  std::vector<std::string> order;
  std::map<std::string, std::chrono::microseconds> spent;
  const auto find = [&](const std::string& who, const std::string& text, std::size_t limit) {
    IndexQuery query{text, UserId::of(who), {{id_of<ConversationId>(1), 1, 0}},
                     0,    limit,           Millis(0)};
    query.spent = [&spent, who](std::chrono::microseconds used) { spent[who] += used; };
    index->find(query, [&order, who, limit](const Result<std::vector<IndexHit>>& hits) {
      ASSERT_TRUE(hits.ok()) << hits.error().to_string();
      EXPECT_EQ(hits->size(), limit);
      order.push_back(who);
    });
  };
  for (int n = 0; n < 4; ++n) find("eve", "t", 20'000);
  find("ann", "word7", 20);
  ASSERT_TRUE(factory.loop.run_until([&] { return order.size() == 5; }));
  EXPECT_TRUE(order[0] == "ann" || order[1] == "ann") << "behind eve's";
  EXPECT_LT(spent["ann"], spent["eve"]);
}

// A search in slices finds the same as one in one go.
TEST(SearchIndexSqlite, ASearchThatIsInterruptedFindsTheSame) {
  SqliteIndex factory;
  auto index = factory.open();
  IndexBatch batch;
  std::vector<IndexScope> scopes;
  for (std::uint64_t n = 1; n <= 30'000; ++n) {
    const auto room = id_of<ConversationId>(static_cast<int>(n % 200 + 1));
    batch.messages.push_back({room, n, n, "tea t" + std::to_string(n % 7)});
  }
  for (int n = 1; n <= 200; ++n) scopes.push_back({id_of<ConversationId>(n), 1, 0});
  ASSERT_TRUE(answer_of<void>(factory.loop, [&](auto done) {
                index->add(std::make_shared<const IndexBatch>(batch), std::move(done));
              }).ok());
  std::vector<std::vector<IndexHit>> all;
  for (int n = 0; n < 12; ++n) {
    const std::string text = n % 2 == 0 ? "tea t" : "t3 \"tea t3\"";
    index->find({text, UserId::of(std::to_string(n)), scopes, 0, 3'000, Millis(0)},
                [&](Result<std::vector<IndexHit>> hits) {
                  ASSERT_TRUE(hits.ok()) << hits.error().to_string();
                  all.push_back(std::move(*hits));
                });
  }
  ASSERT_TRUE(factory.loop.run_until([&] { return all.size() == 12; }));
  for (const auto& hits : all) {
    ASSERT_EQ(hits.size(), 3'000u);
    const std::uint64_t step = hits[0].place - hits[1].place;
    EXPECT_TRUE(step == 1 || step == 7);
    for (std::size_t n = 0; n < hits.size(); ++n) {
      EXPECT_EQ(hits[n].place, hits[0].place - n * step);
    }
  }
}

TEST(SearchIndexSqlite, AnIndexOfOtherTermsOrALaterReleaseIsBegunAnew) {
  for (const char* change :
       {"UPDATE meta SET value=0 WHERE key='rule'", "PRAGMA user_version=99"}) {
    SqliteIndex factory;
    {
      auto index = factory.open();
      ASSERT_TRUE(answer_of<void>(factory.loop, [&](auto done) {
                    index->add(std::make_shared<const IndexBatch>(some(1, 50)), std::move(done));
                  }).ok());
    }
    EXPECT_EQ(factory.open()->complete(0).value(), 50u);
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(factory.dir.file("search.db").c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, change, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
    EXPECT_EQ(factory.open()->complete(0).value(), 0u) << change;
    EXPECT_EQ(factory.open()->complete(0).value(), 0u) << change;
  }
}

// It is derived: no reason to keep everything else from starting.
TEST(SearchIndexSqlite, WithoutItTheOtherStoresOpen) {
  DrainedScheduler loop;
  ScratchDirectory dir;
  std::filesystem::create_directories(dir.file("search.db"));  // nothing that SQLite can open
  auto stores = open_embedded(dir.file(""), loop);
  ASSERT_TRUE(stores.ok()) << stores.error().to_string();
  EXPECT_EQ((*stores)->search(), nullptr);
  EXPECT_FALSE((*stores)->search_status().ok());
}

// Any damage causes an error at most, and begin_anew(), in the running server or at the next start, gives
// an empty index that takes everything.
TEST(SearchIndexSqlite, DamageIsNoticedWhenItIsMetAndHealedByBeginningAnew) {
  const auto add = [](SqliteIndex& factory, SearchIndex& index, const IndexBatch& batch) {
    return answer_of<void>(factory.loop, [&](auto done) {
      index.add(std::make_shared<const IndexBatch>(batch), std::move(done));
    });
  };
  int noticed = 0;
  constexpr unsigned kWholePages = 20;
  for (unsigned seed = 1; seed <= 120; ++seed) {
    SqliteIndex factory;
    ASSERT_TRUE(add(factory, *factory.open(), some(1, 3'000)).ok());
    const std::string path = factory.dir.file("search.db");
    std::filesystem::remove(path + "-wal");
    {
      std::mt19937 random(seed);
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      const auto size = std::filesystem::file_size(path);
      if (seed <= kWholePages) {
        for (std::size_t at = 4'096; at < size; at += 4'096) {
          file.seekp(static_cast<std::streamoff>(at + random() % 64));
          for (int i = 0; i < 64; ++i) file.put(static_cast<char>(random()));
        }
      } else {  // eight bytes anywhere
        file.seekp(static_cast<std::streamoff>(random() % size));
        for (int i = 0; i < 8; ++i) file.put(static_cast<char>(random()));
      }
    }
    {
      auto index = factory.open();
      if (index->complete(0).value() == 0) ++noticed;
      const auto hits = answer_of<std::vector<IndexHit>>(factory.loop, [&](auto done) {
        index->find({"tea", UserId(), {{id_of<ConversationId>(1), 1, 0}}, 0, 10, Millis(0)}, done);
      });
      const Status added = add(factory, *index, some(3'001, 3'100));
      const bool fine = hits.ok() && added.ok();
      if (fine) continue;  // what was damaged was not read, or begun anew at once
      for (const ErrorCode code : {hits ? added.error().code : hits.error().code,
                                   added ? hits.error().code : added.error().code}) {
        EXPECT_EQ(code, ErrorCode::kCacheCorrupt) << "seed " << seed;
      }
      ++noticed;
      if (seed % 2 == 0) {
        ASSERT_TRUE(answer_of<void>(factory.loop, [&](auto done) {
                      index->begin_anew(std::move(done));
                    }).ok());
        EXPECT_EQ(index->complete(0).value(), 0u) << "seed " << seed;
        EXPECT_TRUE(add(factory, *index, some(1, 3'100)).ok()) << "seed " << seed;
        const auto found = answer_of<std::vector<IndexHit>>(factory.loop, [&](auto done) {
          index->find({"tea", UserId(), {{id_of<ConversationId>(1), 1, 0}}, 0, 10, Millis(0)},
                      done);
        });
        ASSERT_TRUE(found.ok()) << "seed " << seed;
        EXPECT_EQ(found->size(), 10u) << "seed " << seed;
        continue;
      }
    }
    auto anew = factory.open();
    EXPECT_EQ(anew->complete(0).value(), 0u) << "seed " << seed;
    EXPECT_TRUE(add(factory, *anew, some(1, 3'100)).ok()) << "seed " << seed;
  }
  EXPECT_GT(noticed, 10);
}

}  // namespace
}  // namespace kith::server
