// ListenerLws: binds the sockets, runs the shards, and brings their events to the one loop of the
// services.
#include "server/gateway/listener_lws.h"

#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "kith/core/limits.h"
#include "server/gateway/listener_shard_lws.h"
#include "server/gateway/listening_socket.h"
#include "src/mailbox.h"

namespace kith::server {
namespace {

constexpr std::uint32_t kShardsMax = 64;

// Connections that the kernel dropped because the queue of the listening socket was full.
std::uint64_t drops_of(int listening) {
  std::uint32_t memory[SK_MEMINFO_VARS] = {};
  socklen_t size = sizeof memory;
  if (listening < 0 || getsockopt(listening, SOL_SOCKET, SO_MEMINFO, memory, &size) != 0) return 0;
  return memory[SK_MEMINFO_DROPS];
}

// Messages between a shard on a loop of its own and the services.
struct Event {
  enum class Kind { kOpen, kMessage, kTaken, kClose } kind;
  ConnectionId id;
  std::unique_ptr<PeerInfo> peer;  // kOpen
  std::string message;
  std::size_t bytes = 0;
};
struct Order {
  enum class Kind { kSend, kClose, kPause, kSignedIn, kRead } kind;
  ConnectionId id;
  std::string text;
  std::uint16_t code = 0;
  bool paused = false;
  std::size_t bytes = 0;  // kRead: bytes that the services have taken
};

// Bytes that a message costs on its way to the services, besides its own.
constexpr std::size_t kEventBytes = sizeof(Event) + 32;
// Unread bytes of all connections of a shard; above it connections with unread messages are not read.
constexpr std::size_t kUnreadOfAllMax = 32 * 1024 * 1024;

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

  Status open(const ListenerOptions& options, const AddressRanges& trusted, std::uint32_t index,
              int listening) {
    auto shard = ListenerShardLws::open(options, trusted, index, listening, loop_, *this);
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
  void use_trusted_proxies(const AddressRanges& trusted) {
    loop_.run_sync([&] { shard_->use_trusted_proxies(trusted); });
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
  void signed_in(ConnectionId id) {
    if (find(id) != nullptr) orders_.put({Order::Kind::kSignedIn, id, {}});
  }
  [[nodiscard]] const ShardCounters& counters() const { return shard_->counters(); }

  // --- loop of the shard ---
  void on_open(ConnectionId id, const PeerInfo& peer) override {
    if (id.index >= unread_.size()) unread_.resize(id.index + 1);
    unread_[id.index] = {id.generation, false, 0};
    events_.put({Event::Kind::kOpen, id, std::make_unique<PeerInfo>(peer), {}});
  }
  void on_message(ConnectionId id, std::string_view message) override {
    events_.put({Event::Kind::kMessage, id, {}, std::string(message)});
    Unread& unread = unread_[id.index];
    unread.bytes += message.size() + kEventBytes;
    unread_of_all_ += message.size() + kEventBytes;
    const bool much = unread.bytes > limits::unread_bytes_max || unread_of_all_ > kUnreadOfAllMax;
    if (much && !std::exchange(unread.held, true)) shard_->hold_reading(id, true);
  }
  void on_taken(ConnectionId id, std::size_t bytes) override {
    events_.put({Event::Kind::kTaken, id, {}, {}, bytes});
  }
  // The shard may be empty while more is on its way to it: deliver_one() knows better.
  void on_drained(ConnectionId) override {}
  void on_close(ConnectionId id) override {
    unread_of_all_ -= std::exchange(unread_[id.index], {}).bytes;
    unread_[id.index].generation =
        id.generation + 1;  // later events of this id do not belong to the next one
    events_.put({Event::Kind::kClose, id, {}, {}});
  }

 private:
  struct Known {  // the services' record of a connection
    std::uint32_t generation = 0;
    bool open = false;
    std::size_t buffered = 0;
    std::size_t read = 0;  // taken in this batch
  };
  struct Unread {  // the shard's count of unread bytes
    std::uint32_t generation = 0;
    bool held = false;
    std::size_t bytes = 0;
  };

  void on_read(ConnectionId id, std::size_t bytes) {
    Unread& unread = unread_[id.index];
    if (unread.generation != id.generation) return;
    unread.bytes -= std::min(unread.bytes, bytes);
    unread_of_all_ -= std::min(unread_of_all_, bytes);
    if (unread.held && unread.bytes <= limits::unread_bytes_max / 2) {
      unread.held = false;
      shard_->hold_reading(id, false);
    }
  }

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
    for (const ConnectionId id : read_) {
      if (Known* known = find(id)) {
        orders_.put({Order::Kind::kRead, id, {}, 0, false, std::exchange(known->read, 0)});
      }
    }
    read_.clear();
  }

  void deliver_one(Event& event) {
    if (event.kind == Event::Kind::kOpen) {
      if (event.id.index >= known_.size()) known_.resize(event.id.index + 1);
      known_[event.id.index] = {event.id.generation, true, 0, 0};
      ++connections_;
      handler_.on_open(event.id, *event.peer);
      return;
    }
    Known* known = find(event.id);
    if (known == nullptr) return;
    switch (event.kind) {
      case Event::Kind::kMessage:
        if (known->read == 0) read_.push_back(event.id);
        known->read += event.message.size() + kEventBytes;
        handler_.on_message(event.id, event.message);
        return;
      case Event::Kind::kTaken:
        if (known->buffered == 0) return;  // the answer to the upgrade, or a pong
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
        case Order::Kind::kSignedIn:
          shard_->signed_in(order.id);
          break;
        case Order::Kind::kRead:
          on_read(order.id, order.bytes);
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
  std::vector<ConnectionId> read_;  // whose messages this batch had
  std::vector<Unread> unread_;      // loop of the shard
  std::size_t unread_of_all_ = 0;
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
      // With SO_REUSEPORT a second server could bind the port: bind it alone first.
      auto alone = open_listening_socket(options.address, port_, false);
      if (!alone) return alone.error();
      ::close(*alone);
    }
    for (std::uint32_t i = 0; i < options.shards; ++i) {
      // Uses SO_REUSEPORT only if shards share the port, or servers that request that: otherwise two
      // servers would share it by mistake, and each would get half of the clients.
      auto socket = open_listening_socket(options.address, port_, shared);
      if (!socket) {
        for (const int fd : sockets) ::close(fd);
        return socket.error();
      }
      sockets.push_back(*socket);
      if (port_ == 0) port_ = port_of(*socket);
    }
    Status status;
    const auto trusted = AddressRanges::parse(options.trusted_proxies);
    if (!trusted) return trusted.error();
    auto near = ListenerShardLws::open(options, *trusted, 0, sockets[0], loop_, near_);
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
      status = far_.back()->open(options, *trusted, i, sockets[i]);
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
  void use_trusted_proxies(const AddressRanges& trusted) override {
    shard_->use_trusted_proxies(trusted);
    for (auto& far : far_) far->use_trusted_proxies(trusted);
  }
  std::size_t connections() const override { return connections_; }
  void add_stats(std::map<std::string, std::uint64_t>& into) const override {
    for (const char* name : {"connections_refused", "connections_overdue", "connections_waiting",
                             "accept_queue_drops"}) {
      into[name] = 0;
    }
    add(shard_->counters(), into);
    for (const auto& far : far_) add(far->counters(), into);
  }

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
  void signed_in(ConnectionId id) override {
    if (id.shard == 0) return shard_->signed_in(id);
    if (id.shard <= far_.size()) far_[id.shard - 1]->signed_in(id);
  }

 private:
  static void add(const ShardCounters& of, std::map<std::string, std::uint64_t>& into) {
    into["connections_refused"] += of.refused;
    into["connections_overdue"] += of.overdue;
    into["connections_waiting"] += of.waiting;
    into["accept_queue_drops"] += drops_of(of.listening);
  }

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
  if (const auto ranges = AddressRanges::parse(options.trusted_proxies); !ranges) {
    return make_error(ErrorCode::kInvalidArgument, "trusted_proxies: " + ranges.error().message);
  }
  if (options.proxy_protocol && options.trusted_proxies.empty()) {
    return make_error(ErrorCode::kInvalidArgument,
                      "proxy_protocol needs trusted_proxies: nobody's word would be taken");
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
