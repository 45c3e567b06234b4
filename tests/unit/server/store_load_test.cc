// The store under a long run of batches while pages are read: its write-ahead log stays bounded.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>

#include "kith/conformance/drained_scheduler.h"
#include "server/adapters/embedded/conversation_store_sqlite.h"

namespace kith::server {
namespace {

using namespace conformance;

constexpr std::uint64_t kBatches = 40;
constexpr std::uint64_t kEvents = 2'000;  // of one batch, over all conversations
constexpr std::uint64_t kRooms = 50;
// The bytes that may gather before a checkpoint (64 MiB), and the batch that comes on top.
constexpr std::uintmax_t kWalBytesMax = 80 * 1024 * 1024;

ConversationId room(std::uint64_t n) {
  return ConversationId::direct(UserId::of("a"), UserId::of(std::to_string(n)));
}

StoreBatch batch(std::uint64_t number) {
  StoreBatch out;
  out.position = (number + 1) * kEvents;
  for (std::uint64_t i = 0; i < kEvents; ++i) {
    const std::uint64_t position = number * kEvents + i + 1;
    Event event;
    event.conversation = room(i % kRooms);
    event.seq = (position - 1) / kRooms + 1;
    event.kind = EventKind::kMessage;
    std::array<std::uint8_t, MessageId::kSize> id{};
    for (std::size_t b = 0; b < 8; ++b) id[b] = static_cast<std::uint8_t>(position >> (8 * b));
    event.message_id = MessageId(id);
    event.sender = UserId::of("a");
    event.body = std::string(1'000, 'x');
    event.position = position;
    out.events.push_back(std::make_shared<const Event>(std::move(event)));
  }
  return out;
}

TEST(StoreLoad, TheWriteAheadLogStaysBoundedWhilePagesAreRead) {
  std::string dir = (std::filesystem::temp_directory_path() / "kith-store-XXXXXX").string();
  ASSERT_NE(mkdtemp(dir.data()), nullptr);
  std::uintmax_t most = 0;
  std::uintmax_t written = 0;
  {
    DrainedScheduler loop;
    auto opened = ConversationStoreSqlite::open(dir + "/store.db", loop);
    ASSERT_TRUE(opened.ok()) << opened.error().to_string();
    auto& store = **opened;
    for (std::uint64_t i = 0; i < kBatches; ++i) {
      bool applied = false;
      store.apply(std::make_shared<const StoreBatch>(batch(i)),
                  [&](const Status& done) { applied = done.ok(); });
      for (std::uint64_t n = 0; n < kRooms; ++n) {  // while the batch is being written
        store.events({room(n), 1, 0, 50, true},
                     [&](const Result<std::vector<Event>>& page) { EXPECT_TRUE(page.ok()); });
      }
      ASSERT_TRUE(loop.run_until([&] { return applied; }));
      const auto wal = std::filesystem::file_size(dir + "/store.db-wal");
      most = std::max(most, wal);
      written += kEvents * 1'000;
    }
    std::size_t newest = 0;
    store.events({room(7), 1, 0, 50, true},
                 [&](const Result<std::vector<Event>>& page) { newest = page->back().seq; });
    EXPECT_EQ(newest, kBatches * kEvents / kRooms);
  }
  std::filesystem::remove_all(dir);
  EXPECT_LE(most, kWalBytesMax);
  EXPECT_GT(written, kWalBytesMax * 9 / 10) << "too little to prove anything";
}

}  // namespace
}  // namespace kith::server
