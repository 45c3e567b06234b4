// GatewayTest: a gateway over sockets that only remember and services that leave their answers to the test.
#pragma once

#include <gtest/gtest.h>

#include "kith/core/limits.h"
#include "server/adapters/embedded/bus_memory.h"
#include "server/adapters/embedded/directory_memory.h"
#include "server/adapters/embedded/session_registry_memory.h"
#include "server/delivery/session_fanout.h"
#include "server/gateway/gateway.h"
#include "src/uuid.h"
#include "tests/unit/gateway/virtual_loop.h"

namespace kith::server {
inline const std::string kRoom = ConversationId::direct(UserId::of("a"), UserId::of("b")).bytes();

using namespace std::chrono_literals;

constexpr auto kLeeway = 60s;  // JwtOptions::leeway, for tokens of every kind

inline DeviceId device(std::uint8_t n) {
  return DeviceId(std::array<std::uint8_t, 16>{n});
}

struct Host {
  static ServerOptions options() {
    ServerOptions o;
    o.secret = std::string(32, 's');
    o.register_accounts = true;
    o.authenticator = std::move(*jwt_authenticator(std::string(32, 'h'), clock()));
    return o;
  }
  static testing::VirtualLoop*& loop_now() {
    static testing::VirtualLoop* current = nullptr;
    return current;
  }
  static Clock& clock() { return loop_now()->clock(); }
};

// Fails, or leaves its answers to the test, on request.
struct TestRegistry : SessionRegistryMemory {
  using SessionRegistryMemory::SessionRegistryMemory;
  void add(const UserId& user, const SessionRef& session, Done<void> done) override {
    ++asked;
    if (fails) return done(make_error(ErrorCode::kUnavailable, "down"));
    const auto answer = [this, user, session, done = std::move(done)] {
      SessionRegistryMemory::add(user, session, done);
    };
    silent ? waiting.push_back(answer) : answer();
  }
  bool fails = false, silent = false;
  int asked = 0;
  std::vector<std::function<void()>> waiting;
};
struct TestBus : BusMemory {
  using BusMemory::notify_lost;
};

class GatewayTest : public ::testing::Test {
 protected:
  ConnectionId open(const std::string& address = "192.0.2.1") {
    const ConnectionId id{0, ++opened, 1};
    gateway.on_open(id, {address, address, false});
    return id;
  }
  void say(ConnectionId id, const v1::ClientFrame& frame) {
    gateway.on_message(id, *encode(frame));
    loop.settle();
  }
  std::string token(const std::string& handle, Millis life = 1h) {
    const std::int64_t now = loop.clock().wall().ms;
    return make_jwt(std::string(32, 'h'), {handle, "", now, now + life.count()});
  }
  static v1::ClientFrame registration(std::uint64_t req_id, const std::string& handle) {
    v1::ClientFrame frame;
    frame.set_req_id(req_id);
    auto& account = *frame.mutable_register_();
    account.set_handle(handle);
    account.set_password("correct horse");
    account.set_device_id(device(1).bytes());
    return frame;
  }
  v1::ClientFrame hello(std::uint8_t n, const std::string& access_token) {
    v1::ClientFrame frame;
    frame.set_req_id(1);
    frame.mutable_hello()->set_major(1);
    frame.mutable_hello()->set_device_id(device(n).bytes());
    frame.mutable_hello()->set_access_token(access_token);
    return frame;
  }
  ConnectionId sign_in(const std::string& handle, std::uint8_t n = 1, Millis life = 1h) {
    const ConnectionId id = open();
    say(id, hello(n, token(handle, life)));
    EXPECT_TRUE(last(id).has_welcome());
    return id;
  }
  const v1::ServerFrame& last(ConnectionId id) {
    static const v1::ServerFrame kNothing;
    return sockets.frames[id].empty() ? kNothing : sockets.frames[id].back();
  }
  // Pongs that tell a device to sync.
  std::size_t resyncs(ConnectionId id) {
    const auto& frames = sockets.frames[id];
    return static_cast<std::size_t>(
        std::count_if(frames.begin(), frames.end(),
                      [](const v1::ServerFrame& frame) { return frame.pong().resync(); }));
  }
  bool welcomed(ConnectionId id) {
    const auto& frames = sockets.frames[id];
    return std::any_of(frames.begin(), frames.end(),
                       [](const v1::ServerFrame& frame) { return frame.has_welcome(); });
  }
  std::uint16_t closed(ConnectionId id) {
    return sockets.closed.count(id) ? sockets.closed[id] : 0;
  }
  v1::ClientFrame request() {
    v1::ClientFrame frame;
    frame.set_req_id(9);
    frame.mutable_update_profile()->set_display_name("x");
    return frame;
  }
  static Push event(std::size_t size, std::uint64_t seq) {
    v1::ServerFrame frame;
    frame.mutable_event_push()->add_events()->set_body(std::string(size, 'x'));
    Push push = make_push(frame, DeliveryClass::kEvent);
    push.conversation = ConversationId(std::array<std::uint8_t, 16>{5});
    push.last_seq = push.ordinal = seq;
    return push;
  }

  testing::VirtualLoop loop;
  [[maybe_unused]] int bound = (Host::loop_now() = &loop, 0);
  testing::CountingRandom random;
  testing::FakeSockets sockets;
  testing::PlainPasswords passwords{loop};
  std::shared_ptr<DirectoryMemory::Disk> people = std::make_shared<DirectoryMemory::Disk>();
  DirectoryMemory directory{people, loop};
  TestRegistry registry{loop};
  TestBus bus;
  Users users{directory};
  Devices devices{directory};
  ServerOptions options = Host::options();
  SignIn entrance{{options.secret, options.authenticator, true, options.account_token_life},
                  directory,
                  users,
                  devices,
                  passwords,
                  loop};
  std::vector<Reply> pending;
  struct Often {
    RequestView::Kind kind;
    std::string conversation;
    std::uint64_t req_id;
  };
  std::vector<Often> often;
  int opened_sessions = 0, closed_sessions = 0;
  bool registered_before_welcome = false;
  UserId hides_reads;
  // Remembers what it is asked, and leaves the answers to the test.
  struct ServicesThatWait : Services {
    explicit ServicesThatWait(GatewayTest& t) : test(t) {}
    bool handle(const Caller&, v1::ClientFrame&, Reply& reply) override {
      test.pending.push_back(reply);
      return true;
    }
    void fast_path(const Caller&, const RequestView& view, Reply&& reply) override {
      test.often.push_back({view.kind, std::string(view.conversation), view.req_id});
      if (reply) test.pending.push_back(std::move(reply));
    }
    void session_opened(const Caller&, bool, const std::string&) override {
      ++test.opened_sessions;
    }
    void session_closed(const Caller&) override { ++test.closed_sessions; }
    void session_active(const Caller&, bool) override {}
    bool shares_receipts(const UserId& user) const override { return user != test.hides_reads; }
    void feed_high(const UserId& user, Done<Position> done) override {
      test.registry.lookup(user, [this](const Result<std::vector<SessionRef>>& refs) {
        test.registered_before_welcome = refs.ok() && !refs->empty();
      });
      done(Position{42});
    }
    void remove_account(const UserId&, Done<void> done) override { done({}); }
    void failed(const Error&) override {}
    GatewayTest& test;
  } services{*this};
  Dispatcher dispatcher{options, entrance, services, loop, random};
  Gateway gateway{"g", options, {dispatcher, registry, bus, loop, random, sockets}};
  std::uint32_t opened = 0;
};

}  // namespace kith::server
