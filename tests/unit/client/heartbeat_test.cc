// Heartbeat: pings come in time, and silence is noticed.
#include "client/heartbeat.h"

#include <gtest/gtest.h>

#include "tests/unit/client/virtual_time.h"

namespace kith::client {
namespace {

using namespace std::chrono_literals;

class HeartbeatTest : public ::testing::Test {
 protected:
  VirtualScheduler scheduler;
  SeededRandom random;
  int pings = 0;
  int silences = 0;
  Heartbeat heartbeat{scheduler, random, {[this] { ++pings; }, [this] { ++silences; }}};
};

TEST_F(HeartbeatTest, PingsAboutEveryIntervalAsLongAsItIsAnswered) {
  heartbeat.start(30s);
  for (int i = 0; i < 10; ++i) {
    scheduler.advance(27s - 1ms);
    EXPECT_EQ(pings, i);
    scheduler.advance(6s + 1ms);
    EXPECT_EQ(pings, i + 1);
    heartbeat.heard();
    heartbeat.start(30s);
  }
  EXPECT_EQ(silences, 0);
}

TEST_F(HeartbeatTest, NoticesSilenceAfterThePongLimit) {
  heartbeat.ping(limits::pong_limit);
  scheduler.advance(Millis(limits::pong_limit) - 1ms);
  EXPECT_EQ(silences, 0);
  scheduler.advance(1ms);
  EXPECT_EQ(silences, 1);
}

TEST_F(HeartbeatTest, ProbeShortensTheWaitAndALaterPingDoesNotProlongIt) {
  heartbeat.ping(limits::pong_limit);
  heartbeat.ping(limits::probe_limit);
  heartbeat.ping(limits::pong_limit);
  scheduler.advance(limits::probe_limit);
  EXPECT_EQ(silences, 1);
}

TEST_F(HeartbeatTest, IsQuietWhenItIsStopped) {
  heartbeat.start(30s);
  heartbeat.ping(limits::pong_limit);
  heartbeat.stop();
  scheduler.advance(10min);
  EXPECT_EQ(pings, 1);
  EXPECT_EQ(silences, 0);
}

}  // namespace
}  // namespace kith::client
