// Looks up the sessions of all receivers, then one bus delivery per gateway.
#include "server/services/fanout.h"

#include <utility>

namespace kith::server {

Fanout::Fanout(SessionRegistry& registry, Bus& bus, std::string gateway)
    : registry_(registry), bus_(bus), gateway_(std::move(gateway)) {}

namespace {

Delivery delivery_of(const Push& push) {
  Delivery d;
  d.frame = push.frame;
  d.cls = push.cls;
  d.conversation = push.conversation;
  d.last_seq = push.last_seq;
  d.ordinal = push.ordinal;
  return d;
}

}  // namespace

void Fanout::to_users(const std::vector<UserId>& users, const Push& push, std::uint64_t except) {
  if (!push.frame || users.empty()) return;
  // Lookups may answer later (a remote registry): the last one sends.
  struct Gathering {
    Push push;
    std::size_t waiting;
    std::vector<std::uint64_t> own;
    std::map<std::string, std::vector<std::uint64_t>> others;
  };
  auto gathering = std::make_shared<Gathering>(Gathering{push, users.size(), {}, {}});
  for (const UserId& user : users) {
    registry_.lookup(user, [this, gathering, except](Result<std::vector<SessionRef>> found) {
      Gathering& all = *gathering;
      if (found) {
        for (const SessionRef& ref : *found) {
          if (ref.gateway != gateway_) {
            all.others[ref.gateway].push_back(ref.session);
          } else if (except == 0 || ref.session != except) {
            all.own.push_back(ref.session);
          }
        }
      }
      if (--all.waiting != 0) return;
      to_sessions(std::move(all.own), all.push);
      for (auto& [gateway, sessions] : all.others) {
        Delivery d = delivery_of(all.push);
        d.sessions = std::move(sessions);
        bus_.publish(gateway, std::move(d));
      }
    });
  }
}

void Fanout::to_user(const UserId& user, const Push& push, std::uint64_t except) {
  to_users({user}, push, except);
}

void Fanout::to_session(std::uint64_t own_session, const Push& push) {
  to_sessions({own_session}, push);
}

void Fanout::to_sessions(std::vector<std::uint64_t> own_sessions, const Push& push) {
  if (!push.frame || own_sessions.empty()) return;
  Delivery d = delivery_of(push);
  d.sessions = std::move(own_sessions);
  bus_.publish(gateway_, std::move(d));
}

}  // namespace kith::server
