// Guard: callbacks of an object that is gone do nothing.
#include "src/guard.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

namespace kith {
namespace {

struct Counter {
  int calls = 0;
  std::string said;
  Guard guard;
};

TEST(Guard, CallsAsLongAsItsOwnerIsThere) {
  Counter counter;
  const std::function<void(int, const std::string&)> call =
      counter.guard.wrap([&counter](int more, const std::string& what) {
        counter.calls += more, counter.said = what;
      });
  call(2, "yes");
  call(3, "again");
  EXPECT_EQ(counter.calls, 5);
  EXPECT_EQ(counter.said, "again");
}

TEST(Guard, DropsTheCallWhenItsOwnerIsGone) {
  int calls = 0;
  auto counter = std::make_unique<Counter>();
  const std::function<void()> call = counter->guard.wrap([&calls] { ++calls; });
  call();
  counter.reset();
  call();
  EXPECT_EQ(calls, 1);
}

TEST(Guard, LetsACallEndItsOwner) {
  auto counter = std::make_unique<Counter>();
  bool after = false;
  const std::function<void()> call = counter->guard.wrap([&counter, &after] {
    counter.reset();
    after = true;
  });
  call();
  EXPECT_TRUE(after);
  after = false;
  call();
  EXPECT_FALSE(after);
}

TEST(Guard, IsWatchedBeyondItsEnd) {
  auto counter = std::make_unique<Counter>();
  const Guard::Watch watch = counter->guard.watch();
  const Guard::Watch copy = watch;
  EXPECT_FALSE(watch.gone());
  EXPECT_FALSE(copy.gone());
  counter.reset();
  EXPECT_TRUE(watch.gone());
  EXPECT_TRUE(copy.gone());
}

TEST(Guard, HandsOverWhatCanOnlyBeMoved) {
  const Guard guard;
  auto call = guard.wrap([](std::unique_ptr<int> value) { EXPECT_EQ(*value, 7); });
  call(std::make_unique<int>(7));
}

}  // namespace
}  // namespace kith
