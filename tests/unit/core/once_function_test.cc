// OnceFunction: called, moved and let go exactly as often as it should be.
#include "kith/core/once_function.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace kith {
namespace {

using Ask = OnceFunction<std::string(int), 48>;

TEST(OnceFunction, AnswersAlsoAfterItWasMoved) {
  std::string kept = "a text that is longer than what a string holds in itself";
  Ask small = [kept](int n) { return kept + std::to_string(n); };
  Ask moved = std::move(small);
  EXPECT_FALSE(small);  // NOLINT(bugprone-use-after-move): that is what is asked
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved(3), kept + "3");

  std::array<char, 200> wide{};
  wide[199] = 'x';
  Ask large = [wide](int n) { return std::string(static_cast<std::size_t>(n), wide[199]); };
  moved = std::move(large);
  EXPECT_EQ(moved(3), "xxx");
}

TEST(OnceFunction, LetsGoOfWhatItHoldsOnce) {
  const auto held = std::make_shared<int>(1);
  std::array<char, 200> wide{};
  {
    std::vector<Ask> many;
    for (int i = 0; i < 20; ++i) {  // the vector grows and moves them
      many.emplace_back([held](int) { return std::string(); });
      many.emplace_back([held, wide](int) { return std::string(1, wide[0]); });
    }
    EXPECT_EQ(held.use_count(), 41);
    many[0] = nullptr;
    many[1] = std::move(many[2]);
    EXPECT_EQ(held.use_count(), 39);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(OnceFunction, HoldsWhatCannotBeCopiedAndPassesItOn) {
  auto owned = std::make_unique<int>(7);
  OnceFunction<int(std::unique_ptr<int>)> add =
      [owned = std::move(owned)](std::unique_ptr<int> more) { return *owned + *more; };
  EXPECT_EQ(add(std::make_unique<int>(5)), 12);
}

TEST(OnceFunction, TakesAStdFunction) {
  std::function<std::string(int)> f = [](int n) { return std::to_string(n); };
  Ask ask = f;
  EXPECT_EQ(ask(4), f(4));
}

}  // namespace
}  // namespace kith
