// Observable views: as few calls as promised, and steps that lead to what the engine shows.
#include "client/views.h"

#include "examples/guide/guide.h"
#include "tests/unit/client/engine_fixture.h"

namespace kith::client {
namespace {

using namespace std::chrono_literals;

class ViewsTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    go_online({state(1)});
    views = std::make_unique<Views>(engine->history(), scheduler);
    views->add_list(1, [this](const std::vector<Diff<Conversation>>& steps) {
      ++list_calls;
      guide::apply(steps, list);
    });
    views->add_timeline(2, room, 50, [this](const std::vector<Diff<Message>>& steps) {
      ++timeline_calls;
      guide::apply(steps, timeline);
    });
  }
  void TearDown() override {
    views.reset();
    EngineTest::TearDown();
  }
  // As Client does: every change of a conversation touches its views.
  void hear(const v1::Event& e) {
    events.clear();
    push(e);
    for (const Event& told : events) {
      if (std::holds_alternative<MessageChanged>(told)) views->touch(room);
    }
  }

  std::unique_ptr<Views> views;
  std::vector<Conversation> list;
  std::vector<Message> timeline;
  int list_calls = 0, timeline_calls = 0;
};

TEST_F(ViewsTest, AFloodIsTwentyCallsASecond) {
  ASSERT_EQ(timeline_calls, 1) << "the reset";
  for (std::uint64_t seq = 1; seq <= 200; ++seq) {
    hear(event(seq));
    scheduler.advance(5ms);
  }
  scheduler.advance(1s);
  EXPECT_GE(timeline_calls, 15);
  EXPECT_LE(timeline_calls, 1 + 21);
  EXPECT_LE(list_calls, 1 + 21);
  EXPECT_EQ(timeline, engine->history().timeline(room, 50));
  EXPECT_EQ(timeline.back().text, "text 200");
  EXPECT_EQ(list, engine->history().conversations(100));
}

TEST_F(ViewsTest, NothingNewIsNoCall) {
  hear(event(1));
  scheduler.advance(1s);
  const int before = timeline_calls;
  views->touch(room);
  scheduler.advance(1s);
  hear(event(1));  // heard before
  scheduler.advance(1s);
  EXPECT_EQ(timeline_calls, before);
  int again = 0;
  views->add_timeline(3, room, 50, [&](const std::vector<Diff<Message>>& steps) {
    ++again;
    ASSERT_EQ(steps.size(), 1u);
    EXPECT_EQ(steps.front().kind, Diff<Message>::Kind::kReset);
    EXPECT_EQ(steps.front().items, timeline);
  });
  scheduler.advance(10s);
  EXPECT_EQ(again, 1) << "a view that is opened again is its reset";
}

TEST_F(ViewsTest, ARemovedViewHearsNothing) {
  views->remove(2);
  const int before = timeline_calls;
  hear(event(1));
  scheduler.advance(1s);
  EXPECT_EQ(timeline_calls, before);
  EXPECT_EQ(list_calls, 2);
}

}  // namespace
}  // namespace kith::client
