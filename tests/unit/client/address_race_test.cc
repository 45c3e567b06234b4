// The order in which addresses are tried.
#include "client/transport/address_race.h"

#include <gtest/gtest.h>

namespace kith::client {
namespace {

using Addresses = std::vector<std::string>;

TEST(AddressRace, LetsTheFamiliesTakeTurns) {
  EXPECT_EQ(race_order({"a:1", "a:2", "a:3", "1.1.1.1", "2.2.2.2"}, 9),
            (Addresses{"a:1", "1.1.1.1", "a:2", "2.2.2.2", "a:3"}));
  EXPECT_EQ(race_order({"1.1.1.1", "2.2.2.2", "a:1"}, 9), (Addresses{"1.1.1.1", "a:1", "2.2.2.2"}));
  EXPECT_EQ(race_order({"1.1.1.1", "2.2.2.2"}, 9), (Addresses{"1.1.1.1", "2.2.2.2"}));
  EXPECT_EQ(race_order({}, 9), Addresses{});
}

TEST(AddressRace, TriesNoMoreThanItMay) {
  EXPECT_EQ(race_order({"a:1", "a:2", "1.1.1.1", "2.2.2.2"}, 3),
            (Addresses{"a:1", "1.1.1.1", "a:2"}));
  EXPECT_EQ(race_order({"a:1", "a:2"}, 1), Addresses{"a:1"});
}

}  // namespace
}  // namespace kith::client
