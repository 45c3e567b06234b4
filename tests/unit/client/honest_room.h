// One conversation between an engine and a server that tells the truth but loses, delays and turns
// around what is on the way: the ground for tests over many schedules.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/cache_disk.h"
#include "tests/unit/client/engine_fixture.h"

namespace kith::client {

class HonestRoom {
 public:
  HonestRoom() { boot(); }
  ~HonestRoom() {
    engine.reset();
    scheduler.settle();
  }
  HonestRoom(const HonestRoom&) = delete;
  HonestRoom& operator=(const HonestRoom&) = delete;

  // --- what happens at the server ---
  std::uint64_t add(const std::string& sender, bool countable = true, const std::string& id = {}) {
    v1::Event e;
    e.set_conversation_id(room.bytes());
    e.set_seq(head() + 1);
    e.set_kind(countable ? v1::EVENT_KIND_MESSAGE : v1::EVENT_KIND_MEMBERSHIP);
    e.set_message_id(id.empty() ? "other message" + std::to_string(100 + head()) : id);
    mutable_id(e);
    e.set_sender(UserId::of(sender).bytes());
    e.set_server_ts_ms(1000 + e.seq());
    ordinal += countable ? 1 : 0;
    e.set_ordinal(ordinal);
    e.set_countable(countable);
    history.push_back(e);
    ++ver;
    if (sender == "alice") read_up_to(e.seq());  // sending implies reading
    return e.seq();
  }
  void read_up_to(std::uint64_t seq) {
    if (seq <= read || seq > head()) return;
    read = seq;
    read_ordinal = history[seq - 1].ordinal();
    ++ver;
  }
  [[nodiscard]] std::uint64_t head() const { return history.size(); }

  // --- what happens on the way ---
  void push(std::uint64_t seq) { under_way.push_back(history[seq - 1]); }
  void deliver(bool newest) {
    if (under_way.empty() || !connected()) return;
    v1::ServerFrame frame;
    *frame.mutable_event_push()->add_events() = newest ? under_way.back() : under_way.front();
    newest ? under_way.pop_back() : under_way.pop_front();
    say(frame);
  }
  void lose() {
    if (!under_way.empty()) under_way.pop_front();
  }
  void notice() {
    if (!connected()) return;
    v1::ServerFrame frame;
    frame.mutable_feed_notice()->set_conversation_id(room.bytes());
    frame.mutable_feed_notice()->set_ver(ver);
    frame.mutable_feed_notice()->set_last_seq(head());
    say(frame);
  }
  // Answers the oldest request that has an answer; false if there is none.
  bool answer() {
    scheduler.settle();
    while (connected() && !server.received.empty()) {
      const v1::ClientFrame request = server.received.front();
      server.received.pop_front();
      v1::ServerFrame frame;
      frame.set_reply_to(request.req_id());
      if (!handle(request, frame)) continue;
      say(frame);
      return true;
    }
    return false;
  }
  void cut() {
    if (!server.socket) return;
    lose_session();
    server.listener->on_close(0, make_error(ErrorCode::kUnavailable, "cut"));
    scheduler.settle();
  }
  void reconnect() {
    for (int i = 0; i < 120 && !server.socket; ++i) scheduler.advance(Millis{1000});
    if (server.socket && !connected()) sign_in();
  }
  // Signed in, that is.
  [[nodiscard]] bool connected() const { return server.socket && greeted_ == server.opened; }
  // kill -9, and a new process on what the disk holds.
  void restart() {
    lose_session();
    engine.reset();
    scheduler.settle();
    boot();
  }
  // Everything arrives; nothing new happens.
  void quiet() {
    if (!connected()) reconnect();
    for (int i = 0; i < 40; ++i) {
      while (!under_way.empty()) deliver(false);
      while (answer()) {
      }
      scheduler.advance(Millis{3000});
    }
    while (answer()) {
    }
  }

  // --- what the device holds ---
  [[nodiscard]] const std::map<std::uint64_t, StoredEvent>& stored() {
    return disk.cache.events[room];
  }
  // The seq up to which nothing is missing on the disk.
  [[nodiscard]] std::uint64_t contiguous() {
    std::uint64_t seq = 0;
    for (const auto& [held, event] : stored()) {
      if (held != seq + 1) break;
      seq = held;
    }
    return seq;
  }
  [[nodiscard]] std::string describe() const {
    const ConversationRecord* r = engine->model().find(room);
    const auto pair = [](const char* name, std::uint64_t here, std::uint64_t there) {
      return std::string(name) + " " + std::to_string(here) + " for " + std::to_string(there) + " ";
    };
    if (!r) return "no record";
    return pair("head", r->last_seq, head()) + pair("ordinal", r->last_ordinal, ordinal) +
           pair("read", r->read_seq, read) + pair("read ordinal", r->read_ordinal, read_ordinal);
  }
  [[nodiscard]] std::uint64_t unread() {
    const auto list = engine->history().conversations(1);
    return list.empty() ? 0 : list.front().unread;
  }

  VirtualScheduler scheduler;
  SeededRandom random;
  HandPlayedServer server;
  sim::CacheDisk disk;
  sim::CacheFaults faults;
  std::unique_ptr<sim::CacheStoreOnDisk> store;
  std::unique_ptr<Engine> engine;
  const ConversationId room = ConversationId::direct(UserId::of("alice"), UserId::of("bob"));

  std::vector<v1::Event> history;
  std::deque<v1::Event> under_way;
  std::uint64_t ordinal = 0;
  std::uint64_t read = 0;
  std::uint64_t read_ordinal = 0;
  std::uint64_t ver = 1;
  std::uint64_t acked = 0;
  std::vector<std::string> broken;  // rules that the device broke

 private:
  static void mutable_id(v1::Event& e) {
    std::string id = e.message_id();
    id.resize(16);
    e.set_message_id(id);
  }
  void boot() {
    store = std::make_unique<sim::CacheStoreOnDisk>(
        disk, faults, [](const CacheChange&) {}, [] {});
    auto made = Engine::make(
        {{"ws://test/v1/ws", ""},
         "alice",
         "test",
         [](std::function<void(Result<std::string>)> done) { done(std::string("token")); }},
        scheduler, random, server, *store, [](Event) {});
    ASSERT_TRUE(made.ok());
    engine = std::move(*made);
    engine->connection().start();
    scheduler.settle();
    sign_in();
  }
  void sign_in() {
    server.received.clear();
    greeted_ = server.opened;
    server.listener->on_open();
    ASSERT_FALSE(server.received.empty());
    v1::ServerFrame frame;
    frame.set_reply_to(server.received.front().req_id());
    server.received.pop_front();
    v1::Welcome& w = *frame.mutable_welcome();
    w.set_session_id(std::string(16, 's'));
    w.set_user_id(UserId::of("alice").bytes());
    w.set_heartbeat_s(30);
    say(frame);
  }
  void say(const v1::ServerFrame& frame) {
    server.listener->on_message(*encode(frame));
    scheduler.settle();
  }
  // Some requests reach the server and only their answers are lost.
  void lose_session() {
    under_way.clear();
    for (const v1::ClientFrame& request : std::exchange(server.received, {})) {
      v1::ServerFrame nobody_hears;
      if (random.below(2) == 0) (void)handle(request, nobody_hears);
    }
  }

  bool handle(const v1::ClientFrame& request, v1::ServerFrame& frame) {
    switch (request.body_case()) {
      case v1::ClientFrame::kSync:
        frame.mutable_sync_page()->set_next_cursor(ver);
        if (request.sync().cursor() < ver) *frame.mutable_sync_page()->add_changed() = state();
        return true;
      case v1::ClientFrame::kGetEvents:
        events_page(request.get_events(), *frame.mutable_events_page());
        return true;
      case v1::ClientFrame::kPing:
        frame.mutable_pong()->set_feed_high(ver);
        return true;
      case v1::ClientFrame::kMarkRead:
        read_up_to(request.mark_read().upto_seq());
        frame.mutable_ack();
        return true;
      case v1::ClientFrame::kSend:
        place(request.send(), *frame.mutable_send_result());
        return true;
      case v1::ClientFrame::kAckEvents:
        for (const auto& head : request.ack_events().upto()) {
          if (head.seq() > contiguous()) broken.push_back("acknowledged more than is held");
          acked = std::max(acked, head.seq());
        }
        return false;
      default:
        return false;
    }
  }
  v1::ConversationState state() const {
    v1::ConversationState s;
    s.set_conversation_id(room.bytes());
    s.set_type(v1::CONVERSATION_TYPE_DIRECT);
    s.set_entry_ver(ver);
    s.set_direct_peer(UserId::of("bob").bytes());
    s.set_role(v1::MEMBER_ROLE_MEMBER);
    s.set_join_seq(1);
    s.set_last_seq(head());
    s.set_last_ordinal(ordinal);
    s.set_read_seq(read);
    s.set_read_ordinal(read_ordinal);
    s.set_delivered_seq(acked);
    return s;
  }
  void events_page(const v1::GetEvents& get, v1::EventsPage& page) {
    page.set_conversation_id(room.bytes());
    page.set_last_seq(head());
    std::uint64_t from = std::max<std::uint64_t>(get.from(), 1);
    std::uint64_t to = std::min<std::uint64_t>(get.to(), head());
    if (to >= from && to - from >= get.limit())
      (get.newest() ? from : to) = get.newest() ? to - get.limit() + 1 : from + get.limit() - 1;
    for (; from <= to; ++from) *page.add_events() = history[from - 1];
  }
  void place(const v1::SendBatch& batch, v1::SendResult& result) {
    result.set_conversation_id(room.bytes());
    for (const auto& item : batch.items()) {
      auto [known, fresh] = placed_.emplace(item.message_id(), 0);
      if (fresh) known->second = add("alice", true, item.message_id());
      v1::ItemResult& out = *result.add_items();
      out.set_message_id(item.message_id());
      out.mutable_placed()->set_seq(known->second);
      out.mutable_placed()->set_ordinal(history[known->second - 1].ordinal());
      out.mutable_placed()->set_server_ts_ms(history[known->second - 1].server_ts_ms());
      out.mutable_placed()->set_duplicate(!fresh);
    }
  }

  int greeted_ = 0;  // which of the sockets said hello
  std::map<std::string, std::uint64_t> placed_;
};

}  // namespace kith::client
