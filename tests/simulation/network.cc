// The simulated network: sending, arriving, closing.
#include "tests/simulation/network.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"

namespace kith::sim {

namespace {

std::string without_resync(std::string_view message) {
  auto frame = decode_server_frame(message);
  if (!frame || !frame->pong().resync()) return std::string(message);
  frame->mutable_pong()->set_resync(false);
  return frame->SerializeAsString();
}

constexpr std::int64_t kConnectLimitMs = 10'000;
constexpr std::int64_t kCloseLimitMs = 2'000;
std::string name_of(std::size_t device) {
  return "d" + std::to_string(device);
}
}  // namespace

class Network::Socket : public client::Transport {
 public:
  Socket(Network& network, Key key) : network_(network), key_(key) {}
  ~Socket() override { network_.device_leave(key_, false); }
  void send(std::string message) override { network_.device_send(key_, std::move(message)); }
  std::size_t buffered() const override { return 0; }
  void close(std::uint16_t) override { network_.device_leave(key_, true); }

 private:
  Network& network_;
  Key key_;
};

Network::Link* Network::find(Key key) {
  const auto it = links_.find(key);
  return it == links_.end() ? nullptr : &it->second;
}

void Network::later(std::int64_t wait, std::function<void()> task) {
  time_.at(time_.now() + wait, kOwner, std::move(task));
}

// --- connecting ---

std::unique_ptr<client::Transport> Network::open(std::size_t device,
                                                 client::TransportListener& listener) {
  watch_.connects(device);
  const Key key = ++last_;
  Link& link = links_[key];
  link.device = device;
  link.listener = &listener;
  link.stalled = stalled_.count(device) != 0;
  later(delay(), [this, key] { connect(key); });
  later(kConnectLimitMs, [this, key] {
    const Link* waiting = find(key);
    if (waiting != nullptr && !waiting->device_open) {
      tell_device_closed(key, 0, ErrorCode::kConnectFailed);
    }
  });
  return std::make_unique<Socket>(*this, key);
}

void Network::connect(Key key) {
  Link* link = find(key);
  if (link == nullptr || link->listener == nullptr) return;
  if (stranded_.count(link->device) != 0) return;
  if (doors_.size() > 1) link->door = random_.below(doors_.size());
  if (handler_of(*link) == nullptr) {
    later(delay(), [this, key] { tell_device_closed(key, 0, ErrorCode::kConnectFailed); });
    return;
  }
  trace_.line(name_of(link->device), "connects as " + std::to_string(key));
  link->server_open = true;
  const std::string address =
      "10.0.0." + std::to_string(link->device < kFirstStranger ? link->device : 0);
  handler_of(*link)->on_open(id_of(key), {address, address, false});
  later(delay(), [this, key] {
    Link* open = find(key);
    if (open == nullptr || open->listener == nullptr || open->device_closed) return;
    if (open->broken || open->silent) return;
    open->device_open = true;
    open->listener->on_open();
  });
}

// --- from the device ---

void Network::device_send(Key key, std::string message) {
  Link* link = find(key);
  if (link == nullptr || link->broken || link->device_closed) return;
  if (muted_.count(link->device) != 0) return;
  watch_.device_says(link->device, message);
  if (link->silent) return;
  link->to_server = std::max(link->to_server, time_.now() + delay());
  time_.at(link->to_server, kOwner, [this, key, message = std::move(message)]() mutable {
    arrive_at_server(key, std::move(message));
  });
}

void Network::arrive_at_server(Key key, std::string message) {
  Link* link = find(key);
  if (link == nullptr || link->broken || link->silent || !link->server_open) return;
  if (link->paused || !link->unheard.empty()) {
    link->unheard.push_back(std::move(message));
  } else if (handler_of(*link) != nullptr) {
    hand_over(key, message);
  }
}

void Network::hand_over(Key key, std::string_view message) {
  const Link& link = *find(key);
  if (watches_) watch_.server_hears(link.device, message);
  handler_of(link)->on_message(id_of(key), message);
}

void Network::device_leave(Key key, bool orderly) {
  Link* link = find(key);
  if (link == nullptr) return;
  if (!orderly) link->listener = nullptr;
  if (!link->silent) {
    const std::int64_t at = std::max(link->to_server, time_.now() + delay());
    time_.at(at, kOwner, [this, key] { tell_server_closed(key); });
    if (orderly) {
      later(2 * delay(), [this, key] { tell_device_closed(key, 1000, ErrorCode::kUnavailable); });
    }
  } else if (orderly) {
    later(kCloseLimitMs, [this, key] { tell_device_closed(key, 0, ErrorCode::kUnavailable); });
  }
  drop_if_over(key);
}

void Network::mute(std::size_t device, bool muted) {
  if (muted) {
    muted_.insert(device);
  } else {
    muted_.erase(device);
  }
}

// --- from the server ---

void Network::send(server::ConnectionId id, std::string_view message) {
  Link* link = find(id.index);
  if (link == nullptr || !link->server_open || link->closing) return;
  // An answer begins with its number, reply_to: field 1.
  if (loses_answers_ && message.starts_with('\x08') && ++answers_ % 50 == 0) return;
  const std::string garbled = garble_ ? garble_(link->device, message) : std::string(message);
  message = garbled;
  if (watches_) watch_.server_says(link->device, message);
  link->out.push_back(hides_resyncs_ ? without_resync(message) : std::string(message));
  link->out_bytes += link->out.back().size();
  most_buffered_ = std::max(most_buffered_, link->out_bytes);
  if (std::exchange(link->flushing, true)) return;
  doors_[link->door].loop->post([this, key = id.index] {
    if (Link* flushed = find(key)) flushed->flushing = false;
    flush(key);
  });
}

void Network::flush(Key key) {
  Link* link = find(key);
  if (link == nullptr || !link->server_open) return;
  const bool waited = !link->out.empty();
  while (!link->out.empty() && link->wire_bytes < kKernelBytes) {
    std::string message = std::move(link->out.front());
    link->out.pop_front();
    link->out_bytes -= message.size();
    link->wire_bytes += message.size();
    link->to_device = std::max(link->to_device, time_.now() + delay());
    time_.at(link->to_device, kOwner, [this, key, message = std::move(message)]() mutable {
      arrive_at_device(key, std::move(message));
    });
  }
  if (!link->out.empty()) return;
  if (link->closing) {
    finish_close(key);
  } else if (waited && handler_of(*link) != nullptr) {
    handler_of(*link)->on_drained(id_of(key));
  }
}

void Network::arrive_at_device(Key key, std::string message) {
  Link* link = find(key);
  if (link == nullptr || link->broken || link->silent) return;
  if (link->stalled || !link->unread.empty()) {
    link->unread.push_back(std::move(message));
    return;
  }
  take(key, message);
}

std::size_t Network::buffered(server::ConnectionId id) const {
  const auto it = links_.find(id.index);
  return it == links_.end() ? 0 : it->second.out_bytes;
}

void Network::close(server::ConnectionId id, std::uint16_t code, std::string_view) {
  Link* link = find(id.index);
  if (link == nullptr || !link->server_open || link->closing) return;
  link->closing = code;
  const Key key = id.index;
  doors_[link->door].loop->post([this, key] { flush(key); });
  later(kCloseLimitMs, [this, key] {
    tell_server_closed(key);
    const Link* cut = find(key);
    if (cut != nullptr && !cut->silent) tell_device_closed(key, 0, ErrorCode::kUnavailable);
  });
}

void Network::finish_close(Key key) {
  Link* link = find(key);
  if (link->silent || link->stalled) return;  // cut when its time is over
  const std::int64_t at = std::max(link->to_device, time_.now() + delay());
  time_.at(at, kOwner, [this, key, code = *link->closing] {
    tell_device_closed(key, code, ErrorCode::kUnavailable);
    tell_server_closed(key);
  });
}

void Network::pause_reading(server::ConnectionId id, bool paused) {
  Link* link = find(id.index);
  if (link == nullptr || link->paused == paused) return;
  link->paused = paused;
  if (!paused) later(0, [this, key = id.index] { hear(key); });
}

// Delivers the frames that waited while the server did not read, in order: later ones line up behind.
void Network::hear(Key key) {
  for (Link* link = find(key); link != nullptr; link = find(key)) {
    if (link->paused || link->unheard.empty() || handler_of(*link) == nullptr || !link->server_open)
      return;
    const std::string message = std::move(link->unheard.front());
    link->unheard.pop_front();
    hand_over(key, message);
  }
}

// --- endings ---

void Network::tell_server_closed(Key key) {
  Link* link = find(key);
  if (link == nullptr || !std::exchange(link->server_open, false)) return;
  if (server::ConnectionHandler* handler = handler_of(*link)) handler->on_close(id_of(key));
  drop_if_over(key);
}

void Network::tell_device_closed(Key key, std::uint16_t code, ErrorCode why) {
  Link* link = find(key);
  if (link == nullptr || link->listener == nullptr || std::exchange(link->device_closed, true)) {
    return;
  }
  link->listener->on_close(code, make_error(why, "the connection ended"));
}

void Network::drop_if_over(Key key) {
  const Link* link = find(key);
  if (link != nullptr && link->listener == nullptr && !link->server_open) links_.erase(key);
}

void Network::close_door(std::size_t door) {
  doors_.at(door) = {};
  std::vector<Key> keys;
  for (auto& [key, link] : links_) {
    if (link.door == door) keys.push_back(key);
  }
  for (const Key key : keys) {
    Link& link = links_.at(key);
    link.server_open = false;
    link.out.clear();
    link.out_bytes = 0;
    if (!link.silent) {
      if (random_.chance(0.3)) link.broken = true;  // what was on its way is lost too
      const std::int64_t at = std::max(link.to_device, time_.now() + delay());
      time_.at(at, kOwner, [this, key] { tell_device_closed(key, 0, ErrorCode::kUnavailable); });
    }
    drop_if_over(key);
  }
}

// --- faults ---

void Network::set_delay(std::int64_t from, std::int64_t to) {
  delay_from_ = from;
  delay_to_ = to;
}

void Network::cut(std::size_t device) {
  for (auto& [number, link] : links_) {
    if (link.device != device || link.broken || link.silent) continue;
    link.broken = true;
    const Key key = number;
    later(delay(), [this, key] { tell_server_closed(key); });
    later(delay(), [this, key] { tell_device_closed(key, 0, ErrorCode::kUnavailable); });
  }
}

void Network::silence(std::size_t device) {
  bool any = false;
  for (auto& [key, link] : links_) {
    if (link.device == device) any = link.silent = true;
  }
  if (any) watch_.falls_silent(device);
}

void Network::stall(std::size_t device, bool stalled) {
  if (stalled) {
    stalled_.insert(device);
  } else {
    stalled_.erase(device);
  }
  for (auto& [key, link] : links_) {
    if (link.device != device) continue;
    link.stalled = stalled;
    if (!stalled) later(0, [this, k = key] { read(k); });
  }
}

// Delivers the frames that waited while the device did not read.
void Network::read(Key key) {
  for (Link* link = find(key); link != nullptr; link = find(key)) {
    if (link->stalled || link->broken || link->silent || link->unread.empty()) return;
    const std::string message = std::move(link->unread.front());
    link->unread.pop_front();
    take(key, message);
  }
}

void Network::take(Key key, std::string_view message) {
  Link* link = find(key);
  link->wire_bytes -= message.size();
  if (link->listener != nullptr && !link->device_closed) link->listener->on_message(message);
  flush(key);
}

void Network::strand(std::size_t device, bool stranded) {
  if (stranded) {
    stranded_.insert(device);
  } else {
    stranded_.erase(device);
  }
}

void Network::heal() {
  set_delay(1, 20);
  stranded_.clear();
  for (const std::size_t device : std::set<std::size_t>(stalled_)) stall(device, false);
}

}  // namespace kith::sim
