// IdMap: stored values are found again, and ids of every kind get places of their own.
#include "src/id_map.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "src/split_mix.h"

namespace kith::server {
namespace {

TEST(IdMap, HoldsWhatAPlainTableHolds) {
  SplitMix random(7);
  IdMap<UserId, std::uint64_t> map;
  std::unordered_map<UserId, std::uint64_t> truth;
  for (std::uint64_t step = 0; step < 20'000; ++step) {
    const UserId id = UserId::of(std::to_string(random.below(500)));
    if (random.below(3) == 0) {
      ASSERT_EQ(map.erase(id), truth.erase(id));
    } else {
      map[id] = truth[id] = step;
    }
    ASSERT_EQ(map.size(), truth.size());
  }
  for (const auto& [id, value] : truth) {
    const auto found = map.find(id);
    ASSERT_TRUE(found != map.end());
    EXPECT_EQ(found->second, value);
  }
}

TEST(IdMap, SpreadsIdsWhoseLowBitsAreFixed) {
  SplitMix random(7);
  std::unordered_set<std::size_t> places;
  constexpr std::size_t kIds = 1024;
  for (std::size_t i = 0; i < kIds; ++i) {
    std::array<std::uint8_t, MessageId::kSize> bytes{};
    random.fill(bytes.data(), bytes.size());
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);  // as in an id of version 7
    places.insert(SpreadIdHash{}(MessageId(bytes)) % kIds);
  }
  EXPECT_GT(places.size(), kIds / 2) << "1 - 1/e of them, if they were thrown by chance";
}

}  // namespace
}  // namespace kith::server
