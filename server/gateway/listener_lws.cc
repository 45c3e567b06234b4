// ListenerLws: binds the sockets, runs the shards, and brings everything they tell to the one loop
// of the services.
#include "server/gateway/listener_lws.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "server/gateway/listener_shard_lws.h"
#include "server/gateway/listening_socket.h"
#include "server/gateway/mailbox.h"

namespace kith::server {
namespace {

constexpr std::uint32_t kShardsMax = 64;

// What a shard on a loop of its own tells the services, and what they ask of it.
struct Event {
  enum class Kind { kOpen, kMessage, kTaken, kClose } kind;
  ConnectionId id;
  PeerInfo peer;
  std::string message;
  std::size_t bytes = 0;
};
struct Order {
  enum class Kind { kSend, kClose, kPause } kind;
  ConnectionId id;
  std::string text;
  std::uint16_t code = 0;
  bool paused = false;
};

// The shard of the services' own loop: everything is a plain call.
class NearShard : public ShardHandler {
 public:
  NearShard(ConnectionHandler& handler, std::size_t& connections)
      : handler_(handler), connections_(connections) {}
  void on_open(ConnectionId id, const PeerInfo& peer) override {
    ++connections_;
    handler_.on_open(id, peer);
  }
  void on_message(ConnectionId id, std::string_view message) override {
    handler_.on_message(id, message);
  }
  void on_taken(ConnectionId, std::size_t) override {}
  void on_drained(ConnectionId id) override { handler_.on_drained(id); }
  void on_close(ConnectionId id) override {
    --connections_;
    handler_.on_close(id);
  }

 private:
  ConnectionHandler& handler_;
  std::size_t& connections_;
};

// A shard on a thread of its own, reached through two mailboxes that cost one wake-up per batch.
class FarShard : public ShardHandler {
 public:
  FarShard(LoopUv& services, ConnectionHandler& handler, std::size_t& connections)
      : handler_(handler),
        connections_(connections),
        events_(services, [this](std::vector<Event>& batch) { deliver(batch); }),
        orders_(loop_, [this](std::vector<Order>& batch) { obey(batch); }) {}

  ~FarShard() override {
    events_.close();
    if (!shard_) return;
    loop_.run_sync([this] { shard_->close_all(); });
    orders_.close();
    loop_.stop();
  }

  Status open(const ListenerOptions& options, std::uint32_t index, int listening) {
    auto shard = ListenerShardLws::open(options, index, listening, loop_, *this);
    if (!shard) return shard.error();
    shard_ = *shard;
    return {};
  }
  void start() { loop_.start(); }
  void stop_accepting() {
    loop_.run_sync([this] { shard_->stop_accepting(); });
  }

  Status use_certificate(const TlsIdentity& identity) {
    Status used;
    loop_.run_sync([&] { used = shard_->use_certificate(identity); });
    return used;
  }

  // --- loop of the services ---
  void send(ConnectionId id, std::string_view message) {
    Known* known = find(id);
    if (known == nullptr) return;
    known->buffered += frame_bytes(message.size());
    orders_.put({Order::Kind::kSend, id, std::string(message)});
  }
  std::size_t buffered(ConnectionId id) {
    const Known* known = find(id);
    return known == nullptr ? 0 : known->buffered;
  }
  void close(ConnectionId id, std::uint16_t code, std::string_view reason) {
    if (find(id) != nullptr) orders_.put({Order::Kind::kClose, id, std::string(reason), code});
  }
  void pause_reading(ConnectionId id, bool paused) {
    if (find(id) != nullptr) orders_.put({Order::Kind::kPause, id, {}, 0, paused});
  }

  // --- loop of the shard ---
  void on_open(ConnectionId id, const PeerInfo& peer) override {
    events_.put({Event::Kind::kOpen, id, peer, {}});
  }
  void on_message(ConnectionId id, std::string_view message) override {
    events_.put({Event::Kind::kMessage, id, {}, std::string(message)});
  }
  void on_taken(ConnectionId id, std::size_t bytes) override {
    events_.put({Event::Kind::kTaken, id, {}, {}, bytes});
  }
  // The shard may be empty while more is on its way to it: deliver_one() knows better.
  void on_drained(ConnectionId) override {}
  void on_close(ConnectionId id) override { events_.put({Event::Kind::kClose, id, {}, {}}); }

 private:
  struct Known {  // what the services know of a connection
    std::uint32_t generation = 0;
    bool open = false;
    std::size_t buffered = 0;
  };

  Known* find(ConnectionId id) {
    if (id.index >= known_.size()) return nullptr;
    Known& known = known_[id.index];
    return known.open && known.generation == id.generation ? &known : nullptr;
  }

  void deliver(std::vector<Event>& batch) {
    for (Event& event : batch) {
      if (events_.closed()) return;
      deliver_one(event);
    }
  }

  void deliver_one(Event& event) {
    if (event.kind == Event::Kind::kOpen) {
      if (event.id.index >= known_.size()) known_.resize(event.id.index + 1);
      known_[event.id.index] = {event.id.generation, true, 0};
      ++connections_;
      handler_.on_open(event.id, event.peer);
      return;
    }
    Known* known = find(event.id);
    if (known == nullptr) return;
    switch (event.kind) {
      case Event::Kind::kMessage:
        handler_.on_message(event.id, event.message);
        return;
      case Event::Kind::kTaken:
        known->buffered -= std::min(known->buffered, event.bytes);
        if (known->buffered == 0) handler_.on_drained(event.id);
        return;
      case Event::Kind::kClose:
        known->open = false;
        --connections_;
        handler_.on_close(event.id);
        return;
      case Event::Kind::kOpen:
        return;
    }
  }

  void obey(std::vector<Order>& batch) {
    for (Order& order : batch) {
      switch (order.kind) {
        case Order::Kind::kSend:
          shard_->send(order.id, order.text);
          break;
        case Order::Kind::kClose:
          shard_->close(order.id, order.code, order.text);
          break;
        case Order::Kind::kPause:
          shard_->pause_reading(order.id, order.paused);
          break;
      }
    }
  }

  ConnectionHandler& handler_;
  std::size_t& connections_;
  LoopUv loop_;
  std::shared_ptr<ListenerShardLws> shard_;
  Mailbox<Event> events_;
  Mailbox<Order> orders_;
  std::vector<Known> known_;
};

class ShardedListener : public ListenerLws {
 public:
  ShardedListener(LoopUv& loop, ConnectionHandler& handler)
      : loop_(loop), handler_(handler), near_(handler, connections_) {}
  ~ShardedListener() override {
    far_.clear();
    if (shard_) shard_->close_all();
  }

  Status listen(const ListenerOptions& options) {
    std::vector<int> sockets;
    port_ = options.port;
    const bool shared = options.shards > 1 || options.share_port;
    if (shared && !options.share_port && port_ != 0) {
      // With SO_REUSEPORT a second server would be let in: ask for the port alone first.
      auto alone = open_listening_socket(options.address, port_, false);
      if (!alone) return alone.error();
      ::close(*alone);
    }
    for (std::uint32_t i = 0; i < options.shards; ++i) {
      // SO_REUSEPORT only where shards share the port, or servers that ask for it: otherwise two servers
      // would share it unasked, and each would get half of the clients.
      auto socket = open_listening_socket(options.address, port_, shared);
      if (!socket) {
        for (const int fd : sockets) ::close(fd);
        return socket.error();
      }
      sockets.push_back(*socket);
      if (port_ == 0) port_ = port_of(*socket);
    }
    Status status;
    auto near = ListenerShardLws::open(options, 0, sockets[0], loop_, near_);
    if (near) {
      shard_ = *near;
    } else {
      status = near.error();
    }
    for (std::uint32_t i = 1; i < options.shards; ++i) {
      if (!status) {
        ::close(sockets[i]);
        continue;
      }
      far_.push_back(std::make_unique<FarShard>(loop_, handler_, connections_));
      status = far_.back()->open(options, i, sockets[i]);
    }
    if (status) {
      for (auto& far : far_) far->start();
    }
    return status;
  }

  std::uint16_t port() const override { return port_; }
  void stop_accepting() override {
    shard_->stop_accepting();
    for (auto& far : far_) far->stop_accepting();
  }
  Status use_certificate(const TlsIdentity& identity) override {
    Status used = shard_->use_certificate(identity);
    for (auto& far : far_) {
      if (used) used = far->use_certificate(identity);
    }
    return used;
  }
  std::size_t connections() const override { return connections_; }

  void send(ConnectionId id, std::string_view message) override {
    if (id.shard == 0) return shard_->send(id, message);
    if (id.shard <= far_.size()) far_[id.shard - 1]->send(id, message);
  }
  std::size_t buffered(ConnectionId id) const override {
    if (id.shard == 0) return shard_->buffered(id);
    return id.shard <= far_.size() ? far_[id.shard - 1]->buffered(id) : 0;
  }
  void close(ConnectionId id, std::uint16_t code, std::string_view reason) override {
    if (id.shard == 0) return shard_->close(id, code, reason);
    if (id.shard <= far_.size()) far_[id.shard - 1]->close(id, code, reason);
  }
  void pause_reading(ConnectionId id, bool paused) override {
    if (id.shard == 0) return shard_->pause_reading(id, paused);
    if (id.shard <= far_.size()) far_[id.shard - 1]->pause_reading(id, paused);
  }

 private:
  LoopUv& loop_;
  ConnectionHandler& handler_;
  std::size_t connections_ = 0;
  std::uint16_t port_ = 0;
  NearShard near_;
  std::shared_ptr<ListenerShardLws> shard_;
  std::vector<std::unique_ptr<FarShard>> far_;
};

Status check(const ListenerOptions& options) {
  if (options.shards == 0 || options.shards > kShardsMax) {
    return make_error(ErrorCode::kInvalidArgument, "shards must be between 1 and 64");
  }
  if (options.tls_certificate_file.empty() != options.tls_key_file.empty()) {
    return make_error(ErrorCode::kInvalidArgument,
                      "a TLS certificate and its key must be given together");
  }
  for (const std::string& file : {options.tls_certificate_file, options.tls_key_file}) {
    if (!file.empty() && access(file.c_str(), R_OK) != 0) {
      return make_error(ErrorCode::kTlsFailed, "cannot read " + file + ": " + std::strerror(errno));
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<ListenerLws>> ListenerLws::open(const ListenerOptions& options, LoopUv& loop,
                                                       ConnectionHandler& handler) {
  if (auto status = check(options); !status) return status.error();
  auto listener = std::make_unique<ShardedListener>(loop, handler);
  if (auto status = listener->listen(options); !status) return status.error();
  return std::unique_ptr<ListenerLws>(std::move(listener));
}

}  // namespace kith::server
