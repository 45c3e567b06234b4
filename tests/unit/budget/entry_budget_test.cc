// EntryBudget: a guesser is slowed down, and the owner signs in meanwhile.
#include "server/budget/entry_budget.h"

#include <gtest/gtest.h>

#include "kith/core/limits.h"
#include "src/split_mix.h"

namespace kith::server {
namespace {

DeviceId device(std::uint8_t n) {
  return DeviceId(std::array<std::uint8_t, 16>{n});
}

class EntryBudgetTest : public ::testing::Test {
 protected:
  // One wrong password; the answer is how long it must wait instead.
  std::uint32_t guess(const std::string& handle, const std::string& address, std::uint8_t n = 1) {
    SignInAttempt attempt;
    return entry.begin(UserId::of(handle), device(n), address, now, attempt);
  }
  std::uint32_t sign_in(const std::string& handle, const std::string& address, std::uint8_t n) {
    SignInAttempt attempt;
    const std::uint32_t wait = entry.begin(UserId::of(handle), device(n), address, now, attempt);
    if (wait > 0) return wait;
    entry.succeeded(attempt, now);
    entry.remember(UserId::of(handle), device(n), address, now);
    return 0;
  }
  // As many as get through in `span` when each asks every 10 ms.
  int guesses_in(std::int64_t span, const std::string& handle, const std::string& address) {
    int through = 0;
    for (const std::int64_t end = now + span; now < end; now += 10)
      through += guess(handle, address) == 0 ? 1 : 0;
    return through;
  }

  SplitMix random{3};
  ServerOptions options;
  EntryBudget entry{options, random};
  std::int64_t now = 1'000;
};

TEST_F(EntryBudgetTest, PausesGrowAndAreToldTruly) {
  for (std::uint32_t i = 0; i <= limits::sign_in_failures_free; ++i)
    EXPECT_EQ(guess("ann", "a"), 0U) << i;
  std::uint32_t last = 0;
  for (int i = 0; i < 5; ++i) {
    const std::uint32_t wait = guess("ann", "a");
    EXPECT_GT(wait, last);
    now += wait - 1;
    EXPECT_EQ(guess("ann", "a"), 1U);
    now += 1;
    EXPECT_EQ(guess("ann", "a"), 0U);
    last = wait;
  }
  EXPECT_LE(guess("ann", "a"), Millis(limits::sign_in_pause_max).count());
}

TEST_F(EntryBudgetTest, AHandleThatIsNobodysIsTreatedAlike) {
  SplitMix same(3);
  EntryBudget other(options, same);
  SignInAttempt attempt;
  for (int i = 0; i < 100; ++i, now += 700) {
    const std::uint32_t known = guess("ann", "a");
    EXPECT_EQ(known, other.begin(UserId::of("nobody at all"), device(1), "a", now, attempt));
  }
}

TEST_F(EntryBudgetTest, AGuesserGetsOneAMinute) {
  EXPECT_LE(guesses_in(10'000, "ann", "a"), 9);
  EXPECT_LE(guesses_in(3'600'000, "ann", "a"), 70);
}

TEST_F(EntryBudgetTest, TimeHeals) {
  for (int i = 0; i < 30; ++i) guess("ann", "a");
  now += 40 * 60'000;
  for (std::uint32_t i = 0; i < limits::sign_in_failures_free; ++i)
    EXPECT_EQ(guess("ann", "a"), 0U);
}

TEST_F(EntryBudgetTest, TheOwnerComesInWhileStrangersGuess) {
  ASSERT_EQ(sign_in("ann", "home", 7), 0U);
  for (int address = 0; address < 500; ++address) {
    for (int i = 0; i < 10; ++i) guess("ann", "bot " + std::to_string(address));
  }
  EXPECT_GT(guess("ann", "a new place", 9), 0U) << "guesses from everywhere are few, too";
  EXPECT_EQ(sign_in("ann", "home", 8), 0U) << "another device at home";
  EXPECT_EQ(sign_in("ann", "abroad", 7), 0U) << "the known device elsewhere";
  now += 60'000;
  EXPECT_EQ(guess("ann", "a new place", 9), 0U) << "nobody is locked out for good";
}

TEST_F(EntryBudgetTest, AKnownDeviceComesInFromTheAddressOfTheGuesser) {
  ASSERT_EQ(sign_in("ann", "a", 7), 0U);
  guesses_in(60'000, "ann", "a");
  for (int i = 0; i < 1'000; ++i) guess("somebody " + std::to_string(i), "a");
  EXPECT_EQ(sign_in("ann", "a", 7), 0U);
  EXPECT_GT(guess("ann", "a", 9), 0U);
}

TEST_F(EntryBudgetTest, ANameThatIsTriedWithAKnownDeviceIsPausedToo) {
  ASSERT_EQ(sign_in("ann", "a", 7), 0U);
  int through = 0;
  for (int i = 0; i < 1'000; ++i, now += 10) through += guess("ann", "a", 7) == 0 ? 1 : 0;
  EXPECT_LE(through, 9);
}

TEST_F(EntryBudgetTest, AnAddressThatTriesManyNamesIsBounded) {
  int through = 0;
  for (int i = 0; i < 6'000; ++i, now += 10)
    through += guess("name " + std::to_string(i), "a") == 0 ? 1 : 0;
  EXPECT_LE(through, limits::address_failures_burst + limits::address_failures_per_min + 1);
  EXPECT_EQ(guess("ann", "b"), 0U) << "others do not notice";
}

TEST_F(EntryBudgetTest, SignInsThatSucceedCostNothing) {
  for (int i = 0; i < 2'000; ++i)
    ASSERT_EQ(sign_in("user " + std::to_string(i % 50), "office", 1), 0U);
}

TEST_F(EntryBudgetTest, WhatWasNotDecidedCostsNothing) {
  for (int i = 0; i < 1'000; ++i) {
    SignInAttempt attempt;
    ASSERT_EQ(entry.begin(UserId::of("ann"), device(1), "a", now, attempt), 0U);
    entry.undecided(attempt, now);
  }
}

TEST_F(EntryBudgetTest, RegistrationsOfAnAddressAreBounded) {
  int made = 0;
  for (int i = 0; i < 6'000; ++i, now += 10) made += entry.register_account("a", now) == 0 ? 1 : 0;
  EXPECT_LE(made,
            limits::address_registrations_burst + limits::address_registrations_per_h / 60 + 1);
  EXPECT_EQ(entry.register_account("b", now), 0U);
}

TEST_F(EntryBudgetTest, ZeroIsAnyNumber) {
  options.address_registrations_per_h = options.address_failures_per_min =
      options.address_lookups_per_s = 0;
  EntryBudget open(options, random);
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(open.register_account("a", now), 0U);
    ASSERT_EQ(open.look_up("a", 100, now), 0U);
    ASSERT_FALSE(open.token_refused("a", now));
  }
}

TEST_F(EntryBudgetTest, AFloodOfAddressesAndNamesTakesBoundedMemory) {
  for (int i = 0; i < 300'000; ++i) {
    guess("name " + std::to_string(i), "address " + std::to_string(i));
    entry.register_account("address " + std::to_string(i), now);
  }
  EXPECT_LE(entry.bytes(), entry.bytes_max());
  EXPECT_LE(entry.bytes_max(), 48U << 20);
}

}  // namespace
}  // namespace kith::server
