// Devices of an account: bounded, and nothing that was revoked comes back by being forgotten.
#include "server/users/device_room.h"

#include <gtest/gtest.h>

#include "kith/core/limits.h"
#include "server/people/people_service.h"
#include "src/frame_codec.h"
#include "tests/unit/server/service_fixture.h"

namespace kith::server {
namespace {

DeviceId nth(std::size_t n) {
  std::array<std::uint8_t, DeviceId::kSize> bytes{};
  bytes[0] = static_cast<std::uint8_t>(n / 256);
  bytes[1] = static_cast<std::uint8_t>(n % 256);
  return DeviceId(bytes);
}

DeviceRecord device(std::size_t n, std::int64_t last_seen_ms) {
  DeviceRecord record;
  record.id = nth(n);
  record.agent = std::string(limits::agent_bytes_max, 'a');
  record.last_seen_ms = last_seen_ms;
  return record;
}

std::vector<DeviceRecord> full_house() {
  std::vector<DeviceRecord> devices;
  for (std::size_t n = 1; n <= limits::account_devices_max; ++n) {
    devices.push_back(device(n, static_cast<std::int64_t>(1'000 + n)));
  }
  return devices;
}

TEST(DeviceRoomTest, ANewOneTakesThePlaceOfTheOneThatWasAwayTheLongest) {
  auto devices = full_house();
  const auto none_online = [](const DeviceId&) { return false; };
  EXPECT_EQ(devices_giving_way(devices, nth(500), none_online), std::vector{nth(1)});
  EXPECT_TRUE(devices_giving_way(devices, nth(7), none_online).empty()) << "it is there already";
  const auto first_online = [](const DeviceId& id) { return id == nth(1); };
  EXPECT_EQ(devices_giving_way(devices, nth(500), first_online), std::vector{nth(2)});
  devices.pop_back();
  EXPECT_TRUE(devices_giving_way(devices, nth(500), none_online).empty());
}

TEST(DeviceRoomTest, WhatWasRevokedIsNotForgottenToMakeRoom) {
  auto devices = full_house();
  devices[0].revoked_ms = 5;
  devices[1].tokens.push_back({"token", 1, 0, true});
  devices[2].spared_ms = 5;
  for (std::size_t n = 0; n < 3; ++n) devices.push_back(device(200 + n, 2'000));
  EXPECT_EQ(devices_giving_way(devices, nth(500), nullptr), std::vector{nth(4)});
}

TEST(DeviceRoomTest, RevokedOnesAreForgottenWhenTheirTokensAreRefusedAnyway) {
  auto covered = device(1, 100);
  covered.revoked_ms = 200;
  covered.tokens.push_back({"dated", 50, 0, true});
  auto undated = device(2, 100);
  undated.revoked_ms = 200;
  undated.tokens.push_back({"undated", 0, 0, true});
  auto later = device(3, 100);
  later.revoked_ms = 400;
  auto back = device(4, 250);
  back.revoked_ms = 200;
  EXPECT_EQ(devices_covered({covered, undated, later, back}, 300), std::vector{nth(1)});
}

TEST(DeviceRoomTest, OnlyWhatIsThereIsRevokedAndNotWithoutEnd) {
  auto devices = full_house();
  EXPECT_EQ(may_revoke(devices, nth(900)).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(may_revoke(devices, nth(1)).ok());
  for (DeviceRecord& one : devices) one.revoked_ms = 5'000;
  EXPECT_TRUE(may_revoke(devices, nth(1)).ok()) << "again";
  devices.push_back(device(200, 1));
  EXPECT_EQ(may_revoke(devices, nth(200)).error().code, ErrorCode::kLimitExceeded);
}

class ManyDevicesTest : public testing::ServiceTest {
 protected:
  void come(std::size_t n) {
    DeviceRecord record = device(n, loop.clock().wall().ms);
    devices.with(bob, [&](const Result<Devices::List>&) { devices.seen(bob, record); });
    loop.advance(std::chrono::seconds(1));
  }
  std::size_t rows() {
    std::size_t count = 0;
    directory.devices(
        bob, [&](const Result<std::vector<DeviceRecord>>& found) { count = found->size(); });
    loop.advance(std::chrono::seconds(1));
    return count;
  }

  Devices devices{directory};
};

TEST_F(ManyDevicesTest, AThousandComeAndAHundredAreKnown) {
  enter(bob, 1);
  for (std::size_t n = 1; n <= 1'000; ++n) come(n);
  EXPECT_EQ(rows(), limits::account_devices_max);
}

TEST_F(ManyDevicesTest, TheListFitsIntoAFrameAndStrangersIdsMakeNoRows) {
  const Caller phone = enter(bob, 1);
  for (std::size_t n = 1; n <= 300; ++n) come(n);
  PeopleHooks hooks;
  hooks.online = [](const UserId&, const DeviceId&) { return true; };
  PeopleService people(directory, users, devices, feed, router, fanout, loop.clock(), hooks);
  v1::ServerFrame answer;
  const auto ask = [&](const v1::ClientFrame& frame) {
    people.handle(phone, frame, [&](v1::ServerFrame&& reply) { answer = std::move(reply); });
    loop.advance(std::chrono::seconds(1));
  };
  v1::ClientFrame get;
  get.mutable_get_devices();
  ask(get);
  EXPECT_EQ(answer.devices_page().devices_size(), static_cast<int>(limits::account_devices_max));
  EXPECT_TRUE(encode(answer).ok());
  v1::ClientFrame revoke;
  for (std::size_t n = 5'000; n < 5'100; ++n) {
    revoke.mutable_revoke_device()->set_device_id(nth(n).bytes());
    ask(revoke);
    ASSERT_EQ(answer.error().code(), v1::ERROR_CODE_NOT_FOUND);
  }
  EXPECT_EQ(rows(), limits::account_devices_max);
}

}  // namespace
}  // namespace kith::server
