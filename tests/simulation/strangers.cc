// Strangers: a connection, a Hello, and as many requests as they like.
#include "tests/simulation/strangers.h"

#include <utility>

#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"
#include "src/handshake.h"

namespace kith::sim {
namespace {

// More requests than an account may make at once, and than a modest one makes in a minute.
constexpr std::int64_t kGreed = 60;
constexpr std::int64_t kEachMs = 3;
constexpr std::int64_t kModestPauseMs = 8'000;

}  // namespace

struct Strangers::Visitor : client::TransportListener {
  Visitor(World& w, std::size_t number, std::string name)
      : world(w), device(number), handle(std::move(name)) {}

  void on_open() override {
    v1::ClientFrame frame;
    handshake::offer(*frame.mutable_hello());
    frame.mutable_hello()->set_device_id(id.bytes());
    frame.mutable_hello()->set_access_token("token of " + handle);
    say(frame);
  }
  void on_message(std::string_view message) override {
    const auto frame = decode_server_frame(message);
    if (!frame || !frame->has_welcome()) return;
    for (std::size_t i = 0; i < wanted; ++i) {
      world.at(world.now() + static_cast<std::int64_t>(i) * kEachMs, [this, life = lives] {
        if (life == lives && transport) ask();
      });
    }
  }
  void on_close(std::uint16_t, const Error&) override {}
  void ask() {
    v1::ClientFrame frame;
    if (++asked % 4 == 0) {
      frame.mutable_ping()->set_t(asked);
    } else {
      frame.mutable_update_profile()->set_display_name(handle);
    }
    say(frame);
  }
  void say(v1::ClientFrame& frame) {
    frame.set_req_id(++last_request);
    transport->send(encode(frame).value());
  }

  World& world;
  const std::size_t device;
  const std::string handle;
  DeviceId id;
  std::unique_ptr<client::Transport> transport;
  std::size_t wanted = 0;
  std::uint64_t lives = 0;  // connections
  std::uint64_t last_request = 0;
  std::uint64_t asked = 0;
};

Strangers::Strangers(World& world, std::uint64_t seed) : world_(world), random_(seed, 23) {
  for (const char* name : {"greedy", "greedy", "modest"}) {
    const std::size_t device = world_.add_stranger(name);
    visitors_.push_back(std::make_unique<Visitor>(world_, device, name));
    std::array<std::uint8_t, 16> bytes{};
    random_.fill(bytes.data(), bytes.size());
    visitors_.back()->id = DeviceId(bytes);
  }
}

Strangers::~Strangers() = default;

void Strangers::plan(std::int64_t until) {
  const std::int64_t visits = random_.between(4, 10);
  for (std::int64_t i = 0; i < visits; ++i) {
    const std::size_t device = random_.below(2);
    const auto requests = static_cast<std::size_t>(random_.between(kGreed / 2, kGreed));
    const std::int64_t from = random_.between(0, until);
    // Some reconnect at once, which must not benefit them.
    for (const std::int64_t when : {from, from + random_.between(300, 3'000)}) {
      world_.at(when, [this, device, requests] { visit(*visitors_[device], requests); });
    }
  }
  for (std::int64_t when = 1'000; when < until; when += kModestPauseMs) {
    world_.at(when, [this] { visit(*visitors_.back(), 1); });
  }
  world_.at(until, [this] {
    for (auto& visitor : visitors_) leave(*visitor);
  });
}

void Strangers::visit(Visitor& visitor, std::size_t requests) {
  leave(visitor);
  visitor.wanted = requests;
  visitor.transport = world_.network().open(visitor.device, visitor);
}

void Strangers::leave(Visitor& visitor) {
  ++visitor.lives;
  visitor.transport.reset();
}

}  // namespace kith::sim
