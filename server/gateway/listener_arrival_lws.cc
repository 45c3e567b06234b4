// ListenerShardLws, coming in: accepts what the kernel has, lets sockets wait in the lobby until they are
// worth a place, and hands them to libwebsockets.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"
#include "server/gateway/listener_shard_lws.h"

namespace kith::server {
namespace {

constexpr std::uint32_t kExpelledMax = 64;  // descriptors over the limit while their sockets close
constexpr auto kSweep = std::chrono::milliseconds(200);

void* marked(std::uint32_t index, std::uint32_t generation) {
  // A number that libwebsockets hands back; it is never used as a pointer.
  return reinterpret_cast<void*>(std::uintptr_t{generation} << 32 |
                                 (index + 1U));  // NOLINT(performance-no-int-to-ptr)
}

}  // namespace

LobbyUv::Hooks ListenerShardLws::lobby_hooks() {
  LobbyUv::Hooks hooks;
  hooks.comes_from = [this](Arrivals::Key key, const PeerAddress& address) {
    arrivals_.comes_from(key, address);
  };
  hooks.ready = [this](Arrivals::Key key) { arrivals_.wants_in(key); };
  hooks.gone = [this](Arrivals::Key key) {
    arrivals_.left(key);
    --sockets_;
  };
  return hooks;
}

void ListenerShardLws::open_acceptor() {
  AcceptorUv::Hooks hooks;
  hooks.accepted = [this](std::vector<Accepted>& batch) { take_in(batch); };
  hooks.starved = [this] { out_of_room(); };  // one that is silent makes room
  acceptor_ = std::make_unique<AcceptorUv>(std::exchange(listening_, -1), loop_, connections_max_,
                                           std::move(hooks));
}

void ListenerShardLws::take_in(std::vector<Accepted>& batch) {
  for (Accepted& one : batch) {
    const bool room = sockets_ < connections_max_ ||
                      (sockets_ < connections_max_ + kExpelledMax && out_of_room());
    if (room) {
      welcome_socket(one.take(), one.address);
    } else {
      ++counters_.refused;  // closed: the client backs off
    }
  }
  batch.clear();
  let_in();
}

void ListenerShardLws::welcome_socket(int fd, const PeerAddress& address) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ++sockets_;
  const Arrivals::Key key = arrivals_.accepted(address, loop_.clock().steady_ms());
  if (sweep_timer_ == 0) sweep_timer_ = loop_.after(Millis(kSweep), [this] { sweep(); });
  lobby_->add(key, fd, address, proxy_protocol_ && trusted_.contain(address));
}

// One that has not signed in gives way, of the address that has most. False: there is none.
bool ListenerShardLws::out_of_room() {
  const auto key = arrivals_.least_worthy();
  if (!key) return false;
  expel(*key);
  return true;
}

void ListenerShardLws::expel(Arrivals::Key key) {
  ++counters_.refused;
  arrivals_.left(key);
  if (lobby_->drop(key)) {
    --sockets_;
    return;
  }
  const auto found = entering_.find(key);
  if (found == entering_.end()) return;
  Slot& slot = slots_[found->second];
  entering_.erase(found);
  slot.arrival = 0;
  slot.expelled = true;
  ++expelled_;
  kill(slot);
}

// As many as there are places and handshakes for.
void ListenerShardLws::let_in() {
  while (arrivals_.waiting()) {
    const std::int64_t now = loop_.clock().steady_ms();
    if (const std::uint32_t wait = handshakes_.take(handshake_rate_, 1, now); wait != 0) {
      if (let_in_timer_ != 0) break;
      let_in_timer_ = loop_.after(Millis(wait), [this] {
        let_in_timer_ = 0;
        let_in();
      });
      break;
    }
    const auto key = arrivals_.admit(now);
    if (!key) {
      handshakes_.refund(handshake_rate_, 1, now);
      break;
    }
    come_in(*key);
  }
  counters_.waiting = lobby_->size();
}

void ListenerShardLws::come_in(Arrivals::Key key) {
  const LobbyUv::Guest guest = lobby_->take(key);
  if (guest.fd < 0) return arrivals_.left(key);
  const std::uint32_t index = new_slot();
  Slot& slot = slots_[index];
  slot.stage = Stage::kEntering;
  slot.arrival = key;
  slot.address = guest.address;
  slot.head = std::make_unique<std::string>();
  entering_[key] = index;
  lws_adopt_desc_t adopt{};
  adopt.vh = vhost_;
  adopt.type = static_cast<lws_adoption_type>(LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL);
  adopt.fd.sockfd = guest.fd;
  adopt.opaque = marked(index, slot.generation);
  const std::uint32_t generation = slot.generation;
  lws* made = lws_adopt_descriptor_vhost_via_info(&adopt);
  // It may have failed before libwebsockets knew the socket; then no callback has told so.
  if (made == nullptr && slot.generation == generation && slot.stage == Stage::kEntering) {
    if (slot.wsi == nullptr) --sockets_;
    on_closed(index);
  }
}

void ListenerShardLws::sweep() {
  sweep_timer_ = 0;
  for (const Arrivals::Key key : arrivals_.overdue(loop_.clock().steady_ms())) {
    ++counters_.overdue;
    expel(key);
    --counters_.refused;
  }
  let_in();
  if (arrivals_.size() != 0) sweep_timer_ = loop_.after(Millis(kSweep), [this] { sweep(); });
}

std::uint32_t ListenerShardLws::new_slot() {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  ++slots_[index].generation;
  return index;
}

ListenerShardLws::Slot* ListenerShardLws::slot_of(lws* wsi, std::uint32_t* index) {
  const auto mark = reinterpret_cast<std::uintptr_t>(lws_get_opaque_user_data(wsi));
  const auto place = static_cast<std::uint32_t>(mark);
  if (place == 0 || place > slots_.size()) return nullptr;
  *index = place - 1;
  Slot& slot = slots_[*index];
  const bool same = slot.stage != Stage::kFree && slot.generation == mark >> 32;
  return same ? &slot : nullptr;
}

void ListenerShardLws::signed_in(ConnectionId id) {
  Slot* slot = find(id);
  if (slot == nullptr || slot->arrival == 0) return;
  arrivals_.left(slot->arrival);
  entering_.erase(std::exchange(slot->arrival, 0));
}

void ListenerShardLws::stop_accepting() {
  counters_.listening = -1;
  acceptor_.reset();
}

}  // namespace kith::server
