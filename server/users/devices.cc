// Devices: a bounded cache of device lists.
#include "server/users/devices.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "server/users/device_room.h"
#include "src/guard.h"

namespace kith::server {
namespace {

constexpr std::int64_t kSeenGrainMs = 60'000;  // people see a device's last visit to the minute

std::size_t bytes_of(const Devices::List& list) {
  std::size_t bytes = list->capacity() * sizeof(DeviceRecord);
  for (const DeviceRecord& device : *list) {
    bytes += device.agent.size() + device.tokens.capacity() * sizeof(TokenUse);
    for (const TokenUse& use : device.tokens) bytes += use.id.size();
  }
  return bytes;
}

}  // namespace

struct Devices::State {
  State(Directory& d, CacheBounds bounds) : directory(d), lists(bounds, bytes_of) {}

  void keep(const UserId& user, List list) {
    if (!writing.contains(user)) lists.put(user, std::move(list));
  }

  // The devices to remove when `coming` is new, as far as memory knows; otherwise the next sign-in finds out.
  [[nodiscard]] std::vector<DeviceId> giving_way(const UserId& user, const DeviceId& coming) const {
    const List* found = lists.peek(user);
    if (found == nullptr) return {};
    return devices_giving_way(
        **found, coming, [&](const DeviceId& device) { return online && online(user, device); });
  }
  void drop(const UserId& user, const std::vector<DeviceId>& devices);

  Directory& directory;
  std::function<bool(const UserId&, const DeviceId&)> online;
  WeighedCache<UserId, List> lists;
  std::unordered_map<UserId, std::uint32_t> writing;  // a list read meanwhile is not kept
  Guard guard;
};

void Devices::State::drop(const UserId& user, const std::vector<DeviceId>& devices) {
  if (devices.empty()) return;
  ++writing[user];
  lists.erase(user);
  directory.forget_devices(user, devices, guard.wrap([this, user](const Status&) {
    if (--writing[user] == 0) writing.erase(user);
    lists.erase(user);
  }));
}

Devices::Devices(Directory& directory, CacheBounds bounds)
    : state_(std::make_unique<State>(directory, bounds)) {}
Devices::~Devices() = default;

void Devices::with(const UserId& user, Done<List> done) {
  if (const List* found = state_->lists.find(user)) {
    done(List(*found));
    return;
  }
  state_->directory.devices(
      user, state_->guard.wrap([state = state_.get(), user,
                                done = std::move(done)](Result<std::vector<DeviceRecord>> loaded) {
        if (!loaded) {
          if (loaded.error().code == ErrorCode::kNotFound) {
            done(std::make_shared<const std::vector<DeviceRecord>>());
          } else {
            done(loaded.error());
          }
          return;
        }
        auto list = std::make_shared<const std::vector<DeviceRecord>>(std::move(*loaded));
        state->keep(user, list);
        done(std::move(list));
      }));
}

void Devices::learn(const UserId& user, List list) {
  state_->keep(user, std::move(list));
}

void Devices::forget(const UserId& user) {
  state_->lists.erase(user);
}

void Devices::seen(const UserId& user, const DeviceRecord& device) {
  if (const List* found = state_->lists.find(user)) {
    for (const DeviceRecord& known : **found) {
      if (known.id != device.id || known.agent != device.agent) continue;
      // Back after it was revoked: that is news, however short ago it was seen.
      if (known.revoked_ms != 0 && known.last_seen_ms <= known.revoked_ms) continue;
      const std::int64_t since = device.last_seen_ms - known.last_seen_ms;
      if (since < kSeenGrainMs && since > -kSeenGrainMs) return;
    }
  }
  put(user, device, [](const Status&) {});
}

void Devices::put(const UserId& user, const DeviceRecord& device, Done<void> done) {
  const auto leaving = state_->giving_way(user, device.id);
  ++state_->writing[user];
  state_->lists.erase(user);
  state_->directory.put_device(user, device,
                               state_->guard.wrap([state = state_.get(), user, leaving,
                                                   done = std::move(done)](Status written) {
                                 if (--state->writing[user] == 0) state->writing.erase(user);
                                 state->lists.erase(user);
                                 if (written) state->drop(user, leaving);
                                 done(std::move(written));
                               }));
}

void Devices::on_online(std::function<bool(const UserId&, const DeviceId&)> online) {
  state_->online = std::move(online);
}

void Devices::forget_covered(const UserId& user, std::int64_t tokens_valid_from_ms) {
  with(user, state_->guard.wrap(
                 [state = state_.get(), user, tokens_valid_from_ms](const Result<List>& list) {
                   if (list) state->drop(user, devices_covered(**list, tokens_valid_from_ms));
                 }));
}

}  // namespace kith::server
