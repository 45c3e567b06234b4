// Directory knows people: accounts, credentials, contacts, blocks, privacy settings, devices.
// Rarely written, often read.
//
// Keeps:       users with what belongs to them until remove(), and of removed ones that they were.
// Order:       changes are made and answered in the order of their calls.
// Durability:  a change survives a crash when its callback has answered ok. One that had not been
//              answered when its process ended is there or not, but never comes later.
// Atomicity:   a change is made wholly or not at all, with all that one call names.
// Idempotence: repeating a change leaves the same state; create() answers kAlreadyExists then, and a
//              revocation is one more.
// Threads:     methods and callbacks on the loop of the server, one callback for each call. Callbacks
//              may come inside the call; none comes after or from the destructor.
// Blocking:    no call; all return at once.
// Bounds:      limits::contacts_max contacts and as many blocks of a user, limits::device_tokens_max
//              tokens of a device. How many devices there are is the server's care.
// Failure:     kUnavailable, kIo, kDiskFull are temporary; others as named below. The server repeats
//              nothing: who asked is told, a sign-in too, and tries again. What must be finished in
//              any case is looked for again with leaving().
// Proof:       kith/conformance/directory_suite.h; a power loss is beyond it. The rules by which
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

// Who comes in, as far as the directory knows them.
struct Arrival {
  UserRecord user;
  std::vector<DeviceRecord> devices;
};

struct PasswordChange {
  std::string hash;
  // Fails with kUnauthenticated if another hash than this is there: somebody was faster.
  std::optional<std::string> instead_of;
};

// Ends every token and every device of a user.
struct Revocation {
  std::int64_t at_ms = 0;          // tokens issued until then
  std::optional<DeviceId> spared;  // this device is not marked as revoked …
  // … and if this is set, its own tokens (empty) or this one of the host stay good.
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

// What one person lets another do.
struct Consent {
  UserId user;
  PrivacySettings privacy;
  bool contact = false;  // the other is among this one's contacts …
  bool blocked = false;  // … or among those that this one has blocked
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
  // The user with this handle and its devices. Who is not there yet is made, together with the one
  // device they come with: both survive a crash once this has answered. A user who is there is left
  // as it is, and its devices too: whether this one may come in is not for the directory to say. Fails
  // with kRevoked if the user was removed.
  virtual void admit(const NewUser& user, const DeviceRecord& device, Done<Arrival> done) = 0;
  // Nothing if there is no such user, or it was removed.
  virtual void load(const UserId& id, Done<std::optional<UserRecord>> done) = 0;
  // Fails with kNotFound; kLimitExceeded above limits::contacts_max contacts or blocks. Answers the
  // new record.
  virtual void update(const UserId& id, const UserChange& change, Done<UserRecord> done) = 0;
  // Handle, display name and id of those that exist, in any order; of removed ones the id, with
  // `deleted`. Other members are not filled.
  virtual void profiles(const std::vector<UserId>& ids, Done<std::vector<UserRecord>> done) = 0;
  // What those of `ids` who exist let `asker` do, in any order.
  virtual void consents(const std::vector<UserId>& ids, const UserId& asker,
                        Done<std::vector<Consent>> done) = 0;
  // Empty if the user signs in with host tokens only; kNotFound if there is none.
  virtual void password_hash(const UserId& id, Done<std::string> done) = 0;

  virtual void devices(const UserId& id, Done<std::vector<DeviceRecord>> done) = 0;
  // Inserts or updates one device; times are merged by max, an empty agent keeps the old one, tokens
  // are added to the known ones. Each call with a revoked_ms is a revocation: it ends the tokens that
  // are there, and no two revocations are kept with the same time.
  virtual void put_device(const UserId& id, const DeviceRecord& device, Done<void> done) = 0;
  // Removes these devices, with their tokens; those that are not there do not matter.
  virtual void forget_devices(const UserId& id, const std::vector<DeviceId>& devices,
                              Done<void> done) = 0;

  // Removes a user for good, with devices, contacts, blocks, settings, names and password. The id
  // stays taken: create() answers kAlreadyExists, everything else as if there were none. Fails with
  // kNotFound if there never was one.
  virtual void remove(const UserId& id, Done<void> done) = 0;
  // Users that were removed and have not left everything behind yet, ascending, at most `limit`.
  virtual void leaving(std::size_t limit, Done<std::vector<UserId>> done) = 0;
  // This one has.
  virtual void left(const UserId& id, Done<void> done) = 0;
};

}  // namespace kith::server
