// Ids are derived alike by every party and read back from what they print.
#include "kith/core/ids.h"

#include <gtest/gtest.h>

#include <array>
#include <type_traits>

#include "src/hash.h"
#include "tests/unit/core/fakes.h"

namespace kith {
namespace {

static_assert(!std::is_convertible_v<UserId, ConversationId>);
static_assert(!std::is_convertible_v<MessageId, DeviceId>);

TEST(Ids, UserIdIsTheDocumentedHash) {
  EXPECT_EQ(UserId::of("alice").array(), hash16("kith-user:alice"));
  EXPECT_NE(UserId::of("alice"), UserId::of("Alice"));
}

TEST(Ids, DirectConversationIsTheSameFromBothSides) {
  test::SeededRandom random(11);
  for (int i = 0; i < 200; ++i) {
    const UserId a = UserId::of(std::to_string(random.next()));
    const UserId b = UserId::of(std::to_string(random.next()));
    const ConversationId id = ConversationId::direct(a, b);
    EXPECT_EQ(id, ConversationId::direct(b, a));
    const auto& low = a < b ? a : b;
    const auto& high = a < b ? b : a;
    auto bytes = hash16("kith-dm:" + low.bytes() + high.bytes());
    bytes[6] = static_cast<std::uint8_t>(0x80 | (bytes[6] & 0x0f));
    bytes[8] = static_cast<std::uint8_t>(0x80 | (bytes[8] & 0x3f));
    EXPECT_EQ(id.array(), bytes);
  }
}

TEST(Ids, AConversationsIdTellsItsType) {
  test::SeededRandom random(13);
  for (int i = 0; i < 200; ++i) {
    const ConversationId group = ConversationId::group(random);
    EXPECT_TRUE(group.is_group());
    EXPECT_FALSE(group.is_direct());
    const ConversationId direct =
        ConversationId::direct(UserId::of(std::to_string(random.next())), UserId::of("b"));
    EXPECT_TRUE(direct.is_direct());
    EXPECT_FALSE(direct.is_group());
  }
  EXPECT_FALSE(ConversationId().is_direct() || ConversationId().is_group());
}

TEST(Ids, AreOrderedAsTheirBytes) {
  static_assert(DeviceId(std::array<std::uint8_t, 16>{1}) > DeviceId());
  test::SeededRandom random(12);
  for (int i = 0; i < 2'000; ++i) {
    std::array<std::uint8_t, 16> a{};
    random.fill(a.data(), a.size());
    std::array<std::uint8_t, 16> b = a;
    b[random.below(16)] ^= static_cast<std::uint8_t>(random.below(256));
    b[random.below(16)] ^= static_cast<std::uint8_t>(random.below(2));
    EXPECT_EQ(DeviceId(a) <=> DeviceId(b), a <=> b);
    EXPECT_EQ(DeviceId(a) == DeviceId(b), a == b);
  }
}

TEST(Ids, TextFormRoundTrips) {
  const UserId id = UserId::of("bob");
  EXPECT_EQ(id.to_string().size(), 32u);
  EXPECT_EQ(UserId::parse(id.to_string()), id);
  EXPECT_EQ(DeviceId::parse("000102030405060708090a0b0c0d0e0F")->to_string(),
            "000102030405060708090a0b0c0d0e0f");
}

TEST(Ids, RefusesOtherSizesAndDigits) {
  EXPECT_FALSE(DeviceId::from_bytes(std::string(15, 'x')));
  EXPECT_FALSE(DeviceId::from_bytes(std::string(17, 'x')));
  EXPECT_FALSE(DeviceId::parse(std::string(31, '0')));
  EXPECT_FALSE(DeviceId::parse(std::string(33, '0')));
  EXPECT_FALSE(DeviceId::parse("g" + std::string(31, '0')));
  EXPECT_FALSE(DeviceId::parse(std::string(31, '0') + " "));
}

}  // namespace
}  // namespace kith
