// Asks for the people one by one, without waiting for each in turn.
#include "server/services/receipts_off.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace kith::server {
namespace {

constexpr std::size_t kAtOnce = 64;

struct Asking : std::enable_shared_from_this<Asking> {
  Asking(Users& u, Scheduler& s, std::vector<UserId> i, Done<std::vector<UserId>> d)
      : users(u), scheduler(s), ids(std::move(i)), done(std::move(d)) {}

  void ask_some() {
    const std::size_t to = std::min(ids.size(), asked + kAtOnce);
    waiting = to - asked + 1;  // and this call
    while (asked < to) {
      const UserId id = ids[asked++];
      users.with(id, [self = shared_from_this(), id](const Result<Users::Record>& user) {
        if (!user) self->failed = user.error();
        if (user && !shares_receipts(user->get())) self->off.push_back(id);
        self->answered();
      });
    }
    answered();
  }
  void answered() {
    if (--waiting > 0) return;
    if (failed) return done(*failed);
    if (asked == ids.size()) return done(std::move(off));
    scheduler.post([self = shared_from_this()] { self->ask_some(); });
  }

  Users& users;
  Scheduler& scheduler;
  const std::vector<UserId> ids;
  const Done<std::vector<UserId>> done;
  std::size_t asked = 0;
  std::size_t waiting = 0;
  std::vector<UserId> off;
  std::optional<Error> failed;
};

}  // namespace

void find_receipts_off(Users& users, Scheduler& scheduler, std::vector<UserId> ids,
                       Done<std::vector<UserId>> done) {
  std::make_shared<Asking>(users, scheduler, std::move(ids), std::move(done))->ask_some();
}

}  // namespace kith::server
