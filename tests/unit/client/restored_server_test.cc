// A server that was restored from an older copy: queued messages refer to its history before they leave.
#include "tests/unit/client/engine_fixture.h"
#include "tests/unit/client/fullable_store.h"

namespace kith::client {
namespace {

using namespace std::chrono_literals;

class RestoredServer : public EngineTest {
 protected:
  FullableStore& start_on_fullable_disk() {
    auto fullable = std::make_unique<FullableStore>(std::move(store));
    FullableStore& disk = *fullable;
    store = std::move(fullable);
    restart();
    return disk;
  }
  void sign_in(const std::string& run) {
    engine->connection().start();
    scheduler.settle();
    if (!server.socket) scheduler.advance(60s);
    auto frame = welcome_frame(hello());
    frame.mutable_welcome()->set_run_id(run);
    frame.mutable_welcome()->add_caps("search");
    say(frame);
  }
  // Holds events 1 to 5 of the room, the fourth of which is the owner's, and is cut off.
  void know_five() {
    sign_in("run one");
    answer_sync({state(5)}, 9);
    give_events(expect(v1::ClientFrame::kGetEvents),
                {event(1), event(2), event(3), event(4, "alice"), event(5)}, 5);
    cut();
    server.received.clear();
  }
  void reset(std::int64_t kept_until_ms) {
    v1::ServerFrame frame;
    for (const auto& asked : server.received) {
      if (asked.has_sync()) frame.set_reply_to(asked.req_id());
    }
    server.received.clear();
    frame.mutable_sync_reset()->set_reason(v1::SYNC_RESET_REASON_FUTURE);
    frame.mutable_sync_reset()->set_kept_until_ms(static_cast<std::uint64_t>(kept_until_ms));
    say(frame);
  }
  // The next request of a kind; the others stay.
  v1::ClientFrame take(v1::ClientFrame::BodyCase kind) {
    scheduler.settle();
    for (auto it = server.received.begin(); it != server.received.end(); ++it) {
      if (it->body_case() != kind) continue;
      v1::ClientFrame frame = *it;
      server.received.erase(it);
      return frame;
    }
    ADD_FAILURE() << "no request of kind " << kind;
    return {};
  }
  MessageId answer(std::uint64_t seq) {
    const auto id = engine->outgoing().send(room, "answer to " + std::to_string(seq), id_of(seq));
    EXPECT_TRUE(id.ok());
    return id.value_or({});
  }
  MessageId id_of(std::uint64_t seq) const {
    return MessageId::from_bytes(event(seq).message_id()).value();
  }
  std::vector<v1::OutMessage> waiting() {
    std::vector<v1::OutMessage> found;
    const auto content = store->load();
    for (const OutboxRow& row : content->outbox) {
      EXPECT_TRUE(found.emplace_back().ParseFromString(row.payload));
    }
    return found;
  }
  static void repeat(v1::ServerFrame& frame, const v1::ClientFrame& request, std::uint64_t seq) {
    frame.set_reply_to(request.req_id());
    v1::ItemResult& item = *frame.mutable_send_result()->add_items();
    frame.mutable_send_result()->set_conversation_id(request.send().conversation_id());
    item.set_message_id(request.send().items(0).message_id());
    item.mutable_placed()->set_seq(seq);
    item.mutable_placed()->set_ordinal(seq);
    item.mutable_placed()->set_duplicate(true);
  }
  std::uint64_t stored_answer(const MessageId& id) {
    v1::Event stored;
    stored.ParseFromString(store->find_message(room, id).value_or(StoredEvent{}).bytes);
    return stored.reply_to_seq();
  }
  // Events before this are the same in both histories: 1 and 2.
  static constexpr std::int64_t kKept = 1'003 + 60'000;
};

TEST_F(RestoredServer, NothingWithANumberLeavesBeforeItIsKnownWhoseHistoryItIs) {
  know_five();
  ASSERT_TRUE(engine->read_marks().mark(room, Seq(5)).ok());
  answer(1);
  ASSERT_TRUE(engine->outgoing().create_group("group", {UserId::of("bob")}).ok());
  sign_in("run two");
  send("written meanwhile");
  scheduler.advance(3s);
  EXPECT_EQ(count(v1::ClientFrame::kSend), 0u);
  EXPECT_EQ(count(v1::ClientFrame::kCreateConversation), 0u);
  EXPECT_EQ(count(v1::ClientFrame::kMarkRead), 0u);
  EXPECT_EQ(count(v1::ClientFrame::kAckEvents), 0u);
  answer_sync({}, 9);  // it is the one that is held
  EXPECT_EQ(count(v1::ClientFrame::kAckEvents), 1u);
  EXPECT_EQ(count(v1::ClientFrame::kMarkRead), 1u);
  EXPECT_EQ(count(v1::ClientFrame::kCreateConversation), 1u);
  const auto request = expect(v1::ClientFrame::kSend);
  ASSERT_EQ(request.send().items_size(), 2);
  EXPECT_EQ(request.send().items(0).reply_to_seq(), 1u);
  cut();
  sign_in("run two");  // the run that is held by now
  EXPECT_EQ(count(v1::ClientFrame::kSend), 1u);
}

// Under the old run's name it would pass for a part of that run's history, once the process has died.
TEST_F(RestoredServer, NothingOfARunIsKeptBeforeItIsKnownWhoseHistoryItIs) {
  know_five();
  sign_in("run two");
  push(event(6));
  v1::ServerFrame head;
  head.mutable_head_push()->set_conversation_id(room.bytes());
  head.mutable_head_push()->set_last_seq(7);
  say(head);
  v1::ServerFrame receipt;
  auto& ticks = *receipt.mutable_receipt_push()->add_states();
  ticks.set_conversation_id(room.bytes());
  ticks.set_delivered_all_seq(5);
  say(receipt);
  bool answered = false;
  engine->history().page(room, Seq(), 10, [&](const auto&) { answered = true; });
  EXPECT_EQ(count(v1::ClientFrame::kGetEvents), 0u);
  EXPECT_FALSE(answered);
  const auto content = store->load();
  ASSERT_EQ(content->conversations.size(), 1u);
  EXPECT_EQ(content->conversations.at(room).last_seq, 5u);
  EXPECT_EQ(content->conversations.at(room).marks.delivered_all.value, 0u);
  EXPECT_EQ(store->events(room, 6, 8, 2)->size(), 0u);
  answer_sync({}, 9);  // it is the one that is held
  EXPECT_TRUE(answered) << "with what is here";
  EXPECT_EQ(engine->connection().status().state(), ConnectionState::kSyncing)
      << "the push may be newer than the page";
  v1::ConversationState grown = state(6);
  grown.set_entry_ver(2);
  answer_sync({grown}, 10);
  give_events(expect(v1::ClientFrame::kGetEvents), {event(6)}, 6);
  EXPECT_EQ(store->events(room, 6, 8, 2)->size(), 1u);
}

// The device would come back under the old run's name, and no sync would repeat the settings of a restored server.
TEST_F(RestoredServer, NoSettingIsKeptBeforeItIsKnownWhoseHistoryItIs) {
  know_five();
  sign_in("run two");
  Privacy quiet;
  quiet.receipts = false;
  const auto change = [&] {
    bool changed = false;
    engine->settings().set_privacy(quiet, [&](const Status& s) { changed = s.ok(); });
    v1::ServerFrame done;
    done.set_reply_to(take(v1::ClientFrame::kUpdateSettings).req_id());
    done.mutable_ack();
    say(done);
    return changed;
  };
  EXPECT_TRUE(change());
  EXPECT_TRUE(engine->settings().privacy().receipts);
  EXPECT_FALSE(store->load()->kv.contains("privacy"));
  answer_sync({}, 9);  // it is the one that is held
  EXPECT_TRUE(change());
  EXPECT_FALSE(engine->settings().privacy().receipts);
}

TEST_F(RestoredServer, HistoryAskedForTooEarlyIsAnsweredWhenTheConnectionEnds) {
  sign_in("run one");
  answer_sync({state(5)}, 9);
  cut();
  server.received.clear();
  sign_in("run two");
  bool answered = false;
  engine->history().page(room, Seq(), 10, [&](const auto&) { answered = true; });
  EXPECT_FALSE(answered);
  cut();
  EXPECT_TRUE(answered);
}

TEST_F(RestoredServer, AnswersNameWhatTheyAnswerAsTheServerKnowsIt) {
  know_five();
  const MessageId to_kept = answer(1);
  const MessageId to_lost = answer(3);
  const MessageId to_own = answer(4);
  const MessageId to_waiting =
      engine->outgoing().send(room, "answer to an answer", to_own).value_or({});
  sign_in("run two");
  reset(kKept);
  const auto request = expect(v1::ClientFrame::kSend);
  ASSERT_EQ(request.send().items_size(), 5);
  const auto item = [&](int at) { return request.send().items(at); };
  EXPECT_EQ(item(0).message_id(), id_of(4).bytes()) << "ahead of what answers it";
  EXPECT_EQ(item(1).message_id(), to_kept.bytes());
  EXPECT_EQ(item(1).reply_to_seq(), 1u);
  EXPECT_EQ(item(2).message_id(), to_lost.bytes());
  EXPECT_EQ(item(2).reply_to_seq(), 0u);
  EXPECT_EQ(item(2).reply_to_message_id(), "");
  EXPECT_EQ(item(3).message_id(), to_own.bytes());
  EXPECT_EQ(item(3).reply_to_seq(), 0u);
  EXPECT_EQ(item(3).reply_to_message_id(), id_of(4).bytes());
  EXPECT_EQ(item(4).message_id(), to_waiting.bytes());
  EXPECT_EQ(item(4).reply_to_message_id(), to_own.bytes());
  const auto durable = waiting();
  ASSERT_EQ(durable.size(), 5u);
  for (int i = 0; i < 5; ++i) {
    const auto& row = durable[static_cast<std::size_t>(i)];
    EXPECT_EQ(row.message_id(), item(i).message_id());
    EXPECT_EQ(row.reply_to_seq(), item(i).reply_to_seq());
    EXPECT_EQ(row.reply_to_message_id(), item(i).reply_to_message_id());
  }
}

TEST_F(RestoredServer, AnOutboxThatHasLostItsCacheSaysWhoseHistoryItSpeaksOf) {
  know_five();
  const MessageId to_lost = answer(3);
  CacheChange lost;
  lost.forget_history = true;
  lost.cursor = 0;
  lost.kv["run"] = "";
  ASSERT_TRUE(store->commit(lost).ok());
  restart();
  EXPECT_EQ(engine->replica().run().id(), "run one");
  sign_in("run two");
  EXPECT_EQ(count(v1::ClientFrame::kSend), 0u);
  reset(kKept);
  const auto request = expect(v1::ClientFrame::kSend);
  ASSERT_EQ(request.send().items_size(), 1);
  EXPECT_EQ(request.send().items(0).message_id(), to_lost.bytes());
  EXPECT_EQ(request.send().items(0).reply_to_seq(), 0u);
}

// The power of the device goes, and with it that it has forgotten the old history.
TEST_F(RestoredServer, MendingAnswersTwiceIsMendingThemOnce) {
  know_five();
  answer(1);
  answer(4);
  sign_in("run two");
  reset(kKept);
  const auto once = waiting();
  CacheChange old;
  old.kv["run"] = "run one";
  old.cursor = 9;
  old.conversations.push_back({});
  old.conversations.back().id = room;
  old.conversations.back().last_seq = 4;
  for (const v1::Event& e : {event(1), event(2), event(3), event(4, "alice")}) {
    old.events.push_back({room, e.seq(), *MessageId::from_bytes(e.message_id()), e.ordinal(),
                          e.SerializeAsString()});
  }
  ASSERT_TRUE(store->commit(old).ok());
  restart();
  sign_in("run three");
  reset(kKept);
  const auto twice = waiting();
  ASSERT_EQ(twice.size(), once.size());
  for (std::size_t i = 0; i < once.size(); ++i) {
    EXPECT_EQ(twice[i].SerializeAsString(), once[i].SerializeAsString()) << i;
  }
}

TEST_F(RestoredServer, LostMessagesOfOneMomentKeepTheirOrder) {
  sign_in("run one");
  answer_sync({state(40)}, 9);
  std::vector<v1::Event> own;
  for (std::uint64_t seq = 1; seq <= 40; ++seq) {
    own.push_back(event(seq, "alice"));
    own.back().set_server_ts_ms(1'000);
  }
  give_events(expect(v1::ClientFrame::kGetEvents), own, 40);
  cut();
  sign_in("run two");
  reset(0);
  const auto rows = waiting();
  ASSERT_EQ(rows.size(), own.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].message_id(), own[i].message_id()) << i;
  }
}

// The copy of the server had it already, with the number that it named then.
TEST_F(RestoredServer, ARepetitionIsFetchedAlsoAfterARestart) {
  sign_in("run one");
  answer_sync({state(3)}, 9);
  give_events(expect(v1::ClientFrame::kGetEvents), {event(1), event(2), event(3)}, 3);
  const MessageId id = send("without what it answered");
  for (int i = 0; i < 2; ++i) {
    v1::ServerFrame repetition;
    repeat(repetition, take(v1::ClientFrame::kSend), 4);
    say(repetition);
    EXPECT_FALSE(store->find_message(room, id).has_value());
    EXPECT_FALSE(engine->outbox().idle());
    if (i == 0) {
      restart();
      sign_in("run one");
    }
  }
  v1::Event placed = event(4, "alice", id);
  placed.set_reply_to_seq(3);
  answer_sync({}, 9);
  give_events(expect(v1::ClientFrame::kGetEvents), {placed}, 4);
  EXPECT_EQ(stored_answer(id), 3u);
  EXPECT_TRUE(engine->outbox().idle());
}

TEST_F(RestoredServer, ARepetitionInAHoleIsFetchedToo) {
  sign_in("run one");
  answer_sync({state(500)}, 9);
  give_events(expect(v1::ClientFrame::kGetEvents), {event(500)}, 500);
  const MessageId id = send("without what it answered");
  v1::ServerFrame repetition;
  repeat(repetition, expect(v1::ClientFrame::kSend), 2);
  server.received.clear();
  say(repetition);
  v1::ClientFrame get;
  for (const auto& frame : server.received) {
    if (frame.get_events().from() == 2) get = frame;
  }
  ASSERT_TRUE(get.has_get_events());
  v1::Event placed = event(2, "alice", id);
  placed.set_reply_to_seq(1);
  give_events(get, {placed}, 500);
  EXPECT_EQ(stored_answer(id), 1u);
  EXPECT_TRUE(engine->outbox().idle());
}

TEST_F(RestoredServer, ASearchTellsNothingOfTheHistoryThatWentMeanwhile) {
  know_five();
  sign_in("run two");
  std::vector<SearchHit> hits;
  engine->searches().search({"text"}, [&](const Result<SearchPage>& page) { hits = page->hits; });
  v1::ServerFrame nothing;
  nothing.set_reply_to(take(v1::ClientFrame::kSearch).req_id());
  nothing.mutable_search_page();
  reset(kKept);
  say(nothing);
  ASSERT_EQ(hits.size(), 1u) << "what is sent again";
  EXPECT_EQ(hits[0].message.text, "text 4");
  EXPECT_FALSE(hits[0].message.seq);
}

// A server that tells no runs names the other history when rows are on their way already.
TEST_F(RestoredServer, AnAnswerFromBeforeTheHistoryChangedPlacesNothing) {
  sign_in("");
  answer_sync({state(3)}, 9);
  give_events(expect(v1::ClientFrame::kGetEvents), {event(1), event(2), event(3)}, 3);
  cut();
  const MessageId id = answer(3);
  sign_in("");
  const v1::ClientFrame sent = take(v1::ClientFrame::kSend);
  reset(0);
  place(sent, 2);
  EXPECT_FALSE(store->find_message(room, id).has_value());
  scheduler.advance(1s);
  const auto again = expect(v1::ClientFrame::kSend);
  EXPECT_EQ(again.send().items(0).message_id(), id.bytes());
  EXPECT_EQ(again.send().items(0).reply_to_seq(), 0u);
}

// The first pages may be empty while events are pushed: they are of a run, too.
TEST_F(RestoredServer, TheFirstRunIsKeptBeforeAnythingIsPushed) {
  sign_in("run one");
  EXPECT_EQ(store->load()->kv["run"], "run one");
}

TEST_F(RestoredServer, NothingIsKeptOfAFirstRunWhoseNameCannotBeKept) {
  FullableStore& disk = start_on_fullable_disk();
  disk.full = true;
  sign_in("run one");
  disk.full = false;
  push(event(1));
  EXPECT_EQ(store->events(room, 1, 2, 1)->size(), 0u);
  answer_sync({}, 9);
  EXPECT_EQ(store->load()->kv["run"], "run one");
  push(event(1));
  EXPECT_EQ(store->events(room, 1, 2, 1)->size(), 1u);
}

// The server names its history once a session. A device that cannot forget the old one yet asks for nothing else.
TEST_F(RestoredServer, ForgettingIsTriedAgainBeforeAnythingElseIsAsked) {
  FullableStore& disk = start_on_fullable_disk();
  disk.only_for_forgetting = true;
  know_five();
  answer(3);
  sign_in("run two");
  disk.full = true;
  reset(kKept);
  scheduler.advance(20s);
  EXPECT_EQ(count(v1::ClientFrame::kSync), 0u);
  EXPECT_EQ(count(v1::ClientFrame::kSend), 0u);
  disk.full = false;
  scheduler.advance(3s);
  EXPECT_EQ(count(v1::ClientFrame::kSend), 1u);
  EXPECT_TRUE(expect(v1::ClientFrame::kSync).sync().snapshot());
}

// Its state came with no page yet; the copy does not have the conversation, so it is begun anew.
TEST_F(RestoredServer, WhoAnswersAPushedMessageNamesTheOther) {
  sign_in("run one");
  answer_sync({}, 1);
  push(event(1));
  answer(1);
  EXPECT_EQ(expect(v1::ClientFrame::kSend).send().direct_peer(), UserId::of("bob").bytes());
}

TEST_F(RestoredServer, WhoWritesWhereTheirOtherDeviceBeganNamesTheOther) {
  sign_in("run one");
  answer_sync({}, 1);
  v1::Event begun = event(1, "alice");
  begun.set_kind(v1::EVENT_KIND_MEMBERSHIP);
  v1::MembershipBody body;
  body.add_users(UserId::of("bob").bytes());
  begun.set_body(body.SerializeAsString());
  push(begun);
  ASSERT_TRUE(engine->outgoing().send(room, "from here", {}).ok());
  EXPECT_EQ(expect(v1::ClientFrame::kSend).send().direct_peer(), UserId::of("bob").bytes());
}

}  // namespace
}  // namespace kith::client
