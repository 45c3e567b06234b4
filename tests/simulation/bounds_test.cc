// Invariants 15 to 17: a sync costs what has changed, a stalled reader and a slow store cost bounded
// memory, and a crowd comes back spread out.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "kith/core/limits.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/world.h"

namespace kith::sim {
namespace {

ConversationId nth(std::uint64_t n) {
  std::array<std::uint8_t, ConversationId::kSize> bytes{};
  for (std::size_t i = 0; i < 6; ++i) bytes[i] = static_cast<std::uint8_t>(n >> (8 * (5 - i)));
  bytes[6] = 0x40;  // a group's id is a UUID of version 4
  bytes[8] = 0x80;
  bytes[15] = 1;
  return Id<ConversationTag>(bytes);
}

constexpr std::uint64_t kShared = 10;  // groups of both people

// A user with `count` groups, with one event each, that their device already knows.
void furnish(World& world, std::uint64_t count) {
  const ServerDisks& disks = world.server().disks();
  auto& feeds = *disks.feeds();
  for (std::uint64_t n = 1; n <= count; ++n) {
    const ConversationId id = nth(n);
    auto& store = disks.store_of(id);
    ++store.applied;
    server::Event event;
    event.conversation = id;
    event.seq = 1;
    event.kind = server::EventKind::kMembership;
    event.sender = World::user_of(0);
    event.position = store.applied;
    store.events[id][1] = event;
    server::Head& head = store.heads[id];
    head.id = id;
    head.type = ConversationType::kGroup;
    head.last_seq = head.roster_ver = head.delivered_all_seq = head.read_all_seq = 1;
    head.last_position = store.applied;
    head.member_count = n <= kShared ? 2 : 1;
    for (std::size_t user = 0; user < head.member_count; ++user) {
      server::Member& member = store.members[id][World::user_of(user)];
      member.user = World::user_of(user);
      member.role = user == 0 ? MemberRole::kOwner : MemberRole::kMember;
      member.join_seq = member.delivered_seq = member.read_seq = member.public_read_seq = 1;
      feeds.entries[member.user][id] = {member.user, id, n, false};
    }
  }
  for (const PartitionDisks& part : disks.partitions()) part.log->last = part.store->applied;
  for (auto& device : world.devices()) {
    CacheDisk& disk = device->disk();
    const std::uint64_t own = device->who().device == 0 ? count : std::min(count, kShared);
    for (std::uint64_t n = 1; n <= own; ++n) {
      const ConversationId id = nth(n);
      client::ConversationRecord& record = disk.cache.conversations[id];
      record.id = id;
      record.type = ConversationType::kGroup;
      record.role = MemberRole::kMember;
      record.entry_ver = n;
      record.last_seq = record.floor_seq = record.read_seq = record.delivered_seq = 1;
      record.member_count = disks.store_of(id).heads[id].member_count;
      disk.cache.events[id][1] = {id, 1, {}, 0, ""};
      disk.cache.ranges[id].add(1, 1);
    }
    disk.cache.cursor = count;
  }
}

struct Cost {
  std::uint64_t bytes = 0;
  std::uint64_t rows = 0;
};

// Cost for a device of coming back after `changed` of its `count` conversations have changed.
Cost cost_of_return(std::uint64_t count, std::uint64_t changed, bool forgets_cursor,
                    std::uint32_t partitions = 1) {
  World world(7, {1, 1}, Rule::kNone, partitions);
  furnish(world, count);
  Device& away = *world.devices()[0];
  Device& busy = *world.devices()[1];
  world.server().start();
  busy.start();
  world.run_until(5'000);
  for (std::uint64_t n = 1; n <= changed; ++n) {
    EXPECT_TRUE(world.send(busy, nth(n), "hello", {}).ok());
  }
  world.run_until(20'000);
  EXPECT_TRUE(busy.engine()->outbox().idle());
  busy.engine()->connection().stop();
  world.run_until(120'000);  // its presence has gone, too

  if (forgets_cursor) away.disk().cache.cursor = 0;
  const Cost before{world.bytes(), world.server().rows_read()};
  away.start();
  world.run_until(125'000);
  EXPECT_EQ(away.engine()->connection().status().state(), client::ConnectionState::kOnline);
  for (std::uint64_t n = 1; n <= changed; ++n) {
    EXPECT_EQ(away.engine()->model().top(nth(n)), 2u);
  }
  EXPECT_FALSE(world.findings().first()) << world.findings().first()->what;
  return {world.bytes() - before.bytes, world.server().rows_read() - before.rows};
}

void expect_cost_of_what_has_changed(std::uint32_t partitions) {
  const Cost few = cost_of_return(10, 3, false, partitions);
  const Cost many = cost_of_return(1'000, 3, false, partitions);
  const Cost most = cost_of_return(100'000, 3, false, partitions);
  EXPECT_GT(few.bytes, 0u);
  EXPECT_GT(few.rows, 0u);
  // Numbers are longer in a larger account: a few bytes each.
  EXPECT_LE(many.bytes, few.bytes + few.bytes / 10);
  EXPECT_LE(most.bytes, few.bytes + few.bytes / 10);
  EXPECT_LE(many.rows, few.rows);
  EXPECT_LE(most.rows, few.rows);
}

TEST(SyncCost, IsThatOfWhatHasChanged) {
  expect_cost_of_what_has_changed(1);
}

TEST(SyncCost, OfSeveralPartitionsIsThatOfWhatHasChanged) {
  expect_cost_of_what_has_changed(3);
}

TEST(SyncCost, OfALostCursorIsThatOfTheAccount) {
  const Cost few = cost_of_return(10, 3, true);
  const Cost many = cost_of_return(1'000, 3, true);
  EXPECT_GT(many.bytes, 20 * few.bytes) << "the counters see what is listed";
  EXPECT_GT(many.rows, 20 * few.rows);
}

// The most that the server has queued for a device that does not read, while 6 MB are sent to it.
std::uint64_t most_queued(std::size_t hard_bytes, bool* caught_up) {
  World world(8, {1, 1}, Rule::kNone);
  world.server().send_queue_hard_bytes = hard_bytes;
  world.server().start();
  for (auto& device : world.devices()) device->start();
  world.run_until(5'000);
  Device& reader = *world.devices()[0];
  Device& writer = *world.devices()[1];
  const ConversationId room = writer.engine()->outgoing().direct(reader.who().user);
  world.network().stall(0, true);
  std::uint64_t most = 0;
  for (int second = 0; second < 60; ++second) {
    for (int i = 0; i < 15; ++i) {
      EXPECT_TRUE(world.send(writer, room, std::string(7'000, 'x'), {}).ok());
    }
    world.run_until(world.now() + 1'000);
    most = std::max(most, world.server().core()->stats().at("send_queue_bytes"));
  }
  world.network().heal();
  world.run_until(world.now() + 300'000);
  std::string why;
  *caught_up = world.settled(&why);
  EXPECT_LE(world.network().most_buffered(), limits::write_ahead_bytes + limits::frame_bytes_max);
  return most;
}

TEST(StalledReader, CostsTheServerAtMostOneMegabyte) {
  bool caught_up = false;
  const std::uint64_t most = most_queued(limits::send_queue_hard_bytes, &caught_up);
  EXPECT_GT(most, 100'000u) << "it was stalled";
  EXPECT_LE(most, limits::send_queue_hard_bytes + limits::frame_bytes_max);
  EXPECT_TRUE(caught_up) << "and misses nothing when it reads again";
}

TEST(StalledReader, WithoutTheBoundCostsMore) {
  bool caught_up = false;
  EXPECT_GT(most_queued(std::size_t{1} << 30, &caught_up), 2 * limits::send_queue_hard_bytes);
}

// Pearson's statistic of the first reconnects of a crowd that was cut at once, in ten equal parts
// of the first window.
double unevenness(Rule broken) {
  constexpr int kCrowd = 400;
  constexpr std::size_t kParts = 10;
  World world(9, std::vector<int>(kCrowd, 1), broken);
  world.network().set_delay(1, 1);
  world.server().start();
  for (auto& device : world.devices()) device->start();
  world.run_until(90'000);  // online for long enough that the next back-off starts from its base
  EXPECT_EQ(world.attempts().size(), static_cast<std::size_t>(kCrowd));
  world.server().crash();
  const std::int64_t cut = world.now() + 1;
  const std::int64_t window = Millis(limits::backoff_base).count();
  world.run_until(cut + window);
  std::vector<int> parts(kParts, 0);
  std::set<std::size_t> back;
  for (std::size_t i = kCrowd; i < world.attempts().size(); ++i) {
    const auto& [device, at] = world.attempts()[i];
    if (!back.insert(device).second) continue;  // a second attempt
    const auto part =
        static_cast<std::size_t>((at - cut) * static_cast<std::int64_t>(kParts) / window);
    ++parts.at(std::min(part, kParts - 1));
  }
  EXPECT_EQ(back.size(), static_cast<std::size_t>(kCrowd));
  const double expected = static_cast<double>(kCrowd) / kParts;
  double sum = 0;
  for (const int found : parts) sum += (found - expected) * (found - expected) / expected;
  return sum;
}

// One flat crowd in a hundred is above it (chi-square, nine degrees of freedom).
constexpr double kUneven = 21.7;

TEST(Reconnects, OfACrowdAreFlat) {
  EXPECT_LT(unevenness(Rule::kNone), kUneven);
}

TEST(Reconnects, WithoutJitterAreNot) {
  EXPECT_GT(unevenness(Rule::kReconnectsSpread), kUneven);
}

// A peer of user 0 whose conversation with them lies in this partition.
std::size_t peer_in(World& world, std::uint32_t partition) {
  for (std::size_t user = 1; user < world.users(); ++user) {
    const auto room = ConversationId::direct(World::user_of(0), World::user_of(user));
    if (world.server().disks().partition_of(room) == partition) return user;
  }
  ADD_FAILURE() << "no conversation is in partition " << partition;
  return 1;
}

TEST(StandingPartition, HoldsUpItsOwnConversationsOnly) {
  World world(11, std::vector<int>(8, 1), Rule::kNone, 2);
  world.server().start();
  for (auto& device : world.devices()) device->start();
  world.run_until(5'000);
  Device& sender = *world.devices()[0];
  const auto say = [&](std::uint32_t partition) {
    const UserId peer = World::user_of(peer_in(world, partition));
    return world.send(sender, sender.engine()->outgoing().direct(peer), "words", {}).value();
  };
  (void)say(0);
  (void)say(1);
  world.run_until(10'000);
  ASSERT_TRUE(sender.engine()->outbox().idle());
  auto& log = world.server().disks().log(0);
  log.commit_delay = [] { return Millis(20'000); };
  const MessageId held = say(0);
  const MessageId sent = say(1);
  world.run_until(11'000);
  EXPECT_TRUE(sender.disk().outbox.contains(held));
  EXPECT_FALSE(sender.disk().outbox.contains(sent));
  world.run_until(60'000);
  EXPECT_TRUE(sender.engine()->outbox().idle());
  log.commit_delay = nullptr;
}

constexpr std::uint64_t kSlowRuns = 40;

// A whole run with every fault; its store is slow, and may be as far behind as `marks` say.
Waits with_a_slow_store(std::uint64_t seed, const server::LagMarks& marks) {
  RunOptions options;
  options.seed = seed;
  options.marks = marks;
  const RunResult result = run_scenario(options);
  EXPECT_FALSE(result.violation) << "seed " << seed << ": " << result.violation->what;
  return result.waits.value();
}

TEST(SlowStore, HoldsCommandsBackLetsThemOnAndRefusesThem) {
  Waits all;
  std::uint64_t quiet = 0;  // runs in which too little is written at a time for anybody to wait
  for (std::uint64_t seed = 1; seed <= kSlowRuns; ++seed) {
    const Waits waits = with_a_slow_store(seed, kFewRecords);
    if (waits.most_held == 0) ++quiet;
    all.most_held = std::max(all.most_held, waits.most_held);
    all.let_on += waits.let_on;
    all.refused += waits.refused;
    all.most_behind = std::max(all.most_behind, waits.most_behind);
  }
  EXPECT_LE(quiet, kSlowRuns / 10);
  EXPECT_EQ(all.most_held, kFewRecords.held);
  EXPECT_EQ(all.most_behind, kFewRecords.max);
  EXPECT_GT(all.let_on, 10 * kSlowRuns);
  EXPECT_GT(all.refused, 10 * kSlowRuns);
}

TEST(SlowStore, IsFurtherBehindWhenNobodyWaits) {
  std::uint64_t most_behind = 0;
  for (std::uint64_t seed = 1; seed <= kSlowRuns; ++seed) {
    const Waits waits = with_a_slow_store(seed, {});
    EXPECT_EQ(waits.most_held + waits.let_on + waits.refused, 0u) << "seed " << seed;
    most_behind = std::max(most_behind, waits.most_behind);
  }
  EXPECT_GT(most_behind, 2 * kFewRecords.max) << "the bound is what keeps it";
}

}  // namespace
}  // namespace kith::sim
