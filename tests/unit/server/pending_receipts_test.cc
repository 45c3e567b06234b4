// Each reader of a conversation waits once, however many there are.
#include "server/commands/pending_receipts.h"

#include <gtest/gtest.h>

#include <map>

namespace kith::server {
namespace {

PendingReceipt receipt(std::uint16_t n, std::uint64_t seq, std::uint8_t device = 0) {
  const std::array<std::uint8_t, 16> id{static_cast<std::uint8_t>(n >> 8),
                                        static_cast<std::uint8_t>(n)};
  return {ConversationId(id), UserId(id), DeviceId(std::array<std::uint8_t, 16>{device}), seq};
}

TEST(PendingReceipts, OfAReaderTheHighestAndTheLastDeviceAreKept) {
  PendingReceipts all(100);
  EXPECT_TRUE(all.note(receipt(1, 5, 1)));
  EXPECT_FALSE(all.note(receipt(1, 3, 2)));
  const auto kept = all.extract(receipt(1, 0).conversation, receipt(1, 0).reader);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->delivered_seq, 5u);
  EXPECT_EQ(kept->device, receipt(1, 0, 2).device);
  EXPECT_TRUE(all.empty());
  EXPECT_FALSE(all.extract(receipt(1, 0).conversation, receipt(1, 0).reader));
}

TEST(PendingReceipts, ManyAreStillEachOnce) {
  PendingReceipts all(300);
  for (std::uint64_t round = 1; round <= 2; ++round) {
    for (std::uint16_t n = 0; n < 400; ++n) {
      EXPECT_EQ(all.note(receipt(n, round)), round == 1 && n < 300) << n;
    }
  }
  EXPECT_EQ(all.size(), 300u);
  ASSERT_TRUE(all.extract(receipt(7, 0).conversation, receipt(7, 0).reader));
  std::map<ConversationId, std::uint64_t> taken;
  all.take_each([&](const PendingReceipt& r) {
    EXPECT_TRUE(taken.emplace(r.conversation, r.delivered_seq).second);
    return true;
  });
  EXPECT_EQ(taken.size(), 299u);
  for (const auto& [id, seq] : taken) EXPECT_EQ(seq, 2u);
  EXPECT_TRUE(all.empty());
}

TEST(PendingReceipts, WhatIsNotTakenStaysAndIsFoundAgain) {
  PendingReceipts all(300);
  for (std::uint16_t n = 0; n < 100; ++n) all.note(receipt(n, 1));
  std::size_t asked = 0;
  all.take_each([&](const PendingReceipt&) { return ++asked % 2 == 0; });
  EXPECT_EQ(asked, 100u);
  EXPECT_EQ(all.size(), 50u);
  std::size_t fresh = 0;
  for (std::uint16_t n = 0; n < 100; ++n) fresh += all.note(receipt(n, 2)) ? 1 : 0;
  EXPECT_EQ(fresh, 50u);
  EXPECT_EQ(all.size(), 100u);
}

}  // namespace
}  // namespace kith::server
