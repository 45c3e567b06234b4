// bytes of cache.db changed at random. Nothing crashes, what the outbox holds is kept, and a
// cache that turns out to be damaged while it is used is started anew at the next open.
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include "client/cache_store_sqlite.h"
#include "src/split_mix.h"
#include "tests/scratch_directory.h"
#include "tests/unit/client/searchable_events.h"

namespace kith::client {
namespace {

constexpr std::uint64_t kConversations = 20;
constexpr std::uint64_t kEvents = 40;  // of each conversation
constexpr std::uint64_t kWaiting = 10;

template <class T>
T numbered(std::uint64_t number) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return T(bytes);
}
ConversationId room(std::uint64_t number) {
  return numbered<ConversationId>(number);
}

StoredEvent message(std::uint64_t number, std::uint64_t seq, const std::string& text) {
  StoredEvent stored = stored_message(room(number), seq, static_cast<std::int64_t>(seq), text);
  stored.message = numbered<MessageId>(number * 1000 + seq);
  return stored;
}

class CacheDamage : public ::testing::Test {
 protected:
  void SetUp() override { fill(dir + "/whole"); }

  static void fill(const std::string& directory) {
    CacheChange change;
    change.cursor = 7;
    for (std::uint64_t c = 1; c <= kConversations; ++c) {
      ConversationRecord record;
      record.id = room(c);
      record.title = "room " + std::to_string(c);
      record.last_seq = kEvents;
      change.conversations.push_back(record);
      change.ranges[room(c)].add(1, kEvents);
      for (std::uint64_t seq = 1; seq <= kEvents; ++seq) {
        change.events.push_back(message(c, seq, "word" + std::to_string(seq) + " in every room"));
      }
    }
    for (std::uint64_t i = 1; i <= kWaiting; ++i) {
      OutboxRow row;
      row.order = static_cast<std::int64_t>(i);
      row.id = numbered<MessageId>(i);
      row.conversation = room(1);
      row.payload = "waits " + std::to_string(i);
      change.outbox_put.push_back(row);
    }
    const auto store = open_cache_store_sqlite(directory);
    ASSERT_TRUE(store.ok());
    ASSERT_TRUE((*store)->load().ok());
    ASSERT_TRUE((*store)->commit(change).ok());
  }

  // A copy of the whole cache with up to 16 bytes of cache.db changed.
  std::string damaged(std::uint64_t seed) {
    const std::string copy = dir + "/damaged";
    std::filesystem::remove_all(copy);
    std::filesystem::copy(dir + "/whole", copy);
    SplitMix random(seed);
    std::fstream file(copy + "/cache.db", std::ios::in | std::ios::out | std::ios::binary);
    const std::uint64_t size = std::filesystem::file_size(copy + "/cache.db");
    for (std::uint64_t left = 1 + random.next() % 16; left > 0; --left) {
      file.seekp(static_cast<std::streamoff>(random.next() % size));
      file.put(static_cast<char>(random.next()));
    }
    return copy;
  }

  // Does what a session does: loads, reads every conversation, writes to some.
  static Status use(CacheStore& store) {
    const auto content = store.load();
    if (!content) return content.error();
    EXPECT_EQ(content->outbox.size(), kWaiting);
    for (std::size_t i = 0; i < content->outbox.size(); ++i) {
      EXPECT_EQ(content->outbox[i].payload, "waits " + std::to_string(i + 1));
    }
    Status worst;
    for (const char* query : {"word7", "wor", "\"in every\"", "new"}) {
      if (const auto hits = store.search({*search::parse(query), {}, 0, 1000}); !hits)
        worst = hits.error();
    }
    for (std::uint64_t c = 1; c <= kConversations; ++c) {
      const auto page = store.events(room(c), 1, UINT64_MAX, 1000);
      if (!page) worst = page.error();
      (void)store.find_message(room(c), numbered<MessageId>(c * 1000 + 1));
      if (c % 5 != 0) continue;
      CacheChange change;
      change.events.push_back(message(c, 500, "new"));
      if (Status s = store.commit(change); !s) worst = s;
    }
    return worst;
  }
  static Status open_and_use(const std::string& directory) {
    const auto store = open_cache_store_sqlite(directory);
    return store ? use(**store) : Status(store.error());
  }

  const test::ScratchDirectory scratch;
  const std::string& dir = scratch.path();
};

TEST_F(CacheDamage, IsFoundAndTheCacheStartedAnewWhereverItIs) {
  int found = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::string copy = damaged(seed);
    const Status first = open_and_use(copy);
    if (first) continue;  // rebuilt at once, or bytes that nobody reads
    ++found;
    EXPECT_EQ(first.error().code, ErrorCode::kCacheCorrupt) << first.error().to_string();
    const Status second = open_and_use(copy);
    EXPECT_TRUE(second.ok()) << second.error().to_string();
    EXPECT_TRUE(std::filesystem::exists(copy + "/cache.db.corrupt"));
  }
  EXPECT_GT(found, 10) << "the damage was hardly ever met while the cache was in use";
}

}  // namespace
}  // namespace kith::client
