// History pages and previews, with events in between that are withheld from this reader.
#include "tests/unit/client/engine_fixture.h"

namespace kith::client {
namespace {

class HistoryTest : public EngineTest {
 protected:
  // Place `seq` of somebody who is blocked here: a number, and nothing to show.
  v1::Event withheld(std::uint64_t seq) const {
    v1::Event e;
    e.set_conversation_id(room.bytes());
    e.set_seq(seq);
    e.set_kind(v1::EVENT_KIND_VOID);
    e.set_server_ts_ms(1000 + seq);
    e.set_ordinal(3);
    return e;
  }
  // Messages 1 to 3, then withheld ones; answers what is asked for.
  void answer(const v1::ClientFrame& request) {
    const v1::GetEvents& get = request.get_events();
    v1::ServerFrame frame;
    frame.set_reply_to(request.req_id());
    v1::EventsPage& page = *frame.mutable_events_page();
    page.set_conversation_id(room.bytes());
    const std::uint64_t most = get.limit() ? get.limit() : limits::page_events_max;
    std::uint64_t from = get.from();
    if (get.newest() && get.to() >= most) from = std::max(from, get.to() + 1 - most);
    for (std::uint64_t seq = from; seq <= get.to() && seq < from + most; ++seq) {
      *page.add_events() = seq <= 3 ? event(seq) : withheld(seq);
    }
    page.set_last_seq(400);
    say(frame);
  }
  std::vector<Message> page_before(std::uint64_t before) {
    std::optional<std::vector<Message>> page;
    engine->history().page(room, Seq(before), 20,
                           [&](Result<std::vector<Message>> got) { page = got.value_or({}); });
    for (int i = 0; i < 100 && !page && count(v1::ClientFrame::kGetEvents) > 0; ++i) {
      answer(expect(v1::ClientFrame::kGetEvents));
    }
    EXPECT_TRUE(page.has_value());
    return page.value_or(std::vector<Message>{});
  }
};

TEST_F(HistoryTest, AnEmptyPageIsTheBeginningAndNothingElse) {
  go_online({state(400)});
  answer(expect(v1::ClientFrame::kGetEvents));  // the newest of a large hole
  const auto page = page_before(0);
  ASSERT_EQ(page.size(), 3u);
  EXPECT_EQ(page.front().seq, Seq(1));
  EXPECT_TRUE(page_before(1).empty());
}

TEST_F(HistoryTest, ThePreviewIsTheNewestThatIsShown) {
  go_online({state(5)});
  answer(expect(v1::ClientFrame::kGetEvents));
  EXPECT_EQ(engine->history().conversations(1).front().last.text, "text 3");
  EXPECT_EQ(engine->history().timeline(room, 2).size(), 2u);
}

}  // namespace
}  // namespace kith::client
