// The halves of presence, joined.
#include "server/presence/presence_service.h"

#include "kith/v1/frame.pb.h"

namespace kith::server {

PresenceService::PresenceService(Users& users, Conversations& conversations, Fanout& fanout,
                                 Scheduler& scheduler, std::chrono::milliseconds grace,
                                 const Home& home, PresencePeers* peers)
    : home_(home),
      peers_(peers),
      people_(users, scheduler, grace, [this](const UserId& user) { changed(user); }),
      watching_(users, fanout,
                {[this](const UserId& target) { return online(target); },
                 [this](const UserId& target, bool watched) { watch(target, watched); }}),
      typing_(users, conversations, fanout, home, peers) {}

bool PresenceService::handle(const Caller& caller, const v1::ClientFrame& frame) {
  if (frame.has_set_typing()) {
    typing_.set(caller, frame.set_typing());
    return true;
  }
  if (!frame.has_presence_subscribe()) return false;
  watching_.subscribe(caller.session, frame.presence_subscribe());
  return true;
}

void PresenceService::session_opened(const Caller& caller, bool active) {
  watching_.open(caller);
  people_.session_opened(caller.user);
  if (active) session_active(caller, true);
}

void PresenceService::session_closed(const Caller& caller) {
  if (!watching_.has(caller.session)) return;
  session_active(caller, false);
  watching_.close(caller.session);
  people_.session_closed(caller.user);
}

void PresenceService::session_active(const Caller& caller, bool active) {
  if (!watching_.set_active(caller.session, active)) return;
  people_.session_active(caller.user, active);
  if (active) watching_.show_latest(caller.session);
}

void PresenceService::user_changed(const UserId& user) {
  changed(user);
  watching_.viewer_changed(user);
}

void PresenceService::changed(const UserId& target) {
  watching_.target_changed(target);
  if (peers_ == nullptr) return;
  for (const std::uint32_t home : people_.homes_watching(target)) {
    peers_->sight(home, target, people_.online(target));
  }
}

// --- other homes ---

void PresenceService::watched(std::uint32_t by, const UserId& target) {
  people_.watched(target, by);
  peers_->sight(by, target, people_.online(target));
}

void PresenceService::sighted(const UserId& target, bool online) {
  if (!watching_.watches(target)) return;  // no longer
  sights_[target] = online;
  watching_.target_changed(target);
}

void PresenceService::watch(const UserId& target, bool watched) {
  if (peers_ == nullptr || home_.has(target)) return;
  if (watched) return peers_->watch(target);
  sights_.erase(target);
  peers_->unwatch(target);
}

void PresenceService::peer_connected(std::uint32_t home) {
  for (const UserId& target : watching_.targets()) {
    if (home_.of(target) == home) peers_->watch(target);
  }
}

std::optional<bool> PresenceService::online(const UserId& target) const {
  if (home_.has(target)) return people_.online(target);
  const auto seen = sights_.find(target);
  return seen == sights_.end() ? std::nullopt : std::optional(seen->second);
}

}  // namespace kith::server
