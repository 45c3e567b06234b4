// Devices: a bounded cache of device lists.
#include "server/services/devices.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "kith/core/limits.h"

namespace kith::server {

struct Devices::State {
  explicit State(Directory& d) : directory(d) {}
  Directory& directory;
  std::unordered_map<UserId, List> lists;
  std::unordered_map<UserId, std::uint32_t> writing;  // a list read meanwhile is not kept
};

Devices::Devices(Directory& directory) : state_(std::make_shared<State>(directory)) {}
Devices::~Devices() = default;

void Devices::with(const UserId& user, Done<List> done) {
  if (const auto found = state_->lists.find(user); found != state_->lists.end()) {
    done(found->second);
    return;
  }
  state_->directory.devices(user, [weak = std::weak_ptr(state_), user, done = std::move(done)](
                                      Result<std::vector<DeviceRecord>> loaded) {
    const auto state = weak.lock();
    if (!state) return;
    if (!loaded) {
      if (loaded.error().code == ErrorCode::kNotFound) {
        done(std::make_shared<const std::vector<DeviceRecord>>());
      } else {
        done(loaded.error());
      }
      return;
    }
    auto list = std::make_shared<const std::vector<DeviceRecord>>(std::move(*loaded));
    if (state->writing.count(user) == 0) {
      if (state->lists.size() >= limits::users_cached_max) state->lists.erase(state->lists.begin());
      state->lists[user] = list;
    }
    done(std::move(list));
  });
}

void Devices::put(const UserId& user, const DeviceRecord& device, Done<void> done) {
  ++state_->writing[user];
  state_->lists.erase(user);
  state_->directory.put_device(
      user, device, [weak = std::weak_ptr(state_), user, done = std::move(done)](Status written) {
        const auto state = weak.lock();
        if (!state) return;
        if (--state->writing[user] == 0) state->writing.erase(user);
        state->lists.erase(user);
        done(std::move(written));
      });
}

}  // namespace kith::server
