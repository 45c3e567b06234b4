// Searching as the application sees it: here and at the server, what happens when it does not answer,
// and pages.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <optional>

#include "client/search.h"
#include "tests/scratch_directory.h"
#include "tests/unit/client/engine_fixture.h"
#include "tests/unit/client/searchable_events.h"

namespace kith::client {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

class EngineSearch : public EngineTest {
 protected:
  struct Asked {
    int answers = 0;
    Result<SearchPage> page = make_error(ErrorCode::kInternal, "not answered");
  };
  std::shared_ptr<Asked> ask(const SearchQuery& query) {
    auto asked = std::make_shared<Asked>();
    engine->searches().search(query, [asked](Result<SearchPage> page) {
      ++asked->answers;
      asked->page = std::move(page);
    });
    return asked;
  }
  // The page of a search that needs no server.
  SearchPage found(const SearchQuery& query) {
    const auto asked = ask(query);
    EXPECT_EQ(asked->answers, 1);
    EXPECT_TRUE(asked->page.ok()) << asked->page.error().to_string();
    return asked->page.value_or({});
  }
  ErrorCode refused(const SearchQuery& query) {
    const auto asked = ask(query);
    EXPECT_EQ(asked->answers, 1);
    return asked->page.ok() ? ErrorCode::kInternal : asked->page.error().code;
  }
  static Texts texts_of(const Result<SearchPage>& page) {
    Texts texts;
    for (const SearchHit& hit : page.value_or({}).hits) texts.push_back(hit.message.text);
    return texts;
  }

  // Online with a server that can search, and with messages 1 to `held` of the room here.
  void go_searching(std::uint64_t held = 0, std::uint64_t last_seq = 0) {
    engine->connection().start();
    v1::ServerFrame frame = welcome_frame(hello());
    frame.mutable_welcome()->add_caps("search");
    say(frame);
    std::vector<v1::ConversationState> states;
    if (held + last_seq > 0) states.push_back(state(std::max(held, last_seq)));
    answer_sync(states, 1);
    for (std::uint64_t seq = 1; seq <= held; ++seq) push(event(seq));
    server.received.clear();
  }
  static void add_hit(v1::ServerFrame& frame, const v1::Event& e, std::uint64_t place) {
    v1::SearchHit& hit = *frame.mutable_search_page()->add_hits();
    *hit.mutable_event() = e;
    hit.set_place(place);
  }
  void answer(const v1::ClientFrame& request,
              const std::vector<std::pair<v1::Event, std::uint64_t>>& hits, bool more = false) {
    v1::ServerFrame frame;
    frame.set_reply_to(request.req_id());
    frame.mutable_search_page()->set_more(more);
    for (const auto& [e, place] : hits) add_hit(frame, e, place);
    say(frame);
  }
  MessageId id_of_event(std::uint64_t seq) const {
    return MessageId::from_bytes(event(seq).message_id()).value_or(MessageId());
  }
  v1::Event event_of(const ConversationId& conversation, std::uint64_t seq,
                     std::int64_t time_ms) const {
    return message_event(conversation, seq, time_ms, "text " + std::to_string(seq));
  }
};

TEST_F(EngineSearch, OfflineFindsWhatWaitsAndWhatIsHeldNewestFirst) {
  go_online({state(0)});
  for (std::uint64_t seq = 1; seq <= 3; ++seq) push(event(seq));
  cut();
  send("first text that waits");
  send("no such word");
  send("second Téxt");
  const SearchPage page = found({.text = "text"});
  EXPECT_EQ(texts_of(page),
            (Texts{"second Téxt", "first text that waits", "text 3", "text 2", "text 1"}));
  EXPECT_FALSE(page.complete);
  EXPECT_EQ(page.next, "");
  EXPECT_EQ(page.hits[0].matches, (std::vector<TextRange>{{7, 5}}));
  EXPECT_EQ(page.hits[0].message.status, DeliveryStatus::kSending);
  EXPECT_TRUE(page.hits[0].message.mine);
  EXPECT_EQ(page.hits[2].matches, (std::vector<TextRange>{{0, 4}}));
  EXPECT_EQ(page.hits[2].message.seq, Seq(3));
  EXPECT_EQ(texts_of(found({.text = "text 2"})), (Texts{"text 2"}));
  EXPECT_EQ(texts_of(found({.text = "absent"})), Texts{});
}

TEST_F(EngineSearch, ThePagesOfALongOutboxGoOnWithWhatIsHeld) {
  go_online({state(0)});
  for (std::uint64_t seq = 1; seq <= 3; ++seq) push(event(seq));
  cut();
  for (int i = 1; i <= 5; ++i) send("text waits " + std::to_string(i));
  Texts all;
  SearchQuery query{.text = "text", .limit = 2};
  for (int pages = 1;; ++pages) {
    const SearchPage page = found(query);
    for (const std::string& text : texts_of(page)) all.push_back(text);
    EXPECT_LE(page.hits.size(), 2u);
    query.after = page.next;
    if (page.next.empty()) break;
    ASSERT_LT(pages, 5);
  }
  EXPECT_EQ(all, (Texts{"text waits 5", "text waits 4", "text waits 3", "text waits 2",
                        "text waits 1", "text 3", "text 2", "text 1"}));
}

TEST_F(EngineSearch, OneConversationIsSearchedAlone) {
  go_online({state(0)});
  push(event(1));
  cut();
  const ConversationId carol = engine->outgoing().direct(UserId::of("carol"));
  ASSERT_TRUE(engine->outgoing().send(carol, "text for carol", {}).ok());
  EXPECT_EQ(texts_of(found({.text = "text", .conversation = carol})), (Texts{"text for carol"}));
  EXPECT_EQ(texts_of(found({.text = "text", .conversation = room})), (Texts{"text 1"}));
  EXPECT_EQ(texts_of(found({.text = "text", .conversation = numbered_room(9)})), Texts{});
}

TEST_F(EngineSearch, ARefusedMessageIsFoundUntilItIsDiscarded) {
  go_searching();
  const MessageId id = send("text");
  refuse(expect(v1::ClientFrame::kSend), v1::ERROR_CODE_NOT_MEMBER);
  cut();
  const SearchPage page = found({.text = "text"});
  ASSERT_EQ(page.hits.size(), 1u);
  EXPECT_EQ(page.hits[0].message.status, DeliveryStatus::kFailed);
  ASSERT_TRUE(engine->outgoing().discard(id).ok());
  EXPECT_TRUE(found({.text = "text"}).hits.empty());
}

TEST_F(EngineSearch, WhatTheServerFoundIsMergedAndBecomesAMessage) {
  go_searching(3, 8);
  const auto asked = ask({.text = "text", .conversation = room});
  const v1::ClientFrame request = expect(v1::ClientFrame::kSearch);
  EXPECT_EQ(request.search().query(), "text");
  EXPECT_EQ(request.search().conversation_id(), room.bytes());
  EXPECT_EQ(request.search().before(), 0u);
  EXPECT_GE(request.search().limit(), 20u);
  EXPECT_EQ(asked->answers, 0);
  v1::Event mine = event(8, "alice");
  mine.set_reply_to_seq(2);
  answer(request, {{mine, 80}, {event(7), 70}, {event(3), 30}});
  ASSERT_EQ(asked->answers, 1);
  ASSERT_TRUE(asked->page.ok());
  EXPECT_EQ(texts_of(asked->page), (Texts{"text 8", "text 7", "text 3", "text 2", "text 1"}));
  EXPECT_TRUE(asked->page->complete);
  EXPECT_EQ(asked->page->next, "");
  const Message& found = asked->page->hits[0].message;
  EXPECT_TRUE(found.mine);
  EXPECT_EQ(found.status, DeliveryStatus::kSent);
  EXPECT_EQ(found.conversation, room);
  EXPECT_EQ(found.seq, Seq(8));
  EXPECT_EQ(found.reply_to, Seq(2));
  EXPECT_EQ(found.reply_to_id, id_of_event(2));
  EXPECT_EQ(found.time.ms, 1008);
  EXPECT_FALSE(asked->page->hits[1].message.mine);
  EXPECT_EQ(asked->page->hits[0].matches, (std::vector<TextRange>{{0, 4}}));
}

TEST_F(EngineSearch, WhatTheServerFoundIsNotTakenForHeld) {
  go_searching(3, 8);
  const Texts before = texts();
  const std::uint64_t top = engine->model().top(room);
  ask({.text = "text"});
  answer(expect(v1::ClientFrame::kSearch), {{event(8), 80}, {event(7), 70}});
  EXPECT_EQ(texts(), before);
  EXPECT_EQ(engine->model().top(room), top);
  cut();
  EXPECT_EQ(texts_of(found({.text = "text"})), (Texts{"text 3", "text 2", "text 1"}));
}

TEST_F(EngineSearch, OfAnUnknownConversationAndAnUnknownKind) {
  go_searching();
  const auto asked = ask({.text = "text"});
  v1::Event withheld = event(8);
  withheld.set_kind(v1::EVENT_KIND_VOID);
  v1::Event newer = event(7);
  newer.set_body("\x7a\x04text");
  answer(expect(v1::ClientFrame::kSearch),
         {{withheld, 9}, {newer, 8}, {event_of(numbered_room(5), 4, 4000), 7}});
  EXPECT_EQ(texts_of(asked->page), (Texts{"text 4"}));
  EXPECT_TRUE(asked->page->complete);
}

TEST_F(EngineSearch, AServerThatCannotSearchIsNotAsked) {
  go_online({state(0)});
  push(event(1));
  const SearchPage page = found({.text = "text"});
  EXPECT_EQ(texts_of(page), (Texts{"text 1"}));
  EXPECT_FALSE(page.complete);
  EXPECT_EQ(count(v1::ClientFrame::kSearch), 0u);
}

TEST_F(EngineSearch, WhenTheServerRefusesTheDeviceAnswers) {
  go_searching(2);
  for (const v1::ErrorCode code :
       {v1::ERROR_CODE_UNIMPLEMENTED, v1::ERROR_CODE_OVERLOADED, v1::ERROR_CODE_RATE_LIMITED,
        v1::ERROR_CODE_INVALID_ARGUMENT, v1::ERROR_CODE_INTERNAL}) {
    SCOPED_TRACE(code);
    const auto asked = ask({.text = "text"});
    refuse(expect(v1::ClientFrame::kSearch), code);
    EXPECT_EQ(asked->answers, 1);
    EXPECT_EQ(texts_of(asked->page), (Texts{"text 2", "text 1"}));
    EXPECT_FALSE(asked->page->complete);
  }
}

TEST_F(EngineSearch, WhenTheServerIsSilentTheDeviceAnswersAfterThreeSeconds) {
  go_searching(2);
  const auto asked = ask({.text = "text"});
  const v1::ClientFrame request = expect(v1::ClientFrame::kSearch);
  scheduler.advance(limits::search_answer_limit - 1ms);
  EXPECT_EQ(asked->answers, 0);
  scheduler.advance(1ms);
  EXPECT_EQ(asked->answers, 1);
  EXPECT_EQ(texts_of(asked->page), (Texts{"text 2", "text 1"}));
  EXPECT_FALSE(asked->page->complete);
  answer(request, {{event(9), 90}});  // too late
  EXPECT_EQ(asked->answers, 1);
}

TEST_F(EngineSearch, WhenTheConnectionIsLostTheDeviceAnswers) {
  go_searching(2);
  const auto asked = ask({.text = "text"});
  expect(v1::ClientFrame::kSearch);
  cut();
  EXPECT_EQ(asked->answers, 1);
  EXPECT_EQ(texts_of(asked->page), (Texts{"text 2", "text 1"}));
  EXPECT_FALSE(asked->page->complete);
}

TEST_F(EngineSearch, APageThatIsNoneIsAsNoAnswer) {
  go_searching(2);
  using Hits = std::vector<std::pair<v1::Event, std::uint64_t>>;
  v1::Event nowhere = event(5);
  nowhere.set_conversation_id("short");
  for (const auto& [hits, more] : std::vector<std::pair<Hits, bool>>{
           {{{event(5), 50}, {event(4), 50}}, false},  // places that do not descend
           {{{event(5), 0}}, false},
           {{{nowhere, 50}}, false},
           {{}, true}}) {  // nothing, and more of it
    const auto asked = ask({.text = "text"});
    answer(expect(v1::ClientFrame::kSearch), hits, more);
    EXPECT_EQ(texts_of(asked->page), (Texts{"text 2", "text 1"}));
    EXPECT_FALSE(asked->page->complete);
  }
}

TEST_F(EngineSearch, PagesGoOnWhereBothSidesWere) {
  go_searching(4, 9);
  const auto first = ask({.text = "text", .limit = 3});
  answer(expect(v1::ClientFrame::kSearch),
         {{event(9), 90}, {event(8), 80}, {event(4), 40}, {event(2), 20}}, true);
  EXPECT_EQ(texts_of(first->page), (Texts{"text 9", "text 8", "text 4"}));
  ASSERT_NE(first->page->next, "");
  push(event(10));  // newer than the search
  server.received.clear();
  const auto second = ask({.text = "text", .limit = 3, .after = first->page->next});
  const v1::ClientFrame request = expect(v1::ClientFrame::kSearch);
  EXPECT_EQ(request.search().before(), 40u);
  answer(request, {{event(2), 20}});
  EXPECT_EQ(texts_of(second->page), (Texts{"text 3", "text 2", "text 1"}));
  EXPECT_TRUE(second->page->complete);
  EXPECT_EQ(second->page->next, "");
}

TEST_F(EngineSearch, AServerThatHasToldEverythingIsNotAskedAgain) {
  go_searching(4);
  const auto first = ask({.text = "text", .limit = 2});
  answer(expect(v1::ClientFrame::kSearch), {{event(4), 40}});
  cut();
  const SearchPage second = found({.text = "text", .limit = 2, .after = first->page->next});
  EXPECT_EQ(texts_of(second), (Texts{"text 2", "text 1"}));
  EXPECT_TRUE(second.complete);
}

TEST_F(EngineSearch, AServerThatFailedStaysOutUntilItIsAskedForThatPageAgain) {
  go_searching(4, 9);
  const auto first = ask({.text = "text", .limit = 2});
  answer(expect(v1::ClientFrame::kSearch), {{event(9), 90}, {event(8), 80}, {event(7), 70}}, true);
  const SearchQuery next{.text = "text", .limit = 2, .after = first->page->next};
  const auto second = ask(next);
  refuse(expect(v1::ClientFrame::kSearch), v1::ERROR_CODE_OVERLOADED);
  EXPECT_EQ(texts_of(second->page), (Texts{"text 4", "text 3"}));
  EXPECT_FALSE(second->page->complete);
  const SearchPage third = found({.text = "text", .limit = 2, .after = second->page->next});
  EXPECT_EQ(texts_of(third), (Texts{"text 2", "text 1"}));
  EXPECT_FALSE(third.complete);
  const auto again = ask(next);
  answer(expect(v1::ClientFrame::kSearch), {{event(7), 70}, {event(3), 30}});
  EXPECT_EQ(texts_of(again->page), (Texts{"text 7", "text 4"}));
  EXPECT_TRUE(again->page->complete);
}

TEST_F(EngineSearch, WhatCannotBeSearchedForIsNamed) {
  EXPECT_EQ(refused({.text = ""}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused({.text = " ?! "}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused({.text = "\xff text"}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused({.text = "text", .limit = 0}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused({.text = "text", .after = "somewhere"}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused({.text = std::string(limits::search_query_bytes_max + 1, 'x')}),
            ErrorCode::kTooLarge);
  std::string many;
  for (std::size_t i = 0; i <= limits::search_terms_max; ++i) many += "x ";
  EXPECT_EQ(refused({.text = many}), ErrorCode::kLimitExceeded);
}

TEST_F(EngineSearch, ACursorIsGoodForItsOwnSearchOnly) {
  go_online({state(0)});
  for (std::uint64_t seq = 1; seq <= 3; ++seq) push(event(seq));
  const std::string next = found({.text = "text", .limit = 1}).next;
  ASSERT_NE(next, "");
  EXPECT_EQ(texts_of(found({.text = "text", .limit = 9, .after = next})),
            (Texts{"text 2", "text 1"}));
  EXPECT_EQ(refused({.text = "tex", .after = next}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused({.text = "text", .conversation = room, .after = next}),
            ErrorCode::kInvalidArgument);
}

TEST_F(EngineSearch, ALimitAboveTheLargestPageIsThatPage) {
  go_online({state(0)});
  for (std::uint64_t seq = 1; seq <= limits::search_page_max + 5; ++seq) push(event(seq));
  EXPECT_EQ(found({.text = "text", .limit = 100'000}).hits.size(), limits::search_page_max);
}

TEST_F(EngineSearch, ACacheWithoutAnIndexIsIndexedWhileTheLoopTurns) {
  const test::ScratchDirectory scratch;
  engine.reset();
  store = std::move(*open_cache_store_sqlite(scratch.path()));
  start();
  go_online({state(0)});
  constexpr std::uint64_t kHeld = 2 * limits::search_index_slice + 10;
  for (std::uint64_t seq = 1; seq <= kHeld; ++seq) push(message_event(room, seq, 1000, "old text"));
  engine.reset();
  store.reset();
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((scratch.path() + "/cache.db").c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db,
                         "DROP TABLE term; DROP TABLE term_place; DROP TABLE term_backlog;"
                         "PRAGMA user_version=1",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(db);
  store = std::move(*open_cache_store_sqlite(scratch.path()));
  restart();
  EXPECT_EQ(found({.text = "old"}).hits.size(), 0u);
  scheduler.advance(limits::search_index_pause);
  EXPECT_GT(found({.text = "old"}).hits.size(), 0u);
  scheduler.advance(1s);
  std::size_t all = 0;
  SearchQuery query{.text = "old", .limit = 50};
  do {
    const SearchPage page = found(query);
    all += page.hits.size();
    query.after = page.next;
  } while (!query.after.empty());
  EXPECT_EQ(all, kHeld);
  engine.reset();
  store.reset();
}

}  // namespace
}  // namespace kith::client
