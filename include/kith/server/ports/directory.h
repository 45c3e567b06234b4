// Directory keeps people: accounts, credentials, contacts, blocks, privacy settings, devices.
// Rarely written, often read.
//
// Keeps:       users with everything that belongs to them until remove(), and the ids of removed users.
// Order:       changes are made and answered in the order of their calls.
// Durability:  a change survives a crash once its callback got ok. If the process ends before that, the
//              change is made or not, but never later.
// Atomicity:   a call makes all the changes that it names, or none.
// Idempotence: repeating a change leaves the same state; create() then fails with kAlreadyExists, and a
//              revocation counts as another one.
// Threads:     methods and callbacks on the loop of the server, one callback for each call. Callbacks
//              may run inside the call; none runs after the destructor or in it.
// Blocking:    no call; all return at once.
// Bounds:      limits::contacts_max contacts and as many blocks of a user, limits::device_tokens_max
//              tokens of a device. The server bounds the number of devices.
// Failure:     kUnavailable, kIo, kDiskFull are temporary; others as named below. The server does not
//              retry: the request fails, a sign-in too, and the client tries again. The server finds
//              unfinished removals again with leaving().
// Proof:       kith/conformance/directory_suite.h, which does not cover a power loss. The rules by which
//              records change are in kith/server/ports/user_rules.h, ready for use.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "kith/core/done.h"
#include "kith/core/export.h"
#include "kith/core/result.h"
#include "kith/server/ports/records.h"

namespace kith::server {

struct NewUser {
  std::string handle;
  std::string display_name;
  std::string password_hash;  // empty: signs in with tokens of the host only
};

// A user who signs in, with the known devices.
struct SignInRecord {
  UserRecord user;
  std::vector<DeviceRecord> devices;
};

struct PasswordChange {
  std::string hash;
  // If set and not the stored hash, the change fails with kUnauthenticated: another one was faster.
  std::optional<std::string> instead_of;
};

// Ends every token and every device of a user.
struct Revocation {
  std::int64_t at_ms = 0;          // ends the tokens issued until then
  std::optional<DeviceId> spared;  // this device is not marked as revoked …
  // … and if this is set, its own tokens (empty) or this one of the host stay valid.
  std::optional<std::string> spared_token;
};

// Only the members that are set are changed.
struct UserChange {
  std::optional<PrivacySettings> privacy;
  std::optional<std::string> display_name;
  std::optional<std::int64_t> last_seen_ms;          // merged by max
  std::optional<std::int64_t> tokens_valid_from_ms;  // merged by max
  std::vector<UserId> add_contacts, remove_contacts, block, unblock;
  std::optional<PasswordChange> password;
  std::optional<Revocation> revoke;  // also of the user's devices, in the same transaction
};

// The settings by which one person lets another act.
struct Consent {
  UserId user;
  PrivacySettings privacy;
  bool contact = false;  // the other is a contact of `user` …
  bool blocked = false;  // … or blocked by `user`
};

inline Consent consent_of(const UserRecord& user, const UserId& asker) {
  return {user.id, user.privacy,
          std::binary_search(user.contacts.begin(), user.contacts.end(), asker),
          std::binary_search(user.blocked.begin(), user.blocked.end(), asker)};
}

class KITH_API Directory {
 public:
  virtual ~Directory() = default;

  // Fails with kAlreadyExists if the handle is taken.
  virtual void create(const NewUser& user, Done<void> done) = 0;
  // Returns the user and their devices. Creates both, durably and in one step, if the user does not exist.
  // Never changes an existing user or their devices; whether the device may sign in is the caller's
  // decision. Fails with kRevoked if the user was removed.
  virtual void admit(const NewUser& user, const DeviceRecord& device, Done<SignInRecord> done) = 0;
  // Returns nothing if the user does not exist or was removed.
  virtual void load(const UserId& id, Done<std::optional<UserRecord>> done) = 0;
  // Changes the user and returns the new record. Fails with kNotFound, and with kLimitExceeded above
  // limits::contacts_max contacts or blocks.
  virtual void update(const UserId& id, const UserChange& change, Done<UserRecord> done) = 0;
  // Returns handle, display name and id of those that exist, in any order, and of removed users the id with
  // `deleted`. Other fields stay empty.
  virtual void profiles(const std::vector<UserId>& ids, Done<std::vector<UserRecord>> done) = 0;
  // Returns the consents of those of `ids` who exist towards `asker`, in any order.
  virtual void consents(const std::vector<UserId>& ids, const UserId& asker,
                        Done<std::vector<Consent>> done) = 0;
  // Returns an empty hash if the user signs in with host tokens only. Fails with kNotFound.
  virtual void password_hash(const UserId& id, Done<std::string> done) = 0;

  virtual void devices(const UserId& id, Done<std::vector<DeviceRecord>> done) = 0;
  // Inserts or updates one device: times are merged by max, an empty agent keeps the old one, tokens are
  // added to the known ones. Each call with a revoked_ms is a revocation: it ends the known tokens, and
  // no two revocations are kept with the same time.
  virtual void put_device(const UserId& id, const DeviceRecord& device, Done<void> done) = 0;
  // Removes these devices with their tokens; ignores unknown ones.
  virtual void forget_devices(const UserId& id, const std::vector<DeviceId>& devices,
                              Done<void> done) = 0;

  // Removes a user for good, with devices, contacts, blocks, settings, names and password. The id stays
  // taken: create() fails with kAlreadyExists, and every other call treats the user as missing. Fails with
  // kNotFound if the user never existed.
  virtual void remove(const UserId& id, Done<void> done) = 0;
  // Returns removed users for whom left() was not called yet, ascending, at most `limit`.
  virtual void leaving(std::size_t limit, Done<std::vector<UserId>> done) = 0;
  // The removed user has left all groups.
  virtual void left(const UserId& id, Done<void> done) = 0;
};

}  // namespace kith::server
