// People: settings, contacts, blocks, profiles and devices.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "kith/core/ids.h"
#include "kith/core/time.h"
#include "kith/server/ports/directory.h"
#include "server/conversation/conversations.h"
#include "server/delivery/fanout.h"
#include "server/feed/user_feed.h"
#include "server/requests/caller.h"
#include "server/requests/reply.h"
#include "server/users/devices.h"
#include "server/users/users.h"

namespace kith::v1 {
class ClientFrame;
}

namespace kith::server {

// The effects of people's changes on the rest of the server.
struct PeopleHooks {
  std::function<void(const UserId&)> changed;  // settings, contacts or blocks
  // `by` blocks `other` from now on, or does not; `done` when the conversations know. Null: there are none.
  std::function<void(const UserId& by, const UserId& other, bool on, Done<void> done)> blocked;
  // The account is gone for good. Null: nobody needs to know.
  std::function<void(const UserId&)> gone;
  // Sessions of `device`, or of all but `spared`, must end now.
  std::function<void(const UserId&, const DeviceId* device, const DeviceId* spared)> revoked;
  std::function<bool(const UserId&, const DeviceId&)> online;
  // The host's token that a session rests on; empty for own accounts.
  std::function<std::string(const Caller&)> token_of;
};

// Loop thread.
class PeopleService {
 public:
  PeopleService(Directory& directory, Users& users, Devices& devices, UserFeed& feed,
                Conversations& conversations, Fanout& fanout, Clock& clock, PeopleHooks hooks);
  ~PeopleService();

  // UpdateSettings, UpdateContacts, UpdateProfile, GetUsers, GetDevices, RevokeDevice; false for
  // anything else.
  bool handle(const Caller& caller, const v1::ClientFrame& frame, const Reply& reply);
  // A session came up: the device is remembered with its agent.
  void note_device(const Caller& caller, const std::string& agent);
  // Tokens issued before now are refused, for one device or the user; ok when that is durable.
  // Sessions end at once.
  void revoke(const UserId& user, const DeviceId* device, Done<void> done);
  // Ends an account for good; ok when that is durable, also if it was done before. Sessions end at
  // once. kNotFound.
  void remove(const UserId& user, Done<void> done);

 private:
  void revoke_own(const Caller& caller, const DeviceId& device, const Reply& reply);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kith::server
