// Four partitions behind one set of services: conversations lie in their own, users see them as one.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "server/records/partition.h"
#include "tests/unit/server/service_fixture.h"

namespace kith::server {
namespace {

using testing::message;

constexpr std::uint32_t kPartitions = 4;
constexpr std::uint8_t kGroups = 40;

ConversationId numbered(std::uint8_t n) {
  return testing::group_id(static_cast<std::uint8_t>(n + 1));
}

class PartitionsTest : public ::testing::Test {
 protected:
  // A server process on the disks of the test.
  struct Process {
    explicit Process(PartitionsTest& test)
        : directory(test.people, test.loop),
          feed_store(test.feeds, test.loop),
          feed(feed_store, test.loop),
          registry(test.loop) {
      EXPECT_TRUE(feed.start().ok());
      for (std::uint32_t i = 0; i < kPartitions; ++i) {
        logs.push_back(std::make_unique<CommandLogMemory>(test.logs[i], test.loop));
        stores.push_back(std::make_unique<ConversationStoreMemory>(test.stores[i], test.loop));
        owners.push_back(std::make_unique<OwnedPartition>(
            *logs[i], *stores[i], PartitionFront{feed, relations, fanout}, test.loop,
            PartitionBounds{{}, ConversationTable::kBounds, limits::large_pushes_per_s}));
        router.add(*owners[i]);
      }
      for (const auto& owner : owners) EXPECT_TRUE(owner->start().ok());
    }
    DirectoryMemory directory;
    FeedStoreMemory feed_store;
    UserFeed feed;
    SessionRegistryMemory registry;
    BusMemory bus;
    Users users{directory};
    UserRelations relations{users};
    SessionFanout fanout{registry, bus, "g"};
    std::vector<std::unique_ptr<CommandLogMemory>> logs;
    std::vector<std::unique_ptr<ConversationStoreMemory>> stores;
    std::vector<std::unique_ptr<OwnedPartition>> owners;
    PartitionRouter router{feed};
    SyncService syncs{feed, router, users};
  };

  PartitionsTest() {
    for (std::uint32_t i = 0; i < kPartitions; ++i) {
      logs[i] = std::make_shared<CommandLogMemory::Disk>();
      stores[i] = std::make_shared<ConversationStoreMemory::Disk>();
    }
    restart();
    for (const char* handle : {"ann", "bob"}) {
      process->directory.create({handle, handle, ""}, [](const Status&) {});
    }
    loop.settle();
  }
  void restart() {
    process.reset();
    process = std::make_unique<Process>(*this);
  }
  v1::ServerFrame ask(const Caller& caller, v1::ClientFrame frame) {
    std::optional<v1::ServerFrame> answer;
    Reply reply([&](v1::ServerFrame&& given) { answer = std::move(given); });
    if (frame.has_sync()) {
      process->syncs.sync(caller, frame.sync(), reply);
    } else {
      process->router.handle(caller, std::move(frame), std::move(reply));
    }
    loop.advance(Millis(50));
    EXPECT_TRUE(answer.has_value()) << "not answered";
    return answer.value_or(v1::ServerFrame());
  }
  void make_groups() {
    for (std::uint8_t n = 0; n < kGroups; ++n) {
      v1::ClientFrame frame;
      auto& create = *frame.mutable_create_conversation();
      create.set_conversation_id(numbered(n).bytes());
      create.set_command_id(message(n).bytes());
      create.add_members(bob.user.bytes());
      EXPECT_TRUE(ask(ann, frame).has_placed());
    }
  }
  void send(std::uint8_t group, std::uint8_t n) {
    v1::ClientFrame frame;
    frame.mutable_send()->set_conversation_id(numbered(group).bytes());
    auto& item = *frame.mutable_send()->add_items();
    item.set_message_id(message(n).bytes());
    item.set_content("hi");
    EXPECT_TRUE(ask(ann, frame).send_result().items(0).has_placed());
  }
  v1::SyncPage sync(std::uint64_t cursor) {
    v1::ClientFrame frame;
    frame.mutable_sync()->set_cursor(cursor);
    frame.mutable_sync()->set_snapshot(cursor == 0);
    frame.mutable_sync()->set_window(kGroups);
    return ask(bob, frame).sync_page();
  }
  static std::set<std::string> changed(const v1::SyncPage& page) {
    std::set<std::string> ids;
    for (const v1::ConversationState& state : page.changed()) ids.insert(state.conversation_id());
    return ids;
  }

  testing::VirtualLoop loop;
  std::array<std::shared_ptr<CommandLogMemory::Disk>, kPartitions> logs;
  std::array<std::shared_ptr<ConversationStoreMemory::Disk>, kPartitions> stores;
  std::shared_ptr<FeedStoreMemory::Disk> feeds = std::make_shared<FeedStoreMemory::Disk>();
  std::shared_ptr<DirectoryMemory::Disk> people = std::make_shared<DirectoryMemory::Disk>();
  std::unique_ptr<Process> process;
  const Caller ann{UserId::of("ann"), DeviceId(), 1};
  const Caller bob{UserId::of("bob"), DeviceId(), 2};
};

// The function is part of the layout of a data directory.
TEST(Partition, StaysWhereItIs) {
  EXPECT_EQ(partition_of(ConversationId(std::array<std::uint8_t, 16>{}), 1), 0u);
  std::array<int, 8> parts{};
  std::string first;
  for (std::uint32_t n = 0; n < 8'000; ++n) {
    const std::uint32_t part = partition_of(UserId::of("user" + std::to_string(n)), 8);
    ++parts.at(part);
    if (n < 16) first += std::to_string(part);
  }
  for (const int found : parts) EXPECT_NEAR(found, 1'000, 150);
  EXPECT_EQ(first, "2056707013422616");
}

TEST_F(PartitionsTest, EachConversationLiesInOneAndASyncShowsAll) {
  make_groups();
  loop.advance(Millis(5'000));
  std::size_t stored = 0;
  for (std::uint32_t i = 0; i < kPartitions; ++i) {
    EXPECT_GT(stores[i]->heads.size(), 0u) << "partition " << i;
    stored += stores[i]->heads.size();
    for (const auto& [id, head] : stores[i]->heads) EXPECT_EQ(partition_of(id, kPartitions), i);
  }
  EXPECT_EQ(stored, kGroups);
  const v1::SyncPage page = sync(0);
  ASSERT_EQ(page.changed_size(), kGroups);
  for (std::uint8_t n = 0; n < kGroups; ++n) {
    EXPECT_EQ(page.changed(n).conversation_id(), numbered(kGroups - 1 - n).bytes())
        << "the most recent first, whichever log it is in";
  }
}

TEST_F(PartitionsTest, OneAcknowledgementMayNameConversationsOfSeveral) {
  make_groups();
  v1::ClientFrame frame;
  for (std::uint8_t n = 0; n < kGroups; ++n) {
    auto& head = *frame.mutable_ack_events()->add_upto();
    head.set_conversation_id(numbered(n).bytes());
    head.set_seq(1);
  }
  process->router.handle(bob, std::move(frame), nullptr);
  loop.advance(Millis(100));
  for (std::uint8_t n = 0; n < kGroups; ++n) {
    const OwnedPartition& owner = *process->owners[partition_of(numbered(n), kPartitions)];
    const Conversation* c = owner.shard().cached(numbered(n));
    ASSERT_NE(c, nullptr);
    EXPECT_EQ(find_member(*c, bob.user)->delivered_seq, 1u) << int{n};
  }
}

TEST_F(PartitionsTest, AStalledOneHoldsNobodyElse) {
  make_groups();
  const std::uint32_t stalled = partition_of(numbered(0), kPartitions);
  logs[stalled]->commit_delay = [] { return Millis(1'000'000); };
  stores[stalled]->apply_delay = [] { return Millis(1'000'000); };
  std::size_t others = 0;
  for (std::uint8_t n = 0; n < kGroups; ++n) {
    if (partition_of(numbered(n), kPartitions) == stalled) continue;
    send(n, static_cast<std::uint8_t>(100 + n));
    ++others;
  }
  EXPECT_GT(others, 0u);
  v1::ClientFrame frame;
  frame.mutable_send()->set_conversation_id(numbered(0).bytes());
  frame.mutable_send()->add_items()->set_message_id(message(99).bytes());
  bool answered = false;
  process->router.handle(ann, std::move(frame), Reply([&](v1::ServerFrame&&) { answered = true; }));
  loop.advance(Millis(10'000));
  EXPECT_FALSE(answered) << "it does stand still";
}

// Nothing is stored since the cursor was given: each log is decided again, in whatever order.
TEST_F(PartitionsTest, AfterACrashNoChangeLiesBelowACursor) {
  make_groups();
  loop.advance(Millis(5'000));
  for (const auto& disk : stores) disk->apply_delay = [] { return Millis(1'000'000); };
  feeds->apply_delay = [] { return Millis(1'000'000); };
  const std::uint64_t before = sync(0).next_cursor();
  std::set<std::string> sent;
  for (std::uint8_t n = 0; n < 8; ++n) {
    send(n, static_cast<std::uint8_t>(100 + n));
    sent.insert(numbered(n).bytes());
  }
  const std::uint64_t after = sync(before).next_cursor();
  send(20, 120);
  restart();
  loop.advance(Millis(100));
  sent.insert(numbered(20).bytes());
  EXPECT_EQ(changed(sync(before)), sent);
  EXPECT_TRUE(changed(sync(after)).contains(numbered(20).bytes()));
  const std::uint64_t now = sync(after).next_cursor();
  EXPECT_EQ(sync(now).changed_size(), 0);
  send(21, 121);
  EXPECT_EQ(changed(sync(now)), std::set<std::string>{numbered(21).bytes()});
}

}  // namespace
}  // namespace kith::server
