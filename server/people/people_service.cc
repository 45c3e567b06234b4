// People: settings, contacts, blocks, profiles and devices.
#include "server/people/people_service.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "server/requests/consent.h"
#include "server/users/device_room.h"
#include "src/frame_codec.h"
#include "src/guard.h"
#include "src/handle.h"

namespace kith::server {
namespace {

Audience audience(v1::Audience value) {
  switch (value) {
    case v1::AUDIENCE_CONTACTS:
      return Audience::kContacts;
    case v1::AUDIENCE_UNSPECIFIED:
    case v1::AUDIENCE_EVERYONE:
      return Audience::kEveryone;
    default:
      return Audience::kNobody;  // also what a newer client means by a rule that we do not know
  }
}

template <class Ids>
std::vector<UserId> users_of(const Ids& list) {
  std::vector<UserId> users;
  for (const std::string& bytes : list) {
    if (const auto id = user_id(bytes)) users.push_back(*id);
  }
  return users;
}

bool names(const std::vector<UserId>& users, const UserId& user) {
  return std::find(users.begin(), users.end(), user) != users.end();
}

}  // namespace

struct PeopleService::State {
  State(Directory& d, Users& u, Devices& v, UserFeed& e, Conversations& c, Fanout& f, Clock& k,
        PeopleHooks h)
      : directory(d),
        users(u),
        devices(v),
        feed(e),
        conversations(c),
        fanout(f),
        clock(k),
        hooks(std::move(h)) {}

  void change(const Caller& caller, const UserChange& what, const Reply& reply);
  void change_contacts(const Caller& caller, UserChange what, const Reply& reply);
  void write(const Caller& caller, const UserChange& what, UserStates::Hold hold,
             const Reply& reply);
  void log_blocks(const UserId& by, const UserChange& what, const UserRecord& now, Done<void> done);
  void notify_marked(const UserId& user, std::uint64_t spared);
  void get_users(const v1::GetUsers& request, const Reply& reply);
  void get_devices(const Caller& caller, const Reply& reply);
  void revoke_device(const UserId& user, const DeviceId& device, Done<void> done);
  void revoke_all(const UserId& user, const Revocation& revocation, Done<void> done);
  void revoke_others(const Caller& caller, const Reply& reply);

  Directory& directory;
  Users& users;
  Devices& devices;
  UserFeed& feed;
  Conversations& conversations;
  Fanout& fanout;
  Clock& clock;
  PeopleHooks hooks;
  Guard guard;
};

// Marked in the log, written, logged where it is a block, acknowledged, pushed to the user's other devices: in
// this order. A mark behind the writing could be refused, or be lost with the process; this one is there already,
// and nobody's cursor passes it before the change can be read.
void PeopleService::State::change(const Caller& caller, const UserChange& what,
                                  const Reply& reply) {
  const UserStates::Hold hold = feed.hold(caller.user);
  conversations.mark_user(caller.user, caller.device,
                          guard.wrap([this, caller, what, hold, reply](const Status& marked) {
                            if (marked) return write(caller, what, hold, reply);
                            feed.settle(caller.user, hold);
                            reply_error(reply, marked.error());
                          }));
}

// A contact may do more than others: it must not be whoever takes a handle later.
void PeopleService::State::change_contacts(const Caller& caller, UserChange what,
                                           const Reply& reply) {
  std::vector<UserId> added = what.add_contacts;
  std::sort(added.begin(), added.end());
  added.erase(std::unique(added.begin(), added.end()), added.end());
  users.consents(added, caller.user,
                 guard.wrap([this, caller, what = std::move(what), added,
                             reply](const Result<std::vector<Consent>>& known) {
                   if (!known) return reply_error(reply, known.error());
                   std::vector<UserId> unknown = unknown_of(added, *known);
                   if (!unknown.empty())
                     return reply_error(reply, no_such_users(std::move(unknown)));
                   change(caller, what, reply);
                 }));
}

void PeopleService::State::write(const Caller& caller, const UserChange& what,
                                 UserStates::Hold hold, const Reply& reply) {
  users.update(caller.user, what,
               guard.wrap([this, caller, what, hold, reply](const Result<Users::Record>& updated) {
                 feed.settle(caller.user, hold);
                 if (!updated) {
                   reply_error(reply, updated.error());
                   return;
                 }
                 hooks.changed(caller.user);
                 log_blocks(caller.user, what, **updated,
                            guard.wrap([this, caller, reply](const Status& logged) {
                              logged ? reply_ack(reply) : reply_error(reply, logged.error());
                              notify_marked(caller.user, caller.session);
                            }));
               }));
}

// From the answer on no message is shown that the change withholds.
void PeopleService::State::log_blocks(const UserId& by, const UserChange& what,
                                      const UserRecord& now, Done<void> done) {
  std::vector<UserId> others = what.block;
  others.insert(others.end(), what.unblock.begin(), what.unblock.end());
  if (others.empty() || !hooks.blocked) return done({});
  struct Open {
    std::size_t count;
    Status worst;
    Done<void> done;
  };
  const auto open = std::make_shared<Open>(Open{others.size(), {}, std::move(done)});
  for (const UserId& other : others) {
    const bool on = std::binary_search(now.blocked.begin(), now.blocked.end(), other);
    hooks.blocked(by, other, on, [open](const Status& logged) {
      if (!logged) open->worst = logged;
      if (--open->count == 0) open->done(open->worst);
    });
  }
}

void PeopleService::State::notify_marked(const UserId& user, std::uint64_t spared) {
  feed.high(user, guard.wrap([this, user, spared](const Result<FeedVersion>& high) {
    if (!high) return;
    v1::ServerFrame frame;
    frame.mutable_feed_notice()->set_ver(*high);
    fanout.to_user(user, make_push(frame, DeliveryClass::kEvent), spared);
  }));
}

void PeopleService::State::get_users(const v1::GetUsers& request, const Reply& reply) {
  std::vector<UserId> ids = users_of(request.user_ids());
  const std::set<UserId> by_id(ids.begin(), ids.end());
  for (const std::string& handle : request.handles()) ids.push_back(UserId::of(handle));
  if (ids.size() > limits::users_page_max) {
    reply_error(reply, make_error(ErrorCode::kLimitExceeded, "at most 100 users at once"));
    return;
  }
  // As it was typed, it may be the handle of an own account in capitals.
  for (const std::string& handle : request.handles()) {
    const std::string mapped = mapped_handle(handle);
    if (mapped != handle) ids.push_back(UserId::of(mapped));
  }
  directory.profiles(ids, [reply, by_id](const Result<std::vector<UserRecord>>& found) {
    if (!found) {
      reply_error(reply, found.error());
      return;
    }
    v1::ServerFrame frame;
    frame.mutable_users_page();
    for (const UserRecord& user : *found) {
      // By id, a deleted user is returned as deleted; by handle, there is none.
      if (user.deleted && !by_id.contains(user.id)) continue;
      v1::UserProfile& profile = *frame.mutable_users_page()->add_users();
      profile.set_user_id(user.id.bytes());
      profile.set_handle(user.handle);
      profile.set_display_name(user.display_name);
      profile.set_deleted(user.deleted);
    }
    reply(std::move(frame));
  });
}

void PeopleService::State::get_devices(const Caller& caller, const Reply& reply) {
  devices.with(caller.user, guard.wrap([this, caller, reply](const Result<Devices::List>& list) {
    if (!list) {
      reply_error(reply, list.error());
      return;
    }
    v1::ServerFrame frame;
    frame.mutable_devices_page();
    for (const DeviceRecord& device : **list) {
      const bool online = hooks.online(caller.user, device.id);
      // Seen again after it was revoked: it has signed in anew.
      if (device.revoked_ms != 0 && device.last_seen_ms <= device.revoked_ms && !online) continue;
      v1::DeviceInfo& info = *frame.mutable_devices_page()->add_devices();
      info.set_device_id(device.id.bytes());
      info.set_agent(device.agent);
      info.set_last_seen_ms(static_cast<std::uint64_t>(device.last_seen_ms));
      info.set_online(online);
      info.set_current(device.id == caller.device);
    }
    reply(std::move(frame));
  }));
}

void PeopleService::State::revoke_device(const UserId& user, const DeviceId& device,
                                         Done<void> done) {
  DeviceRecord record;
  record.id = device;
  record.revoked_ms = clock.wall().ms;
  devices.put(user, record, std::move(done));
}

void PeopleService::State::revoke_all(const UserId& user, const Revocation& revocation,
                                      Done<void> done) {
  UserChange change;
  change.revoke = revocation;
  users.update(
      user, change,
      guard.wrap([this, user, done = std::move(done)](const Result<Users::Record>& updated) {
        if (updated) {
          devices.forget(user);
          devices.forget_covered(user, (*updated)->tokens_valid_from_ms);
        }
        done(updated ? Status() : Status(updated.error()));
      }));
}

// Everything made before, also what no device has come in with yet; this session's own right stays.
void PeopleService::State::revoke_others(const Caller& caller, const Reply& reply) {
  const Revocation revocation{clock.wall().ms, caller.device, hooks.token_of(caller)};
  revoke_all(caller.user, revocation, guard.wrap([this, caller, reply](const Status& written) {
    if (!written) return reply_error(reply, written.error());
    hooks.revoked(caller.user, nullptr, &caller.device);
    reply_ack(reply);
  }));
}

PeopleService::PeopleService(Directory& directory, Users& users, Devices& devices, UserFeed& feed,
                             Conversations& conversations, Fanout& fanout, Clock& clock,
                             PeopleHooks hooks)
    : state_(std::make_unique<State>(directory, users, devices, feed, conversations, fanout, clock,
                                     std::move(hooks))) {}
PeopleService::~PeopleService() = default;

bool PeopleService::handle(const Caller& caller, const v1::ClientFrame& frame, const Reply& reply) {
  using F = v1::ClientFrame;
  UserChange change;
  switch (frame.body_case()) {
    case F::kUpdateSettings: {
      const v1::Settings& settings = frame.update_settings().settings();
      change.privacy = PrivacySettings{audience(settings.online()), audience(settings.last_seen()),
                                       !settings.receipts_off(), audience(settings.group_adds()),
                                       audience(settings.first_messages())};
      break;
    }
    case F::kUpdateContacts:
      change.add_contacts = users_of(frame.update_contacts().add());
      change.remove_contacts = users_of(frame.update_contacts().remove());
      change.block = users_of(frame.update_contacts().block());
      change.unblock = users_of(frame.update_contacts().unblock());
      if (names(change.add_contacts, caller.user) || names(change.block, caller.user)) {
        reply_error(
            reply,
            make_error(ErrorCode::kInvalidArgument,
                       "UpdateContacts: nobody is a contact of themselves, nor blocks themselves"));
        return true;
      }
      if (change.add_contacts.empty()) break;
      state_->change_contacts(caller, std::move(change), reply);
      return true;
    case F::kUpdateProfile:
      change.display_name = frame.update_profile().display_name();
      break;
    case F::kGetUsers:
      state_->get_users(frame.get_users(), reply);
      return true;
    case F::kGetDevices:
      state_->get_devices(caller, reply);
      return true;
    case F::kRevokeDevice: {
      const auto device = device_id(frame.revoke_device().device_id());
      if (!device) {
        state_->revoke_others(caller, reply);
        return true;
      }
      revoke_own(caller, *device, reply);
      return true;
    }
    default:
      return false;
  }
  state_->change(caller, change, reply);
  return true;
}

// Accepts only a device that the account has: made-up ids would fill the directory.
void PeopleService::revoke_own(const Caller& caller, const DeviceId& device, const Reply& reply) {
  state_->devices.with(caller.user, state_->guard.wrap([this, caller, device,
                                                        reply](const Result<Devices::List>& list) {
    const Status may = list ? may_revoke(**list, device) : Status(list.error());
    if (!may) return reply_error(reply, may.error());
    revoke(caller.user, &device, [reply](const Status& written) {
      written ? reply_ack(reply) : reply_error(reply, written.error());
    });
  }));
}

void PeopleService::note_device(const Caller& caller, const std::string& agent) {
  DeviceRecord record;
  record.id = caller.device;
  record.agent = agent;
  record.last_seen_ms = state_->clock.wall().ms;
  state_->devices.seen(caller.user, record);
}

void PeopleService::revoke(const UserId& user, const DeviceId* device, Done<void> done) {
  const std::optional<DeviceId> one = device != nullptr ? std::optional(*device) : std::nullopt;
  const auto written = state_->guard.wrap(
      [state = state_.get(), user, one, done = std::move(done)](const Status& ended) {
        const Guard::Watch here = state->guard.watch();
        done(ended);
        if (ended && !here.gone()) state->hooks.revoked(user, one ? &*one : nullptr, nullptr);
      });
  if (one) {
    state_->revoke_device(user, *one, written);
  } else {
    state_->revoke_all(user, {state_->clock.wall().ms, std::nullopt, std::nullopt}, written);
  }
}

void PeopleService::remove(const UserId& user, Done<void> done) {
  state_->users.remove(user, state_->guard.wrap([state = state_.get(), user,
                                                 done = std::move(done)](const Status& removed) {
    if (removed) state->devices.forget(user);
    if (removed && state->hooks.gone) state->hooks.gone(user);
    const Guard::Watch here = state->guard.watch();
    done(removed);
    if (!removed || here.gone()) return;
    state->hooks.revoked(user, nullptr, nullptr);
    state->hooks.changed(user);
  }));
}

}  // namespace kith::server
