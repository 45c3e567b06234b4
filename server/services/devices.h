// Devices: the devices of users in memory, in front of the directory; asked at every sign-in for
// revocations.
#pragma once

#include <memory>
#include <vector>

#include "kith/core/ids.h"
#include "kith/server/ports/directory.h"

namespace kith::server {

class Devices {
 public:
  explicit Devices(Directory& directory);
  ~Devices();

  using List = std::shared_ptr<const std::vector<DeviceRecord>>;

  // Every device that ever signed in. May answer inside the call.
  void with(const UserId& user, Done<List> done);
  // What the directory has just answered about `user`, so that with() need not ask.
  void learn(const UserId& user, List list);
  // What is in memory of `user` is not true any more.
  void forget(const UserId& user);
  // A session of this device begins: written, unless what is in memory says the same to the minute.
  void seen(const UserId& user, const DeviceRecord& device);
  // Writes through and replaces the list in memory.
  void put(const UserId& user, const DeviceRecord& device, Done<void> done);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace kith::server
