// The caches of people, devices and conversations hold what their bounds of bytes allow, and let go of who was used
// longest ago first.
#include <gtest/gtest.h>

#include "server/adapters/embedded/directory_memory.h"
#include "server/users/devices.h"
#include "server/users/home.h"
#include "server/users/users.h"
#include "src/split_mix.h"
#include "src/weighed_cache.h"
#include "tests/unit/server/cache_fixture.h"

namespace kith::server {
namespace {

UserId user(std::size_t n) {
  return UserId::of("user" + std::to_string(n));
}

using Texts = WeighedCache<UserId, std::string>;
std::size_t bytes_of(const std::string& text) {
  return text.size();
}

TEST(WeighedCache, WhoWasUsedLongestAgoMakesRoom) {
  Texts cache({100, 1'000}, bytes_of);
  for (std::size_t n = 0; n < 10; ++n) cache.put(user(n), std::string(100, 'x'));
  EXPECT_EQ(cache.bytes(), 1'000U);
  ASSERT_NE(cache.find(user(0)), nullptr);
  EXPECT_NE(cache.peek(user(1)), nullptr);  // no use
  cache.put(user(10), std::string(200, 'x'));
  EXPECT_NE(cache.peek(user(0)), nullptr);
  EXPECT_EQ(cache.peek(user(1)), nullptr);
  EXPECT_EQ(cache.peek(user(2)), nullptr);
  EXPECT_NE(cache.peek(user(3)), nullptr);
}

TEST(WeighedCache, WhatIsHeavierThanAllStaysUntilTheNext) {
  Texts cache({100, 1'000}, bytes_of);
  cache.put(user(1), "light");
  cache.put(user(2), std::string(5'000, 'x'));
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_NE(cache.peek(user(2)), nullptr);
  cache.put(user(3), "light");
  EXPECT_EQ(cache.peek(user(2)), nullptr);
  EXPECT_EQ(cache.bytes(), 5U);
}

TEST(WeighedCache, BothBoundsHoldWhateverIsPutAndReplaced) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SplitMix random(seed);
    Texts cache({20, 3'000}, bytes_of);
    std::size_t largest = 0;
    for (int step = 0; step < 2'000; ++step) {
      const UserId id = user(random.next() % 40);
      if (random.next() % 4 == 0) {
        cache.erase(id);
        ASSERT_EQ(cache.peek(id), nullptr);
        continue;
      }
      const std::size_t size = random.next() % 400;
      cache.put(id, std::string(size, 'x'));
      ASSERT_EQ(cache.find(id)->size(), size);
      ASSERT_LE(cache.size(), 20U);
      ASSERT_LE(cache.bytes(), 3'000U);
      largest = std::max(largest, cache.bytes());
    }
    EXPECT_GT(largest, 2'500U) << "seed " << seed;
  }
}

class PeopleInMemory : public ::testing::Test {
 protected:
  static constexpr std::size_t kPeople = 64;

  PeopleInMemory() {
    for (std::size_t n = 0; n < kPeople; ++n) {
      DirectoryMemory::Account account;
      account.user.id = user(n);
      account.user.handle = "user" + std::to_string(n);
      account.user.contacts.assign(256, UserId::of("somebody"));  // 4 KiB
      for (std::uint8_t d = 0; d < 10; ++d) {
        DeviceRecord device;
        device.id = DeviceId(std::array<std::uint8_t, 16>{d});
        device.agent = std::string(400, 'a');
        account.devices[device.id] = device;
      }
      disk->accounts[user(n)] = account;
    }
    disk->delay = [this] {
      ++asked;
      return Millis(0);
    };
  }
  // Whether the directory has to be asked for it.
  template <class Cache>
  bool in_memory(Cache& cache, std::size_t n) {
    const int before = asked;
    bool answered = false;
    cache.with(user(n), [&](const auto& found) { answered = found.ok() && *found != nullptr; });
    loop.advance(Millis(1));
    EXPECT_TRUE(answered);
    return asked == before;
  }
  // All are loaded, and somebody is asked for again and again meanwhile.
  template <class Cache>
  std::size_t kept_of_all(Cache& cache) {
    in_memory(cache, 0);
    for (std::size_t n = 1; n < kPeople; ++n) {
      EXPECT_FALSE(in_memory(cache, n));
      EXPECT_TRUE(in_memory(cache, 0)) << "the one that is in use makes room, at " << n;
    }
    std::size_t kept = 0;
    for (std::size_t n = kPeople - 1; n > 0 && in_memory(cache, n); --n) ++kept;
    return kept;
  }

  testing::VirtualLoop loop;
  int asked = 0;
  std::shared_ptr<DirectoryMemory::Disk> disk = std::make_shared<DirectoryMemory::Disk>();
  DirectoryMemory directory{disk, loop};
};

TEST_F(PeopleInMemory, RecordsWithManyContactsAreFewer) {
  Users users(directory, {1'000, 64 * 1024});
  const std::size_t kept = kept_of_all(users);
  EXPECT_GE(kept, 8U);
  EXPECT_LT(kept, 64U * 1024 / 4'096);
}

TEST_F(PeopleInMemory, ListsOfManyDevicesAreFewer) {
  Devices devices(directory, {1'000, 64 * 1024});
  const std::size_t kept = kept_of_all(devices);
  EXPECT_GE(kept, 8U);
  EXPECT_LT(kept, 64U * 1024 / 4'000);
}

// The other home has changed the user in between: an answer begun before the question does not answer it.
TEST_F(PeopleInMemory, UsersOfAnotherHomeAreReadAtEachQuestion) {
  const Home here{0, 2};
  std::size_t foreign = 0;
  while (here.has(user(foreign))) ++foreign;
  Users users(directory, Users::kBounds, here);
  std::vector<std::size_t> blocked;
  const auto ask = [&] {
    users.with(user(foreign), [&](const Result<Users::Record>& found) {
      blocked.push_back((*found)->blocked.size());
    });
  };
  disk->delay = [this] { return Millis(asked++ == 0 ? 10 : 20); };
  ask();
  ask();
  EXPECT_EQ(asked, 2);
  loop.advance(Millis(10));
  disk->accounts[user(foreign)].user.blocked = {user(1)};
  loop.advance(Millis(10));
  EXPECT_EQ(blocked, (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(users.cached(user(foreign)), nullptr);
  ask();
  EXPECT_EQ(asked, 3);
}

class ConversationsInMemory : public testing::CacheTest {
 protected:
  static constexpr std::size_t kGroups = 100;
  static constexpr std::size_t kMembers = 200;
  static constexpr std::size_t kBytes = 20 * kMembers * sizeof(Member);

  ConversationsInMemory() {
    for (std::size_t n = 0; n < kGroups; ++n) {
      Head head;
      head.id = group(n);
      head.type = ConversationType::kGroup;
      head.last_seq = 1;
      disk->heads[group(n)] = head;
      for (std::size_t m = 0; m < kMembers; ++m) {
        Member member;
        member.user = user(m);
        member.role = MemberRole::kMember;
        disk->members[group(n)][member.user] = member;
      }
    }
  }
  static ConversationId group(std::size_t n) {
    return ConversationId(std::array<std::uint8_t, 16>{0xcc, static_cast<std::uint8_t>(n), 0, 0, 0,
                                                       0, 0x40, 0, 0x80});
  }
  void use(std::size_t n) {
    bool there = false;
    bounded.with(group(n), [&](const Result<const Conversation*>& found) {
      there = found.ok() && *found != nullptr && (*found)->members.size() == kMembers;
    });
    loop.settle();
    EXPECT_TRUE(there) << n;
  }
  std::size_t weight() {
    std::map<std::string, std::uint64_t> stats;
    bounded.add_stats(stats);
    return stats.at("cached_bytes");
  }

  ConversationShard bounded{log, store, feed, loop, {}, {1'000, kBytes}};
};

TEST_F(ConversationsInMemory, LargeGroupsAreFewerAndTheOneInUseStays) {
  ASSERT_TRUE(bounded.start().ok());
  std::size_t heaviest = 0;
  for (std::size_t n = 1; n < kGroups; ++n) {
    use(n);
    use(0);
    heaviest = std::max(heaviest, weight());
    ASSERT_LE(weight(), kBytes);
    ASSERT_NE(bounded.cached(group(0)), nullptr) << "the one that is in use makes room, at " << n;
    ASSERT_NE(bounded.cached(group(n)), nullptr);
  }
  EXPECT_GT(heaviest, kBytes / 2);
  for (std::size_t n = 1; n < kGroups - 20; ++n) EXPECT_EQ(bounded.cached(group(n)), nullptr) << n;
}

}  // namespace
}  // namespace kith::server
