// Looks up the sessions of all receivers, then one bus delivery per gateway.
#include "server/delivery/session_fanout.h"

#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"

namespace kith::server {

SessionFanout::SessionFanout(SessionRegistry& registry, Bus& bus, std::string gateway)
    : registry_(registry), bus_(bus), gateway_(std::move(gateway)) {}

namespace {

constexpr std::size_t kKeptSessions = 256;

bool fits(const Push& push) {
  return push.frame && push.frame->size() <= limits::frame_bytes_max;
}

// In place of events that do not fit into a frame: where the conversation stands, which a client fetches
// in pages.
Push head_of(const Push& push) {
  Push head;
  if (push.cls != DeliveryClass::kEvent || push.conversation.empty()) return head;
  v1::ServerFrame frame;
  frame.mutable_head_push()->set_conversation_id(push.conversation.bytes());
  frame.mutable_head_push()->set_last_seq(push.last_seq);
  frame.mutable_head_push()->set_ordinal(push.ordinal);
  head = make_push(frame, push.cls);
  head.conversation = push.conversation;
  head.last_seq = push.last_seq;
  head.ordinal = push.ordinal;
  return head;
}

Delivery delivery_of(const Push& push) {
  Delivery d;
  d.frame = push.frame;
  d.redacted = push.redacted;
  d.cls = push.cls;
  d.conversation = push.conversation;
  d.last_seq = push.last_seq;
  d.ordinal = push.ordinal;
  return d;
}

}  // namespace

struct SessionFanout::Routes {
  std::vector<std::uint64_t> own;
  std::map<std::string, std::vector<std::uint64_t>> others;
};

void SessionFanout::add(const std::vector<SessionRef>& found, std::uint64_t except,
                        Routes& routes) const {
  for (const SessionRef& ref : found) {
    if (ref.gateway != gateway_) {
      routes.others[ref.gateway].push_back(ref.session);
    } else if (except == 0 || ref.session != except) {
      routes.own.push_back(ref.session);
    }
  }
}

void SessionFanout::publish(Routes& routes, const Push& push) {
  to_sessions(std::move(routes.own), push);
  for (auto& [gateway, sessions] : routes.others) {
    Delivery d = delivery_of(push);
    d.sessions = std::move(sessions);
    bus_.publish(gateway, d);
  }
}

void SessionFanout::to_users(std::span<const UserId> users, const Push& push,
                             std::uint64_t except) {
  if (users.empty()) return;
  if (!fits(push)) {
    const Push smaller = head_of(push);
    if (smaller.frame) to_users(users, smaller, except);
    return;
  }
  Routes routes;
  routes.own = std::exchange(spare_, {});
  bool all_cached = true;
  for (const UserId& user : users) {
    const auto* found = registry_.cached(user);
    all_cached = found != nullptr;
    if (!all_cached) break;
    add(*found, except, routes);
  }
  if (all_cached) return publish(routes, push);
  // Lookups may answer later (a remote registry): the last one sends.
  struct Gathering {
    Push push;
    std::size_t waiting;
    Routes routes;
  };
  auto gathering = std::make_shared<Gathering>(Gathering{push, users.size(), {}});
  for (const UserId& user : users) {
    registry_.lookup(user, [this, gathering, except](Result<std::vector<SessionRef>> found) {
      if (found) add(*found, except, gathering->routes);
      if (--gathering->waiting == 0) publish(gathering->routes, gathering->push);
    });
  }
}

void SessionFanout::to_sessions(std::vector<std::uint64_t> own_sessions, const Push& push) {
  if (!fits(push)) {
    const Push smaller = head_of(push);
    if (smaller.frame) to_sessions(std::move(own_sessions), smaller);
    return;
  }
  Delivery d = delivery_of(push);
  d.sessions = std::move(own_sessions);
  if (!d.sessions.empty()) bus_.publish(gateway_, d);
  if (d.sessions.capacity() > kKeptSessions) return;
  spare_ = std::move(d.sessions);
  spare_.clear();
}

}  // namespace kith::server
