// Proves the promises of LoopUv: order, timers, run_sync from any thread, end-of-turn hooks, a
// clean stop.
#include "src/loop/loop_uv.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace kith {
namespace {

TEST(LoopUv, RunsPostedTasksInOrderOnItsOwnThread) {
  LoopUv loop;
  std::vector<int> seen;
  for (int i = 0; i < 100; ++i) {
    loop.post([&, i] { seen.push_back(loop.on_loop_thread() ? i : -1); });
  }
  loop.start();
  loop.stop();
  ASSERT_EQ(seen.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
  EXPECT_FALSE(loop.on_loop_thread());
}

TEST(LoopUv, FiresTimersInOrderOfTheirDelayAndNotTheCancelledOnes) {
  LoopUv loop;
  loop.start();
  std::vector<int> seen;
  std::promise<void> done;
  std::int64_t began = 0;
  std::int64_t ended = 0;
  loop.run_sync([&] {
    began = loop.clock().steady_ms();
    loop.after(Millis(30), [&] {
      seen.push_back(3);
      ended = loop.clock().steady_ms();
      done.set_value();
    });
    loop.after(Millis(10), [&] { seen.push_back(2); });
    const auto dropped = loop.after(Millis(5), [&] { seen.push_back(99); });
    loop.after(Millis(0), [&] { seen.push_back(1); });
    loop.cancel(dropped);
    loop.cancel(0);
  });
  done.get_future().wait();
  loop.stop();
  EXPECT_EQ(seen, (std::vector<int>{1, 2, 3}));
  EXPECT_GE(ended - began, 30);
}

TEST(LoopUv, LetsATimerSetAndCancelTimers) {
  LoopUv loop;
  loop.start();
  std::promise<int> done;
  int rounds = 0;
  std::function<void()> again = [&] {
    if (++rounds == 20) {
      done.set_value(rounds);
    } else {
      const auto other = loop.after(Millis(1), [&] { rounds = 1'000; });
      loop.after(Millis(0), again);
      loop.cancel(other);
    }
  };
  loop.run_sync([&] { loop.after(Millis(0), again); });
  EXPECT_EQ(done.get_future().get(), 20);
}

TEST(LoopUv, RunsSyncFromManyThreadsOneAtATime) {
  LoopUv loop;
  loop.start();
  int counter = 0;  // unguarded on purpose: only the loop touches it
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        loop.post([&] { ++counter; });
        loop.run_sync([&] { ++counter; });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  loop.stop();
  EXPECT_EQ(counter, 4'000);
}

TEST(LoopUv, RunsInPlaceOnTheLoopAndAfterStop) {
  LoopUv loop;
  loop.start();
  bool nested = false;
  loop.run_sync([&] { loop.run_sync([&] { nested = true; }); });
  EXPECT_TRUE(nested);
  loop.stop();
  loop.stop();
  bool late = false;
  loop.run_sync([&] { late = true; });
  EXPECT_TRUE(late);
}

TEST(LoopUv, SurvivesThreadsThatCallWhileItStops) {
  for (int round = 0; round < 20; ++round) {
    LoopUv loop;
    loop.start();
    std::atomic<int> ran{0};
    std::thread caller([&] {
      for (int i = 0; i < 50; ++i) loop.run_sync([&] { ++ran; });
    });
    loop.stop();
    caller.join();
    EXPECT_EQ(ran, 50);
  }
}

TEST(LoopUv, CallsTurnEndAfterWhatTheTurnDid) {
  LoopUv loop;
  std::vector<int> seen;
  std::promise<void> flushed;
  bool work = false;
  const auto handle = loop.at_turn_end([&] {
    if (!work) return;
    work = false;
    seen.push_back(2);
    flushed.set_value();
  });
  loop.start();
  loop.post([&] {
    seen.push_back(1);
    work = true;
  });
  flushed.get_future().wait();
  loop.run_sync([&] {
    loop.remove_turn_end(handle);
    work = true;
  });
  loop.run_sync([] {});
  loop.stop();
  EXPECT_EQ(seen, (std::vector<int>{1, 2}));
}

TEST(LoopUv, FlushesWhatATimerProducedBeforeItSleeps) {
  LoopUv loop;
  bool work = false;
  std::promise<void> flushed;
  loop.at_turn_end([&] {
    if (std::exchange(work, false)) flushed.set_value();
  });
  loop.start();
  loop.run_sync([&] { loop.after(Millis(5), [&] { work = true; }); });
  EXPECT_EQ(flushed.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

//
TEST(LoopUv, LeavesSignalsToTheHost) {
  LoopUv loop;
  loop.start();
  sigset_t mask;
  loop.run_sync([&] { pthread_sigmask(SIG_BLOCK, nullptr, &mask); });
  EXPECT_EQ(sigismember(&mask, SIGTERM), 1);
  EXPECT_EQ(sigismember(&mask, SIGINT), 1);
  EXPECT_EQ(sigismember(&mask, SIGPIPE), 1);
}

TEST(LoopUv, RunsWhatIsDueSoonBeforeTheTurnEnds) {
  LoopUv loop;
  std::string seen;
  loop.at_turn_end([&] {
    if (!seen.empty() && seen.back() != '|') seen += '|';
  });
  loop.start();
  loop.run_sync([&] {
    loop.soon().post([&] {
      seen += 'a';
      loop.soon().post([&] { seen += 'b'; });
    });
    seen += '1';
  });
  loop.run_sync([&] { seen += '2'; });
  loop.stop();
  EXPECT_EQ(seen, "1ab|2|");
}

TEST(LoopUv, WakesForWhatIsDueSoon) {
  LoopUv loop;
  loop.start();
  for (int i = 0; i < 100; ++i) {
    // From another thread, from the loop, and so deep that the turn ends before.
    std::promise<void> done;
    int left = 10;
    std::function<void()> deeper = [&] {
      if (--left == 0) return done.set_value();
      loop.soon().post(deeper);
    };
    loop.soon().post(deeper);
    ASSERT_EQ(done.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  }
  loop.stop();
}

TEST(LoopUv, RunsWhatIsDueSoonBeforeItEnds) {
  LoopUv loop;
  loop.start();
  int ran = 0;
  loop.run_sync([&] { loop.soon().post([&] { ++ran; }); });
  loop.stop();
  loop.soon().post([&] { ++ran; });
  EXPECT_EQ(ran, 1);
}

}  // namespace
}  // namespace kith
