// The conversation service on memory adapters and a virtual loop: requests in, answers and pushes
// out.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kith/v1/frame.pb.h"
#include "server/adapters/embedded/bus_memory.h"
#include "server/adapters/embedded/command_log_memory.h"
#include "server/adapters/embedded/conversation_store_memory.h"
#include "server/adapters/embedded/directory_memory.h"
#include "server/adapters/embedded/feed_store_memory.h"
#include "server/adapters/embedded/session_registry_memory.h"
#include "server/delivery/feed_bell.h"
#include "server/delivery/session_fanout.h"
#include "server/dispatch/owned_partition.h"
#include "server/dispatch/partition_router.h"
#include "server/feed/user_feed.h"
#include "server/people/user_relations.h"
#include "server/queries/sync_service.h"
#include "tests/unit/gateway/virtual_loop.h"

namespace kith::server::testing {

inline MessageId message(std::uint8_t n) {
  return MessageId(std::array<std::uint8_t, 16>{0xee, n});
}
inline ConversationId group_id(std::uint8_t n = 1) {
  return ConversationId(std::array<std::uint8_t, 16>{0xcc, n, 0, 0, 0, 0, 0x40, 0, 0x80});
}

// The data that survives a restart of the server.
struct Disks {
  std::shared_ptr<CommandLogMemory::Disk> log = std::make_shared<CommandLogMemory::Disk>();
  std::shared_ptr<ConversationStoreMemory::Disk> store =
      std::make_shared<ConversationStoreMemory::Disk>();
  std::shared_ptr<FeedStoreMemory::Disk> feed = std::make_shared<FeedStoreMemory::Disk>();
  std::shared_ptr<DirectoryMemory::Disk> people = std::make_shared<DirectoryMemory::Disk>();
};

// The part of another process that knows conversations, on the same disks.
struct NextProcess {
  NextProcess(const Disks& disks, VirtualLoop& loop)
      : log(disks.log, loop),
        store(disks.store, loop),
        directory(disks.people, loop),
        registry(loop),
        feed_store(disks.feed, loop),
        feed(feed_store, loop),
        users(directory),
        relations(users),
        fanout(registry, bus, "g"),
        partition(log, store, {feed, relations, fanout}, loop,
                  {{}, ConversationTable::kBounds, limits::large_pushes_per_s}) {
    conversations.add(partition);
  }
  Status start() {
    const Status begun = feed.start();
    return begun ? cache.start() : begun;
  }

  CommandLogMemory log;
  ConversationStoreMemory store;
  DirectoryMemory directory;
  SessionRegistryMemory registry;
  BusMemory bus;
  FeedStoreMemory feed_store;
  UserFeed feed;
  Users users;
  UserRelations relations;
  SessionFanout fanout;
  OwnedPartition partition;
  ConversationShard& cache = partition.shard();
  PartitionRouter conversations{feed};
};

class ServiceTest : public ::testing::Test {
 protected:
  explicit ServiceTest(std::uint32_t large_pushes_per_s = limits::large_pushes_per_s)
      : partition{log,
                  store,
                  {feed, relations, fanout},
                  loop,
                  {{}, ConversationTable::kBounds, large_pushes_per_s}} {
    router.add(partition);
    feed.on_ring([this](const FeedRing& ring) { bell.ring(ring); });
    bus.subscribe(
        "g",
        [this](const Delivery& delivery) {
          for (const std::uint64_t session : delivery.sessions) {
            const bool redacted = delivery.redacted && !shares_receipts(user_of[session]);
            pushed[session].push_back(
                *decode_server_frame(redacted ? *delivery.redacted : *delivery.frame));
          }
        },
        [] {});
    for (const char* handle : {"ann", "bob", "cleo"}) person(handle);
  }

  UserId person(const std::string& handle) {
    directory.create({handle, handle, ""}, [](const Status&) {});
    loop.settle();
    return UserId::of(handle);
  }
  Caller enter(const UserId& user, std::uint64_t session) {
    registry.add(user, {"g", session, DeviceId()}, [](const Status&) {});
    user_of[session] = user;
    const Caller caller{user, DeviceId(), session};
    router.session_opened(caller);
    loop.settle();
    return caller;
  }
  [[nodiscard]] bool shares_receipts(const UserId& user) const {
    const auto known = disks.people->accounts.find(user);
    return known != disks.people->accounts.end() && known->second.user.privacy.receipts;
  }
  // As the server hands it on.
  [[nodiscard]] Caller stamped(const Caller& caller) const {
    Caller known = caller;
    known.receipts = shares_receipts(caller.user);
    return known;
  }
  // Changes a user, and tells the conversations of blocks, as PeopleService does.
  void change(const UserId& user, const UserChange& what) {
    users.update(user, what, [](const Result<Users::Record>& done) { EXPECT_TRUE(done.ok()); });
    loop.settle();
    const auto tell = [&](const UserId& other, bool on) {
      service.blocks().set(user, other, on, [](const Status& told) { EXPECT_TRUE(told.ok()); });
    };
    for (const UserId& other : what.block) tell(other, true);
    for (const UserId& other : what.unblock) tell(other, false);
    loop.settle();
  }
  // Asks without waiting; the answer appears in the returned place.
  std::shared_ptr<std::optional<v1::ServerFrame>> begin(const Caller& caller,
                                                        const v1::ClientFrame& frame) {
    auto answer = std::make_shared<std::optional<v1::ServerFrame>>();
    const Reply reply([answer](v1::ServerFrame&& given) {
      EXPECT_FALSE(answer->has_value()) << "answered twice";
      answer->emplace(std::move(given));
    });
    if (frame.has_sync()) {
      syncs.sync(stamped(caller), frame.sync(), reply);
    } else {
      EXPECT_TRUE(service.handle(stamped(caller), frame, reply));
    }
    return answer;
  }
  v1::ServerFrame ask(const Caller& caller, const v1::ClientFrame& frame) {
    const auto answer = begin(caller, frame);
    loop.advance(Millis(50));
    EXPECT_TRUE(answer->has_value()) << "not answered";
    return answer->value_or(v1::ServerFrame());
  }
  void make_group(const Caller& owner, const std::vector<UserId>& others,
                  const ConversationId& id = group_id()) {
    v1::ClientFrame frame;
    auto& create = *frame.mutable_create_conversation();
    create.set_conversation_id(id.bytes());
    create.set_command_id(MessageId(*MessageId::from_bytes(id.bytes())).bytes());
    for (const UserId& user : others) create.add_members(user.bytes());
    EXPECT_TRUE(ask(owner, frame).has_placed());
  }
  static v1::OutMessage out(std::uint8_t n, const std::string& text = "hi") {
    v1::OutMessage item;
    item.set_message_id(message(n).bytes());
    item.set_content(text);
    return item;
  }
  static v1::ClientFrame batch(const std::vector<v1::OutMessage>& items,
                               const ConversationId& id = group_id()) {
    v1::ClientFrame frame;
    frame.mutable_send()->set_conversation_id(id.bytes());
    for (const v1::OutMessage& item : items) *frame.mutable_send()->add_items() = item;
    return frame;
  }
  v1::SendResult send(const Caller& caller, const std::vector<v1::OutMessage>& items,
                      const ConversationId& id = group_id()) {
    return ask(caller, batch(items, id)).send_result();
  }
  std::vector<v1::Event> history(const Caller& caller, const ConversationId& id = group_id()) {
    v1::ClientFrame frame;
    frame.mutable_get_events()->set_conversation_id(id.bytes());
    const v1::ServerFrame answer = ask(caller, frame);
    return {answer.events_page().events().begin(), answer.events_page().events().end()};
  }
  v1::ServerFrame sync(const Caller& caller, std::uint64_t cursor, bool snapshot = false,
                       const std::string& token = "") {
    v1::ClientFrame frame;
    frame.mutable_sync()->set_cursor(cursor);
    frame.mutable_sync()->set_snapshot(snapshot);
    frame.mutable_sync()->set_page_token(token);
    return ask(caller, frame);
  }

  VirtualLoop loop;
  Disks disks;
  CommandLogMemory log{disks.log, loop};
  ConversationStoreMemory store{disks.store, loop};
  DirectoryMemory directory{disks.people, loop};
  SessionRegistryMemory registry{loop};
  BusMemory bus;
  Users users{directory};
  UserRelations relations{users};
  SessionFanout fanout{registry, bus, "g"};
  FeedStoreMemory feed_store{disks.feed, loop};
  // Not started: its versions are the numbers of the records.
  UserFeed feed{feed_store, loop};
  FeedBell bell{fanout};
  OwnedPartition partition;
  ConversationShard& cache = partition.shard();
  ConversationRequests& service = partition.requests();
  PartitionRouter router{feed};
  SyncService syncs{feed, router, users};
  std::map<std::uint64_t, std::vector<v1::ServerFrame>> pushed;
  std::map<std::uint64_t, UserId> user_of;  // of sessions
  const UserId ann = UserId::of("ann"), bob = UserId::of("bob"), cleo = UserId::of("cleo");
};

}  // namespace kith::server::testing
