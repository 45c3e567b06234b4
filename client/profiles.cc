// Profiles: who is asked about, and when again.
#include "client/profiles.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "client/wire_ids.h"
#include "kith/core/limits.h"

namespace kith::client {
namespace {

// Names change rarely, and no push says so: those on the screen are asked for anew now and then.
constexpr Millis kFresh = std::chrono::hours(1);
constexpr Millis kRetry = std::chrono::seconds(1);

std::vector<Profile> profiles_of(const v1::UsersPage& page) {
  std::vector<Profile> found;
  for (const v1::UserProfile& user : page.users()) {
    found.push_back({id_of<UserId>(user.user_id()), user.handle(), user.display_name()});
  }
  return found;
}

}  // namespace

Profiles::Profiles(Model& model, Connection& connection, OnlineRequests& requests,
                   Scheduler& scheduler)
    : model_(model), connection_(connection), requests_(requests), scheduler_(scheduler) {}

std::optional<Profile> Profiles::find(const UserId& user) {
  want(user);
  const Profile* known = model_.profile(user);
  return known ? std::optional<Profile>(*known) : std::nullopt;
}

void Profiles::find_users(const std::vector<std::string>& handles,
                          Done<std::vector<Profile>> done) {
  v1::ClientFrame frame;
  for (const std::string& handle : handles) frame.mutable_get_users()->add_handles(handle);
  requests_.ask<std::vector<Profile>>(
      frame, std::move(done),
      [this](const v1::ServerFrame& answer) -> std::optional<std::vector<Profile>> {
        if (!answer.has_users_page()) return std::nullopt;
        std::vector<Profile> found = profiles_of(answer.users_page());
        (void)model_.put_profiles(found);
        return found;
      });
}

void Profiles::want(const UserId& user) {
  if (user.empty() || asked_.count(user)) return;
  // One without a name may be only the handle that the person here has typed.
  const Profile* known = model_.profile(user);
  if (known && !known->display_name.empty()) return;
  if (wanted_.size() >= limits::contacts_max) return;
  wanted_.insert(user);
  ask_soon(Millis{0});
}

void Profiles::ask_soon(Millis wait) {
  if (std::exchange(posted_, true)) return;
  auto turn = guard_.wrap([this] {
    posted_ = false;
    ask();
  });
  if (wait.count() == 0) {
    scheduler_.post(std::move(turn));
  } else {
    scheduler_.after(wait, std::move(turn));
  }
}

void Profiles::ask() {
  while (connection_.ready() && !wanted_.empty()) {
    v1::ClientFrame frame;
    v1::GetUsers& get = *frame.mutable_get_users();
    while (!wanted_.empty() && get.user_ids_size() < static_cast<int>(limits::users_page_max)) {
      get.add_user_ids(wanted_.begin()->bytes());
      asked_.insert(*wanted_.begin());
      wanted_.erase(wanted_.begin());
    }
    const std::vector<std::string> asked(get.user_ids().begin(), get.user_ids().end());
    connection_.request(frame, [this, asked](const v1::ServerFrame* answer, const Error& error) {
      if (answer && answer->has_users_page()) {
        (void)model_.put_profiles(profiles_of(answer->users_page()));
      } else if (error.code == ErrorCode::kRateLimited) {
        for (const std::string& bytes : asked) {
          asked_.erase(id_of<UserId>(bytes));
          wanted_.insert(id_of<UserId>(bytes));
        }
        ask_soon(std::max(kRetry, Millis(error.retry_after_ms)));
      }
    });
  }
}

void Profiles::on_welcome() {
  asked_.clear();
  refresh();
  for (const auto& [id, record] : model_.conversations()) want(record.peer);
}

void Profiles::refresh() {
  const std::int64_t now = scheduler_.clock().steady_ms();
  if (refreshed_ && now - *refreshed_ < kFresh.count()) return;
  refreshed_ = now;
  std::vector<std::pair<std::int64_t, UserId>> recent;
  for (const auto& [id, record] : model_.conversations()) {
    if (!record.peer.empty()) recent.emplace_back(record.last_ts_ms, record.peer);
  }
  const std::size_t most = std::min(recent.size(), limits::users_page_max - 1);
  std::partial_sort(recent.begin(), recent.begin() + static_cast<std::ptrdiff_t>(most),
                    recent.end(), std::greater<>());
  wanted_.insert(model_.self());
  for (std::size_t i = 0; i < most; ++i) wanted_.insert(recent[i].second);
  ask_soon(Millis{0});
}

}  // namespace kith::client
