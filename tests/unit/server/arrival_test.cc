// A sign-in costs one request to the directory, and none while the user is in memory.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kith/conformance/drained_scheduler.h"
#include "kith/core/limits.h"
#include "server/adapters/embedded/directory_memory.h"
#include "server/users/devices.h"
#include "server/users/users.h"
#include "src/hash.h"

namespace kith::server {
namespace {

using namespace conformance;

constexpr std::int64_t kMinuteMs = 60'000;

class Arrivals : public testing::Test {
 protected:
  Arrivals() {
    disk_->fault = [this]() -> std::optional<Error> {
      ++asked_;
      return std::nullopt;
    };
  }

  Users::WithDevices ensure(const DeviceRecord& device) {
    std::optional<Users::WithDevices> arrived;
    users_.find_or_create({"ann", "Ann", ""}, device, [&](Result<Users::WithDevices> answer) {
      if (answer) arrived = *answer;
    });
    EXPECT_TRUE(loop_.run_until([&] { return arrived.has_value(); }));
    return arrived.value_or(Users::WithDevices{});
  }
  Devices::List devices() {
    Devices::List list;
    devices_.with(ann_, [&](Result<Devices::List> answer) {
      if (answer) list = *answer;
    });
    EXPECT_TRUE(loop_.run_until([&] { return list != nullptr; }));
    return list;
  }

  const UserId ann_ = UserId::of("ann");
  const DeviceRecord phone_{DeviceId(hash16("phone")), "phone", 10 * kMinuteMs, 0};
  int asked_ = 0;
  DrainedScheduler loop_;
  std::shared_ptr<DirectoryMemory::Disk> disk_ = std::make_shared<DirectoryMemory::Disk>();
  DirectoryMemory directory_{disk_, loop_};
  Users users_{directory_};
  Devices devices_{directory_};
};

TEST_F(Arrivals, OfNewUsersAskOnceAndWriteTheDevice) {
  const Users::WithDevices arrived = ensure(phone_);
  ASSERT_TRUE(arrived.user);
  ASSERT_TRUE(arrived.devices);
  devices_.learn(ann_, arrived.devices);
  EXPECT_EQ(devices()->size(), 1U);
  devices_.seen(ann_, phone_);  // the session begins: it is written already
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(disk_->accounts.at(ann_).devices.size(), 1U);
}

TEST_F(Arrivals, OfUsersInMemoryAskNothing) {
  (void)ensure(phone_);
  const Users::WithDevices again = ensure(phone_);
  EXPECT_TRUE(again.user);
  EXPECT_FALSE(again.devices) << "the directory was not asked";
  EXPECT_EQ(asked_, 1);
}

TEST_F(Arrivals, OfAKnownDeviceAreWrittenByTheMinute) {
  devices_.learn(ann_, ensure(phone_).devices);
  DeviceRecord again = phone_;
  again.last_seen_ms += kMinuteMs - 1;
  devices_.seen(ann_, again);
  EXPECT_EQ(asked_, 1);
  again.last_seen_ms += 1;
  devices_.seen(ann_, again);
  EXPECT_EQ(devices()->at(0).last_seen_ms, again.last_seen_ms);
}

TEST_F(Arrivals, OfAnotherDeviceOrWithAnotherAgentAreWritten) {
  devices_.learn(ann_, ensure(phone_).devices);
  DeviceRecord renewed = phone_;
  renewed.agent = "phone, next release";
  devices_.seen(ann_, renewed);
  EXPECT_EQ(devices()->at(0).agent, renewed.agent);
  devices_.seen(ann_, {DeviceId(hash16("desk")), "desk", phone_.last_seen_ms, 0});
  EXPECT_EQ(devices()->size(), 2U);
}

TEST(Users, AreKeptUpToTheLimitAndTheFirstToComeLeaves) {
  DrainedScheduler loop;
  DirectoryMemory directory(std::make_shared<DirectoryMemory::Disk>(), loop);
  Users users(directory);
  const auto handle = [](std::size_t number) { return "user" + std::to_string(number); };
  std::size_t arrived = 0;
  const auto arrive = [&](std::size_t number) {
    users.find_or_create(
        {handle(number), "", ""}, {},
        [&](const Result<Users::WithDevices>& answer) { arrived += answer ? 1 : 0; });
  };
  constexpr std::size_t kMost = limits::users_cached_max;
  for (std::size_t number = 0; number < kMost; ++number) arrive(number);
  ASSERT_TRUE(loop.run_until([&] { return arrived == kMost; }));
  EXPECT_NE(users.cached(UserId::of(handle(0))), nullptr);
  arrive(kMost);
  arrive(kMost + 1);
  ASSERT_TRUE(loop.run_until([&] { return arrived == kMost + 2; }));
  for (std::size_t number = 0; number < kMost + 2; ++number) {
    const UserRecord* kept = users.cached(UserId::of(handle(number)));
    ASSERT_EQ(kept != nullptr, number >= 2) << number;
    if (number >= 2) {
      ASSERT_EQ(kept->handle, handle(number));
    }
  }
}

}  // namespace
}  // namespace kith::server
