// SocketRaceLws: who is in the race, and who is out.
#include "client/transport/socket_race_lws.h"

#include <utility>

#include "src/loop/context_lws.h"

namespace kith::client {

std::string SocketRaceLws::join(lws_client_connect_info info) {
  info.pwsi = &starting_;
  failure_.clear();
  joining_ = true;
  lws* made = lws_client_connect_via_info(&info);
  joining_ = false;
  starting_ = nullptr;
  if (made == nullptr || !failure_.empty())
    return failure_.empty() ? "cannot connect" : std::exchange(failure_, {});
  if (winner_ != made) racing_.push_back(made);
  return {};
}

bool SocketRaceLws::note_failure(const std::string& why) {
  if (joining_) failure_ = why;
  return joining_;
}

bool SocketRaceLws::choose(lws* wsi) {
  if (winner_ != nullptr || wsi == nullptr) return false;
  winner_ = wsi;
  for (lws* other : std::exchange(racing_, {})) {
    if (other != wsi) kill_lws(other);
  }
  return true;
}

bool SocketRaceLws::owns(ssl_st* ssl) {
  const auto mine = [&](lws* wsi) { return wsi != nullptr && lws_get_ssl(wsi) == ssl; };
  for (lws* wsi : racing_) {
    if (mine(wsi)) tls_ = wsi;
  }
  if (mine(starting_)) tls_ = starting_;
  if (mine(winner_)) tls_ = winner_;
  return mine(tls_);
}

bool SocketRaceLws::give_up(lws* wsi) {
  if (tls_ == wsi) tls_ = nullptr;
  if (std::erase(racing_, wsi) == 0 && wsi != winner_ && wsi != nullptr) return false;
  if (winner_ == wsi) winner_ = nullptr;
  return true;
}

std::vector<lws*> SocketRaceLws::release() {
  std::vector<lws*> all = std::exchange(racing_, {});
  if (winner_ != nullptr) all.push_back(winner_);
  winner_ = tls_ = nullptr;
  return all;
}

}  // namespace kith::client
