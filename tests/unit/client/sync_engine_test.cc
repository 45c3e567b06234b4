// Gaps, lost pushes, acknowledgements and the cursor.
#include "tests/unit/client/engine_fixture.h"
#include "tests/unit/client/fullable_store.h"

namespace kith::client {
namespace {

using namespace std::chrono_literals;

class SyncEngineTest : public EngineTest {
 protected:
  // Online, with the first event of the room.
  FullableStore& start_on_fullable_disk() {
    auto fullable = std::make_unique<FullableStore>(std::move(store));
    FullableStore& disk = *fullable;
    store = std::move(fullable);
    restart();
    go_online({state(1)});
    answer_events(expect(v1::ClientFrame::kGetEvents));
    return disk;
  }
  void answer_events(const v1::ClientFrame& request) {
    v1::ServerFrame frame;
    frame.set_reply_to(request.req_id());
    v1::EventsPage& page = *frame.mutable_events_page();
    page.set_conversation_id(room.bytes());
    for (std::uint64_t seq = request.get_events().from(); seq <= request.get_events().to(); ++seq) {
      *page.add_events() = event(seq);
    }
    page.set_last_seq(request.get_events().to());
    say(frame);
  }
  // As a server does: a page at a time.
  void answer_events_cut(v1::ClientFrame request) {
    v1::GetEvents& get = *request.mutable_get_events();
    get.set_to(std::min<std::uint64_t>(get.to(), get.from() + limits::page_events_max - 1));
    answer_events(request);
  }
  // The connection breaks; when it is back the room has grown.
  void away_until(std::uint64_t last_seq) {
    cut();
    scheduler.advance(60s);
    welcome(hello());
    v1::ConversationState grown = state(last_seq);
    grown.set_entry_ver(2);
    answer_sync({grown}, 2);
    for (const v1::ClientFrame& frame : server.received) {
      if (frame.has_get_events()) fetch_ = frame;
      if (frame.has_send()) repeated_ = frame;
    }
  }
  // The page of a large hole: its newest end.
  void answer_newest(std::uint64_t last_seq) {
    const v1::GetEvents& get = fetch_.get_events();
    ASSERT_TRUE(get.newest());
    v1::ServerFrame frame;
    frame.set_reply_to(fetch_.req_id());
    v1::EventsPage& page = *frame.mutable_events_page();
    page.set_conversation_id(room.bytes());
    for (std::uint64_t seq = last_seq + 1 - get.limit(); seq <= last_seq; ++seq) {
      *page.add_events() = event(seq);
    }
    page.set_last_seq(last_seq);
    say(frame);
  }

  v1::ClientFrame fetch_, repeated_;
};

// A server cannot put others, or a group, under the id of a 1:1.
TEST_F(SyncEngineTest, AOneToOneIsWithThePersonWhoseIdMadeItsOwn) {
  v1::ConversationState group = state(3);
  group.set_type(v1::CONVERSATION_TYPE_GROUP);
  group.clear_direct_peer();
  v1::ConversationState other = state(3);
  other.set_direct_peer(UserId::of("mallory").bytes());
  v1::ConversationState untyped = state(3);
  untyped.set_conversation_id(std::string(16, 'x'));
  go_online({group, other, untyped});
  EXPECT_TRUE(engine->history().conversations(10).empty());
  push(event(1, "mallory"));
  EXPECT_TRUE(texts().empty());
  push(event(1, "bob"));
  EXPECT_EQ(texts(), std::vector<std::string>{"text 1"});
  push(event(2, "mallory"));
  EXPECT_EQ(texts(), std::vector<std::string>{"text 1"});
}

TEST_F(SyncEngineTest, ThereIsNoOneToOneWithOneself) {
  EXPECT_EQ(engine->outgoing()
                .send(engine->outgoing().direct(engine->model().self()), "hi", {})
                .error()
                .code,
            ErrorCode::kInvalidArgument);
}

TEST_F(SyncEngineTest, IsOnlineOnlyWhenTheMissingEventsAreThere) {
  go_online({state(3)}, 9);
  EXPECT_EQ(engine->connection().status().state(), ConnectionState::kSyncing);
  const auto get = expect(v1::ClientFrame::kGetEvents);
  EXPECT_EQ(get.get_events().from(), 1u);
  EXPECT_EQ(get.get_events().to(), 3u);
  answer_events(get);
  EXPECT_EQ(engine->connection().status().state(), ConnectionState::kOnline);
  EXPECT_EQ(engine->history().timeline(room, 10).size(), 3u);
  EXPECT_EQ(engine->history().conversations(10).front().unread, 3u);
  const auto ack = expect(v1::ClientFrame::kAckEvents);
  EXPECT_EQ(ack.ack_events().upto(0).seq(), 3u);
}

TEST_F(SyncEngineTest, GapWaitsThenIsFetched) {
  go_online({state(1)});
  answer_events(expect(v1::ClientFrame::kGetEvents));
  push(event(3));
  EXPECT_EQ(engine->history().timeline(room, 10).size(), 1u);
  EXPECT_EQ(count(v1::ClientFrame::kGetEvents), 0u);
  scheduler.advance(limits::gap_wait);
  answer_events(expect(v1::ClientFrame::kGetEvents));
  EXPECT_EQ(engine->history().timeline(room, 10).size(), 3u);
}

TEST_F(SyncEngineTest, GapThatClosesByItselfCostsNoFetch) {
  go_online({state(1)});
  answer_events(expect(v1::ClientFrame::kGetEvents));
  push(event(3));
  push(event(2));
  EXPECT_EQ(engine->history().timeline(room, 10).size(), 3u);
  scheduler.advance(1s);
  EXPECT_EQ(count(v1::ClientFrame::kGetEvents), 0u);
}

TEST_F(SyncEngineTest, RepeatedEventIsIgnored) {
  go_online({state(1)});
  answer_events(expect(v1::ClientFrame::kGetEvents));
  push(event(2));
  push(event(2));
  EXPECT_EQ(engine->history().timeline(room, 10).size(), 2u);
}

TEST_F(SyncEngineTest, RestartFetchesWhatTheCursorHasPassed) {
  go_online({state(5)}, 9);
  expect(v1::ClientFrame::kGetEvents);
  restart();  // between the page and its events
  engine->connection().start();
  const auto again = hello();
  EXPECT_EQ(again.hello().cursor(), 9u);
  welcome(again);
  answer_sync({}, 9);
  const auto get = expect(v1::ClientFrame::kGetEvents);
  EXPECT_EQ(get.get_events().from(), 1u);
  EXPECT_EQ(get.get_events().to(), 5u);
}

TEST_F(SyncEngineTest, AckIsRepeatedAfterReconnect) {
  go_online({state(1)});
  answer_events(expect(v1::ClientFrame::kGetEvents));
  expect(v1::ClientFrame::kAckEvents);
  cut();
  scheduler.advance(60s);
  welcome(hello());
  EXPECT_EQ(expect(v1::ClientFrame::kAckEvents).ack_events().upto(0).seq(), 1u);
}

// A message whose answer was lost, then 500 others while this device was away: only the newest are
// fetched, and the place of the own message is in the hole below them.
TEST_F(SyncEngineTest, OwnMessagePlacedInAHoleLeavesTheOutbox) {
  go_online({state(1)});
  answer_events(expect(v1::ClientFrame::kGetEvents));
  send("mine");
  expect(v1::ClientFrame::kSend);
  away_until(500);
  answer_newest(500);
  place(repeated_, 2);
  EXPECT_TRUE(engine->outbox().idle());
  restart();
  EXPECT_TRUE(engine->outbox().idle());
}

TEST_F(SyncEngineTest, OwnMessagePlacedBeforeTheNewestPageComesLeavesTheOutbox) {
  go_online({state(1)});
  answer_events(expect(v1::ClientFrame::kGetEvents));
  send("mine");
  expect(v1::ClientFrame::kSend);
  away_until(500);
  place(repeated_, 2 + limits::gap_fetch_max);
  answer_newest(500);
  EXPECT_TRUE(engine->outbox().idle());
  EXPECT_EQ(engine->history().timeline(room, 100).size(),
            34u);  // 1, mine, the newest 30, and two gaps
}

// The place came while the disk was full; meanwhile this user was removed and added again, and may
// not read any more what was before: nobody but the outbox has the message.
TEST_F(SyncEngineTest, OwnMessagePlacedOnAFullDiskLeavesTheOutboxWhenThereIsRoom) {
  FullableStore& disk = start_on_fullable_disk();
  send("mine");
  disk.full = true;
  place(expect(v1::ClientFrame::kSend), 2);
  EXPECT_FALSE(engine->outbox().idle());
  disk.full = false;
  scheduler.advance(2s);
  v1::ConversationState again = state(5);
  again.set_entry_ver(2);
  again.set_join_seq(4);
  answer_sync({again}, 2);
  const auto get = expect(v1::ClientFrame::kGetEvents);
  EXPECT_EQ(get.get_events().from(), 4u);
  answer_events(get);
  EXPECT_TRUE(engine->outbox().idle());
  EXPECT_TRUE(store->find_message(room, engine->history().timeline(room, 10).front().id));
  restart();
  EXPECT_TRUE(engine->outbox().idle());
}

TEST_F(SyncEngineTest, SaysWhenWhatArrivesCannotBeKeptAndWhenItCanAgain) {
  FullableStore& disk = start_on_fullable_disk();
  const auto told = [this] {
    std::vector<StorageChanged> found;
    for (const Event& e : events) {
      if (const auto* changed = std::get_if<StorageChanged>(&e)) found.push_back(*changed);
    }
    return found;
  };
  disk.full = true;
  EXPECT_FALSE(engine->outgoing().send(room, "refused", {}).ok());  // its sender knows
  EXPECT_TRUE(told().empty());
  push(event(2));
  push(event(3));
  ASSERT_EQ(told().size(), 1u) << "once";
  EXPECT_FALSE(told().back().working);
  EXPECT_EQ(told().back().reason.code, ErrorCode::kDiskFull);
  disk.full = false;
  send("a row of the outbox says nothing of the cache");
  EXPECT_EQ(told().size(), 1u);
  push(event(2));
  ASSERT_EQ(told().size(), 2u);
  EXPECT_TRUE(told().back().working);
  EXPECT_EQ(told().back().reason.code, ErrorCode::kCancelled);
}

// a hole that is too large for one look is not called delivered before it is filled, from its
// old end on.
TEST_F(SyncEngineTest, LargeHoleIsFilledBehindTheScreenAndOnlyThenAcknowledged) {
  auto known = state(500);
  known.set_delivered_seq(40);
  go_online({known});
  const auto newest = expect(v1::ClientFrame::kGetEvents);
  EXPECT_TRUE(newest.get_events().newest());
  v1::ServerFrame page;
  page.set_reply_to(newest.req_id());
  page.mutable_events_page()->set_conversation_id(room.bytes());
  for (std::uint64_t seq = 471; seq <= 500; ++seq) {
    *page.mutable_events_page()->add_events() = event(seq);
  }
  page.mutable_events_page()->set_last_seq(500);
  say(page);
  EXPECT_EQ(engine->connection().status().state(), ConnectionState::kOnline);
  EXPECT_EQ(count(v1::ClientFrame::kAckEvents), 0u);
  std::uint64_t acked = 40;
  for (std::uint64_t from : {41u, 241u, 441u}) {
    const auto get = expect(v1::ClientFrame::kGetEvents);
    EXPECT_EQ(get.get_events().from(), from);
    EXPECT_FALSE(get.get_events().newest());
    v1::ClientFrame part = get;
    part.mutable_get_events()->set_to(std::min<std::uint64_t>(from + 199, get.get_events().to()));
    EXPECT_EQ(get.get_events().to(), 470u);
    answer_events_cut(get);
    scheduler.settle();
    for (const auto& frame : server.received) {
      if (frame.has_ack_events()) acked = frame.ack_events().upto(0).seq();
    }
    EXPECT_EQ(acked, part.get_events().to() == 470 ? 500 : part.get_events().to());
  }
  EXPECT_EQ(count(v1::ClientFrame::kGetEvents), 0u);
}

TEST_F(SyncEngineTest, HoleInTheWindowIsARowUntilItIsFilled) {
  go_online({state(2)});
  answer_events(expect(v1::ClientFrame::kGetEvents));
  cut();
  scheduler.advance(60s);
  welcome(hello());
  answer_sync({state(500)}, 2);
  const auto newest = expect(v1::ClientFrame::kGetEvents);
  v1::ServerFrame page;
  page.set_reply_to(newest.req_id());
  page.mutable_events_page()->set_conversation_id(room.bytes());
  for (std::uint64_t seq = 499; seq <= 500; ++seq)
    *page.mutable_events_page()->add_events() = event(seq);
  page.mutable_events_page()->set_last_seq(500);
  say(page);
  EXPECT_EQ(texts(), (std::vector<std::string>{"text 1", "text 2", "496 messages are not here yet",
                                               "text 499", "text 500"}));
  const Message gap = engine->history().timeline(room, 3).front();
  EXPECT_EQ(gap.kind, MessageKind::kGap);
  EXPECT_EQ(gap.seq.value, 498u);
  EXPECT_EQ(engine->history().timeline(room, 2).front().text, "text 499");
  for (int i = 0; i < 3; ++i) answer_events_cut(expect(v1::ClientFrame::kGetEvents));
  const std::vector<Message> whole = engine->history().timeline(room, 1'000);
  EXPECT_EQ(whole.size(), 500u);
  for (const Message& m : whole) EXPECT_EQ(m.kind, MessageKind::kText);
}

TEST_F(SyncEngineTest, HoleThatTheServerDoesNotFillIsNotAskedForInALoop) {
  go_online({state(500)});
  for (int i = 0; i < 20; ++i) {
    if (count(v1::ClientFrame::kGetEvents) == 0) break;
    const auto get = expect(v1::ClientFrame::kGetEvents);
    v1::ServerFrame page;
    page.set_reply_to(get.req_id());
    page.mutable_events_page()->set_conversation_id(room.bytes());
    if (get.get_events().newest()) *page.mutable_events_page()->add_events() = event(500);
    page.mutable_events_page()->set_last_seq(500);
    say(page);
    EXPECT_LT(i, 4);
  }
}

TEST_F(SyncEngineTest, ResetListsASnapshotAndGoesOnFromItsCursor) {
  engine->connection().start();
  welcome(hello());
  v1::ServerFrame reset;
  reset.set_reply_to(expect(v1::ClientFrame::kSync).req_id());
  reset.mutable_sync_reset()->set_snapshot_cursor(50);
  say(reset);
  const auto listing = expect(v1::ClientFrame::kSync);
  EXPECT_TRUE(listing.sync().snapshot());
  v1::ServerFrame page;
  page.set_reply_to(listing.req_id());
  *page.mutable_sync_page()->add_changed() = state(0);
  say(page);
  const auto rest = expect(v1::ClientFrame::kSync);
  EXPECT_FALSE(rest.sync().snapshot());
  EXPECT_EQ(rest.sync().cursor(), 50u);
}

// The server was restored from an older copy: it has counted to 1 where this device knows 3, and 1 is
// another event now.
TEST_F(SyncEngineTest, FutureDiscardsTheHistoryAndKeepsTheOutbox) {
  v1::ConversationState known = state(3);
  known.set_entry_ver(7);
  go_online({known}, 9);
  answer_events(expect(v1::ClientFrame::kGetEvents));
  ASSERT_TRUE(engine->read_marks().mark(room, Seq(3)).ok());
  cut();
  send("kept");
  scheduler.advance(60s);
  welcome(hello());
  v1::ServerFrame reset;
  for (const auto& frame : server.received) {
    if (frame.has_sync()) reset.set_reply_to(frame.req_id());
  }
  reset.mutable_sync_reset()->set_reason(v1::SYNC_RESET_REASON_FUTURE);
  reset.mutable_sync_reset()->set_snapshot_cursor(4);
  server.received.clear();
  say(reset);
  EXPECT_EQ(texts(), std::vector<std::string>{"kept"});
  EXPECT_TRUE(std::holds_alternative<CacheRecovered>(events.back()));
  const auto listing = expect(v1::ClientFrame::kSync);
  EXPECT_TRUE(listing.sync().snapshot());
  v1::ServerFrame page;
  page.set_reply_to(listing.req_id());
  *page.mutable_sync_page()->add_changed() = state(1);
  say(page);
  answer_sync({}, 4);
  const auto get = expect(v1::ClientFrame::kGetEvents);
  EXPECT_EQ(get.get_events().from(), 1u);
  EXPECT_EQ(get.get_events().to(), 1u);
  v1::ServerFrame old;
  old.set_reply_to(get.req_id());
  old.mutable_events_page()->set_conversation_id(room.bytes());
  *old.mutable_events_page()->add_events() = event(1);
  say(old);
  EXPECT_EQ(engine->history().timeline(room, 10).front().text, "text 1");
  EXPECT_EQ(store->load()->conversations.at(room).entry_ver, 1u);
  EXPECT_EQ(engine->history().conversations(10).front().unread, 1u) << "nor is it read";
  EXPECT_EQ(store->load()->read_marks.size(), 0u);
  EXPECT_EQ(store->load()->cursor, 4u);
  ASSERT_EQ(store->load()->outbox.size(), 1u);
}

TEST_F(SyncEngineTest, WatermarksOnlyRise) {
  go_online();
  send("mine");
  place(expect(v1::ClientFrame::kSend), 1);
  v1::ServerFrame receipt;
  v1::ReceiptState& marks = *receipt.mutable_receipt_push()->add_states();
  marks.set_conversation_id(room.bytes());
  marks.set_delivered_all_seq(1);
  marks.set_read_all_seq(1);
  say(receipt);
  EXPECT_EQ(engine->history().timeline(room, 1).front().status, DeliveryStatus::kRead);
  marks.set_read_all_seq(0);
  say(receipt);
  EXPECT_EQ(engine->history().timeline(room, 1).front().status, DeliveryStatus::kRead);
}

TEST_F(SyncEngineTest, ReadMarkSurvivesARestart) {
  go_online({state(2)});
  answer_events(expect(v1::ClientFrame::kGetEvents));
  cut();
  ASSERT_TRUE(engine->read_marks().mark(room, {}).ok());
  EXPECT_EQ(engine->history().conversations(1).front().unread, 0u);
  restart();
  engine->connection().start();
  welcome(hello());
  EXPECT_EQ(expect(v1::ClientFrame::kMarkRead).mark_read().upto_seq(), 2u);
}

// Five conversations of which the server never tells the events, and one behind them that is well.
TEST_F(SyncEngineTest, OneFetchWithoutAnswerHoldsUpNoOther) {
  std::vector<v1::ConversationState> states;
  for (int i = 0; i < 5; ++i) {
    states.push_back(state(3));
    std::array<std::uint8_t, 16> group{0, 0, 0, 0, 0, 0, 0x40, 0, 0x80};
    group.back() = static_cast<std::uint8_t>(i);
    states.back().set_conversation_id(ConversationId(group).bytes());
    states.back().set_type(v1::CONVERSATION_TYPE_GROUP);
    states.back().clear_direct_peer();
  }
  states.push_back(state(3));
  go_online(states, 9);
  const auto answer_the_well = [&] {
    for (const v1::ClientFrame& frame : std::exchange(server.received, {})) {
      if (frame.has_get_events() && frame.get_events().conversation_id() == room.bytes()) {
        answer_events(frame);
      }
    }
  };
  answer_the_well();
  scheduler.advance(3s);
  answer_the_well();
  EXPECT_EQ(engine->history().timeline(room, 10).size(), 3u);
  EXPECT_NE(engine->connection().status().state(), ConnectionState::kOnline);
  scheduler.advance(3s);
  EXPECT_EQ(engine->connection().status().state(), ConnectionState::kOnline);
}

TEST_F(SyncEngineTest, AFetchThatFailsIsTriedAgainAfterGrowingPauses) {
  go_online({state(3)}, 9);
  std::vector<v1::ClientFrame> asked;
  const auto live = [&](int seconds, bool well) {
    for (int second = 0; second < seconds; ++second) {
      for (const v1::ClientFrame& frame : std::exchange(server.received, {})) {
        v1::ServerFrame answer;
        answer.set_reply_to(frame.req_id());
        if (frame.has_sync()) answer.mutable_sync_page()->set_next_cursor(9);
        if (frame.has_ping()) answer.mutable_pong()->set_t(frame.ping().t());
        if (answer.body_case() != v1::ServerFrame::BODY_NOT_SET) say(answer);
        if (!frame.has_get_events()) continue;
        asked.push_back(frame);
        well ? answer_events(frame) : refuse(frame, v1::ERROR_CODE_INTERNAL);
      }
      scheduler.advance(1s);
    }
  };
  live(120, false);
  EXPECT_GE(asked.size(), 4u);
  EXPECT_LE(asked.size(), 8u);  // 2, 4, 8, 16 … s
  EXPECT_EQ(engine->connection().status().state(), ConnectionState::kOnline);
  live(300, true);
  EXPECT_EQ(engine->history().timeline(room, 10).size(), 3u);
}

}  // namespace
}  // namespace kith::client
