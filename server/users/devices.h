// Devices: the devices of users in memory, in front of the directory; asked at every sign-in for
// revocations.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kith/core/ids.h"
#include "kith/core/limits.h"
#include "kith/server/ports/directory.h"
#include "src/weighed_cache.h"

namespace kith::server {

class Devices {
 public:
  static constexpr CacheBounds kBounds{limits::users_cached_max, limits::users_cached_bytes};
  explicit Devices(Directory& directory, CacheBounds bounds = kBounds);
  ~Devices();

  // Whether a device has a session now: those that have none are forgotten first when there are too many.
  void on_online(std::function<bool(const UserId&, const DeviceId&)> online);

  using List = std::shared_ptr<const std::vector<DeviceRecord>>;

  // Every device that ever signed in. May answer inside the call.
  void with(const UserId& user, Done<List> done);
  // Stores the directory's answer about `user`, so that with() need not ask.
  void learn(const UserId& user, List list);
  // Drops the cached devices of `user`.
  void forget(const UserId& user);
  // A session of this device begins: written, unless what is in memory says the same to the minute.
  void seen(const UserId& user, const DeviceRecord& device);
  // Writes through and replaces the list in memory. A new one takes the place of another, if there are
  // too many.
  void put(const UserId& user, const DeviceRecord& device, Done<void> done);

  // Forgets those whose tokens are refused anyway.
  void forget_covered(const UserId& user, std::int64_t tokens_valid_from_ms);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kith::server
