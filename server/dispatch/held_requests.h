// HeldRequests: requests of people whose record is not in memory, in their order, until it is known whether they share
// what they read.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "server/requests/caller.h"
#include "server/requests/reply.h"
#include "server/users/users.h"
#include "src/guard.h"

namespace kith {
struct RequestView;
}

namespace kith::server {

class HeldRequests {
 public:
  // The bound for one user; more are refused. Several sessions may have as many unanswered.
  static constexpr std::size_t kMax = 8 * limits::unacked_items_max;

  using Go = std::function<void(const Caller&, v1::ClientFrame&&, Reply&&)>;
  // `go` is called with each request, in order, once its caller is complete. `users` outlives this.
  HeldRequests(Users& users, Go go) : users_(users), go_(std::move(go)) {}

  // Requests of this user wait: later ones must, too.
  [[nodiscard]] bool holds(const UserId& user) const {
    return !held_.empty() && held_.contains(user);
  }
  // May let it go inside the call.
  void hold(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply);
  void hold(const Caller& caller, const RequestView& request, Reply&& reply);

 private:
  struct Held {
    Caller caller;
    v1::ClientFrame frame;
    Reply reply;
  };
  void loaded(const UserId& user, const Result<Users::Record>& record);

  Users& users_;
  const Go go_;
  std::map<UserId, std::deque<Held>> held_;
  Guard guard_;
};

}  // namespace kith::server
