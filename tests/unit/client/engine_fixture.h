// One engine on virtual time, a cache in memory (or a directory) and a server that the test plays
// by hand.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/cache_store_sqlite.h"
#include "client/engine.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"
#include "tests/unit/client/virtual_time.h"

namespace kith::client {

class HandPlayedServer : public TransportFactory {
 public:
  struct Socket : Transport {
    explicit Socket(HandPlayedServer& to) : server(to) {}
    ~Socket() override {
      if (server.socket == this) server.socket = nullptr;
    }
    void send(std::string message) override {
      auto frame = decode_client_frame(message);
      ASSERT_TRUE(frame.ok());
      if (Status s = validate(*frame); !s) ADD_FAILURE() << s.error().to_string();
      server.received.push_back(*frame);
    }
    std::size_t buffered() const override { return 0; }
    void close(std::uint16_t) override {}
    HandPlayedServer& server;
  };
  std::unique_ptr<Transport> open(const Endpoint&, TransportListener& to) override {
    ++opened;
    listener = &to;
    auto made = std::make_unique<Socket>(*this);
    socket = made.get();
    return made;
  }

  Socket* socket = nullptr;
  TransportListener* listener = nullptr;
  int opened = 0;
  std::deque<v1::ClientFrame> received;
};

class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = open_cache_store_sqlite("");
    ASSERT_TRUE(made.ok());
    store = std::move(*made);
    start();
  }
  void TearDown() override {
    engine.reset();
    scheduler.settle();
  }

  void start() {
    auto made = Engine::make({{"ws://test/v1/ws", ""},
                              "alice",
                              "test",
                              [this](std::function<void(Result<std::string>)> done) {
                                ++tokens_asked;
                                done(next_token);
                              },
                              by_hand},
                             scheduler, random, server, *store,
                             [this](Event e) { events.push_back(std::move(e)); });
    ASSERT_TRUE(made.ok());
    engine = std::move(*made);
  }
  // The process dies and starts again on what its store holds.
  void restart() {
    engine.reset();
    scheduler.settle();
    server.received.clear();
    start();
  }
  void say(v1::ServerFrame frame) {
    ASSERT_NE(server.socket, nullptr);
    server.listener->on_message(*encode(frame));
    scheduler.settle();
  }
  void cut() {
    server.listener->on_close(0, make_error(ErrorCode::kUnavailable, "cut"));
    scheduler.settle();
  }
  // The next request of a kind; others before it are dropped.
  v1::ClientFrame expect(v1::ClientFrame::BodyCase kind) {
    scheduler.settle();
    while (!server.received.empty()) {
      v1::ClientFrame frame = server.received.front();
      server.received.pop_front();
      if (frame.body_case() == kind) return frame;
    }
    ADD_FAILURE() << "no request of kind " << kind;
    return {};
  }
  std::size_t count(v1::ClientFrame::BodyCase kind) {
    scheduler.settle();
    std::size_t n = 0;
    for (const auto& frame : server.received) n += frame.body_case() == kind;
    return n;
  }
  v1::ClientFrame hello() {
    scheduler.settle();
    server.listener->on_open();
    return expect(v1::ClientFrame::kHello);
  }
  static v1::ServerFrame welcome_frame(const v1::ClientFrame& hello) {
    v1::ServerFrame frame;
    frame.set_reply_to(hello.req_id());
    v1::Welcome& w = *frame.mutable_welcome();
    w.set_session_id(std::string(16, 's'));
    w.set_user_id(UserId::of("alice").bytes());
    w.set_resume_ticket("ticket");
    w.set_heartbeat_s(30);
    return frame;
  }
  void welcome(const v1::ClientFrame& hello) { say(welcome_frame(hello)); }
  // Signs in and answers the first sync with `states`.
  void go_online(const std::vector<v1::ConversationState>& states = {}, std::uint64_t cursor = 1) {
    engine->connection().start();
    welcome(hello());
    answer_sync(states, cursor);
  }
  void answer_sync(const std::vector<v1::ConversationState>& states, std::uint64_t cursor) {
    std::deque<v1::ClientFrame> others;  // the outbox may have spoken already
    scheduler.settle();
    for (const auto& frame : server.received) {
      if (frame.body_case() != v1::ClientFrame::kSync) others.push_back(frame);
    }
    const v1::ClientFrame sync = expect(v1::ClientFrame::kSync);
    server.received = others;
    v1::ServerFrame frame;
    frame.set_reply_to(sync.req_id());
    frame.mutable_sync_page()->set_next_cursor(cursor);
    for (const auto& state : states) *frame.mutable_sync_page()->add_changed() = state;
    say(frame);
  }
  v1::ConversationState state(std::uint64_t last_seq) const {
    v1::ConversationState s;
    s.set_conversation_id(room.bytes());
    s.set_type(v1::CONVERSATION_TYPE_DIRECT);
    s.set_entry_ver(1);
    s.set_direct_peer(UserId::of("bob").bytes());
    s.set_role(v1::MEMBER_ROLE_MEMBER);
    s.set_last_seq(last_seq);
    s.set_last_ordinal(last_seq);
    return s;
  }
  v1::Event event(std::uint64_t seq, const std::string& sender = "bob", MessageId id = {}) const {
    v1::Content content;
    content.mutable_plain()->set_text("text " + std::to_string(seq));
    v1::Event e;
    e.set_conversation_id(room.bytes());
    e.set_seq(seq);
    e.set_kind(v1::EVENT_KIND_MESSAGE);
    std::string bytes(16, '\0');
    bytes[15] = static_cast<char>(seq);
    e.set_message_id(id.empty() ? bytes : id.bytes());
    e.set_sender(UserId::of(sender).bytes());
    e.set_server_ts_ms(1000 + seq);
    e.set_ordinal(seq);
    e.set_countable(true);
    e.set_body(content.SerializeAsString());
    return e;
  }
  void push(const v1::Event& e) {
    v1::ServerFrame frame;
    *frame.mutable_event_push()->add_events() = e;
    say(frame);
  }
  void place(const v1::ClientFrame& request, std::uint64_t first_seq) {
    v1::ServerFrame frame;
    frame.set_reply_to(request.req_id());
    frame.mutable_send_result()->set_conversation_id(request.send().conversation_id());
    for (const auto& item : request.send().items()) {
      v1::ItemResult& result = *frame.mutable_send_result()->add_items();
      result.set_message_id(item.message_id());
      result.mutable_placed()->set_seq(first_seq);
      result.mutable_placed()->set_ordinal(first_seq++);
    }
    say(frame);
  }
  void give_events(const v1::ClientFrame& request, const std::vector<v1::Event>& found,
                   std::uint64_t last_seq) {
    v1::ServerFrame frame;
    frame.set_reply_to(request.req_id());
    frame.mutable_events_page()->set_conversation_id(request.get_events().conversation_id());
    frame.mutable_events_page()->set_last_seq(last_seq);
    for (const v1::Event& one : found) *frame.mutable_events_page()->add_events() = one;
    say(frame);
  }
  void refuse(const v1::ClientFrame& request, v1::ErrorCode code) {
    v1::ServerFrame frame;
    frame.set_reply_to(request.req_id());
    frame.mutable_error()->set_code(code);
    say(frame);
  }
  MessageId send(const std::string& text) {
    const auto id = engine->outgoing().send(engine->outgoing().direct(UserId::of("bob")), text, {});
    EXPECT_TRUE(id.ok());
    return id.value_or({});
  }
  std::vector<std::string> texts() {
    std::vector<std::string> found;
    for (const Message& m : engine->history().timeline(room, 100)) found.push_back(m.text);
    return found;
  }

  VirtualScheduler scheduler;
  SeededRandom random;
  HandPlayedServer server;
  std::unique_ptr<CacheStore> store;
  std::unique_ptr<Engine> engine;
  std::vector<Event> events;
  int tokens_asked = 0;
  bool by_hand = false;  // EngineOptions::acknowledge_by_hand from the next start() on
  Result<std::string> next_token = std::string("token");
  const ConversationId room = ConversationId::direct(UserId::of("alice"), UserId::of("bob"));
};

}  // namespace kith::client
