// FetchRests: a conversation that failed rests longer each time, and the others do not.
#include "client/fetch_rests.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/client/virtual_time.h"

namespace kith::client {
namespace {

using namespace std::chrono_literals;

class FetchRestsTest : public ::testing::Test {
 protected:
  VirtualScheduler scheduler;
  std::vector<Millis> syncs;
  FetchRests rests{scheduler, [this](Millis delay) { syncs.push_back(delay); }};
  const ConversationId room = ConversationId::direct(UserId::of("alice"), UserId::of("bob"));
  const Error failure = make_error(ErrorCode::kUnavailable, "down");
};

TEST_F(FetchRestsTest, PauseDoublesUpToFiveMinutes) {
  for (int i = 0; i < 12; ++i) rests.note_failure(room, failure);
  EXPECT_EQ(syncs[0], 2s);
  EXPECT_EQ(syncs[1], 4s);
  EXPECT_EQ(syncs[2], 8s);
  EXPECT_EQ(syncs.back(), 5min);
}

TEST_F(FetchRestsTest, RestsUntilThePauseIsOver) {
  rests.note_failure(room, failure);
  scheduler.advance(1500ms);
  EXPECT_TRUE(rests.resting(room));
  EXPECT_EQ(syncs.back(), 500ms);  // a sync comes back to it then
  scheduler.advance(500ms);
  EXPECT_FALSE(rests.resting(room));
  EXPECT_FALSE(rests.resting(ConversationId::direct(UserId::of("alice"), UserId::of("carol"))));
}

TEST_F(FetchRestsTest, ServerNamesALongerPause) {
  rests.note_failure(room, make_error(ErrorCode::kOverloaded, "busy", 30'000));
  EXPECT_EQ(syncs.back(), 30s);
}

TEST_F(FetchRestsTest, SuccessEndsIt) {
  rests.note_failure(room, failure);
  rests.note_failure(room, failure);
  rests.end(room);
  EXPECT_FALSE(rests.resting(room));
  rests.note_failure(room, failure);
  EXPECT_EQ(syncs.back(), 2s);
}

}  // namespace
}  // namespace kith::client
