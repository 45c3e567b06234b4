// Users: a bounded cache of user records in front of the directory, loaded when a session opens or
// a request needs one.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "kith/core/ids.h"
#include "kith/core/limits.h"
#include "kith/server/ports/directory.h"
#include "server/users/home.h"
#include "src/weighed_cache.h"

namespace kith::server {

class Users {
 public:
  // As many records as there may be, of the usual kind.
  static constexpr CacheBounds kBounds{limits::users_cached_max, limits::users_cached_bytes};
  // Users of other homes are not kept in memory: those change them.
  explicit Users(Directory& directory, CacheBounds bounds = kBounds, const Home& home = {});
  ~Users();

  using Record = std::shared_ptr<const UserRecord>;

  // The current record (null if there is no such user); equal concurrent loads are one, but not of a user of another
  // home: what is asked later must not be answered earlier. May answer inside the call.
  void with(const UserId& id, Done<Record> done);
  // Returns the cached record, or null; never loads. Valid until the next call of another method.
  const UserRecord* cached(const UserId& id) const;
  // Returns the consents of those of `ids` who exist towards `asker`, ascending by user; `ids` ascend and
  // name each once. Asks the directory once for all who are not in memory. May answer inside the call.
  void consents(const std::vector<UserId>& ids, const UserId& asker,
                Done<std::vector<Consent>> done);
  // Writes through and replaces the record in memory.
  void update(const UserId& id, const UserChange& change, Done<Record> done);
  // Removes the user for good; see Directory::remove().
  void remove(const UserId& id, Done<void> done);
  struct WithDevices {
    Record user;
    // The directory's devices; null if it was not asked, because the user is in memory.
    std::shared_ptr<const std::vector<DeviceRecord>> devices;
  };
  // Returns the record; at the first sign-in (host tokens) creates the user with their device.
  // Fails with kRevoked if the user was removed.
  void find_or_create(const NewUser& user, const DeviceRecord& device, Done<WithDevices> done);

 private:
  void read_through(const UserId& id, Done<Record> done);

  struct State;
  std::unique_ptr<State> state_;
};

// May `viewer` see something of `target` that `audience` guards? Blocks in either direction say no;
// the rule is reciprocal only in that callers check both directions.
bool audience_allows(Audience audience, const UserRecord& target, const UserId& viewer);

}  // namespace kith::server
