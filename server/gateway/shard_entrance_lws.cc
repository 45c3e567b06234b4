// ShardEntrance: from the kernel's queue, through the lobby, to libwebsockets.
#include "server/gateway/shard_entrance_lws.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"
#include "server/gateway/proxy_header.h"
#include "server/gateway/upgrade_request.h"

namespace kith::server {
namespace {

constexpr std::uint32_t kReservedDescriptors = 128;  // databases, logs, pipes
constexpr std::uint32_t kExpelledMax = 64;  // descriptors over the limit while their sockets close
constexpr auto kSweep = std::chrono::milliseconds(200);
constexpr std::uint32_t kHandshakeBurstS = 2;

std::uint32_t connections_allowed(std::uint32_t asked, std::uint32_t shards) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const auto all = static_cast<std::uint32_t>(std::min<rlim_t>(limit.rlim_cur, 10'000'000));
  const std::uint32_t most = all > 2 * kReservedDescriptors ? all - kReservedDescriptors : all / 2;
  const std::uint32_t total = asked == 0 ? most : std::min(asked, most);
  return std::max<std::uint32_t>(1, total / std::max<std::uint32_t>(1, shards));
}

Arrivals::Bounds arrival_bounds(bool tls, std::uint32_t shards) {
  const auto share = [&](std::size_t all) { return std::max<std::size_t>(1, all / shards); };
  Arrivals::Bounds bounds;
  bounds.of_one = share(limits::arrivals_of_one_max);
  bounds.shaking_of_one = tls ? share(limits::handshakes_of_one_max) : bounds.of_one;
  bounds.shaking = tls ? share(limits::handshakes_at_once_max) : static_cast<std::size_t>(-1);
  bounds.limit_ms = Millis(limits::arrival_limit).count();
  bounds.grace_ms = Millis(limits::arrival_grace).count();
  return bounds;
}

// A shard's share.
BucketRate handshake_rate(const ListenerOptions& options) {
  const std::uint32_t per_s = std::max(1U, options.handshakes_per_s / std::max(1U, options.shards));
  return BucketRate::per_s(per_s, std::int64_t{per_s} * kHandshakeBurstS);
}

}  // namespace

ShardEntrance::ShardEntrance(const ListenerOptions& options, const AddressRanges& trusted,
                             const Ports& ports, std::function<void(std::uint32_t)> failed)
    : ports_(ports),
      failed_(std::move(failed)),
      trusted_(trusted),
      proxy_protocol_(options.proxy_protocol),
      sockets_{connections_allowed(options.connections_max, options.shards)},
      handshakes_{handshake_rate(options)},
      arrivals_(arrival_bounds(ports.context.tls(), std::max(1U, options.shards))),
      lobby_(std::make_unique<LobbyUv>(ports.loop, ports.context.tls(), lobby_hooks())) {}

LobbyUv::Hooks ShardEntrance::lobby_hooks() {
  LobbyUv::Hooks hooks;
  hooks.comes_from = [this](Arrivals::Key key, const PeerAddress& address) {
    arrivals_.comes_from(key, address);
  };
  hooks.ready = [this](Arrivals::Key key) { arrivals_.wants_in(key); };
  hooks.gone = [this](Arrivals::Key key) {
    arrivals_.left(key);
    --sockets_.open;
  };
  return hooks;
}

void ShardEntrance::open(int listening) {
  counters_.listening = listening;
  AcceptorUv::Hooks hooks;
  hooks.accepted = [this](std::vector<Accepted>& batch) { take_in(batch); };
  hooks.starved = [this] { make_room(); };  // a silent one makes room
  acceptor_ = std::make_unique<AcceptorUv>(listening, ports_.loop, sockets_.max, std::move(hooks));
}

void ShardEntrance::take_in(std::vector<Accepted>& batch) {
  for (Accepted& one : batch) {
    const bool room = sockets_.open < sockets_.max ||
                      (sockets_.open < sockets_.max + kExpelledMax && make_room());
    if (room) {
      welcome_socket(one.take(), one.address);
    } else {
      ++counters_.refused;  // closed: the client backs off
    }
  }
  batch.clear();
  let_in();
}

void ShardEntrance::welcome_socket(int fd, const PeerAddress& address) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ++sockets_.open;
  const Arrivals::Key key = arrivals_.accepted(address, ports_.loop.clock().steady_ms());
  if (sweep_timer_ == 0) sweep_timer_ = ports_.loop.after(Millis(kSweep), [this] { sweep(); });
  lobby_->add(key, fd, address, proxy_protocol_ && trusted_.contain(address));
}

// Closes a connection that has not signed in, of the address with the most. Returns false if there is none.
bool ShardEntrance::make_room() {
  const auto key = arrivals_.least_worthy();
  if (!key) return false;
  expel(*key);
  return true;
}

void ShardEntrance::expel(Arrivals::Key key) {
  ++counters_.refused;
  arrivals_.left(key);
  if (lobby_->drop(key)) {
    --sockets_.open;
    return;
  }
  const auto found = entering_.find(key);
  if (found == entering_.end()) return;
  ConnectionSlot& slot = ports_.slots[found->second];
  entering_.erase(found);
  slot.arrival = 0;
  ports_.output.kill(slot);
}

// Admits as many as there are places and handshakes for.
void ShardEntrance::let_in() {
  while (arrivals_.waiting()) {
    const std::int64_t now = ports_.loop.clock().steady_ms();
    if (const std::uint32_t wait = handshakes_.bucket.take(handshakes_.rate, 1, now); wait != 0) {
      if (let_in_timer_ != 0) break;
      let_in_timer_ = ports_.loop.after(Millis(wait), [this] {
        let_in_timer_ = 0;
        let_in();
      });
      break;
    }
    const auto key = arrivals_.admit(now);
    if (!key) {
      handshakes_.bucket.refund(handshakes_.rate, 1, now);
      break;
    }
    come_in(*key);
  }
  counters_.waiting = lobby_->size();
}

void ShardEntrance::come_in(Arrivals::Key key) {
  const LobbyUv::Guest guest = lobby_->take(key);
  if (guest.fd < 0) return arrivals_.left(key);
  const std::uint32_t index = ports_.slots.take();
  ConnectionSlot& slot = ports_.slots[index];
  slot.stage = ConnectionSlot::Stage::kEntering;
  slot.arrival = key;
  slot.address = guest.address;
  slot.head = std::make_unique<std::string>();
  entering_[key] = index;
  const std::uint32_t generation = slot.generation;
  const lws* made = ports_.context.adopt(guest.fd, ports_.slots.mark_of(index));
  // It may have failed before libwebsockets knew the socket; then no callback has run.
  if (made == nullptr && slot.generation == generation &&
      slot.stage == ConnectionSlot::Stage::kEntering) {
    if (slot.wsi == nullptr) --sockets_.open;
    failed_(index);
  }
}

void ShardEntrance::sweep() {
  sweep_timer_ = 0;
  for (const Arrivals::Key key : arrivals_.overdue(ports_.loop.clock().steady_ms())) {
    ++counters_.overdue;
    expel(key);
    --counters_.refused;
  }
  let_in();
  if (arrivals_.size() != 0) sweep_timer_ = ports_.loop.after(Millis(kSweep), [this] { sweep(); });
}

void ShardEntrance::established(ConnectionSlot& slot,
                                const std::vector<std::string>& forwarded_for) {
  if (!proxy_protocol_) {
    slot.address = forwarded_client(slot.address, forwarded_for, trusted_);
    arrivals_.comes_from(slot.arrival, slot.address);
  }
  arrivals_.established(slot.arrival);
}

void ShardEntrance::signed_in(ConnectionSlot& slot) {
  left(slot);
  slot.arrival = 0;
}

void ShardEntrance::left(const ConnectionSlot& slot) {
  if (slot.arrival == 0) return;
  arrivals_.left(slot.arrival);
  entering_.erase(slot.arrival);
}

void ShardEntrance::socket_gone() {
  if (sockets_.open > 0) --sockets_.open;
}

void ShardEntrance::stop_accepting() {
  counters_.listening = -1;
  acceptor_.reset();
}

void ShardEntrance::close() {
  stop_accepting();
  ports_.loop.cancel(let_in_timer_);
  ports_.loop.cancel(sweep_timer_);
  lobby_.reset();
}

}  // namespace kith::server
