// What a change does to a user or device record: the rules of the Directory port, shared by its
// embedded adapters.
#include "server/adapters/embedded/user_rules.h"

#include <algorithm>

#include "kith/core/limits.h"

namespace kith::server {

namespace {

void include(std::vector<UserId>& sorted, const std::vector<UserId>& added) {
  for (const UserId& id : added) {
    const auto it = std::lower_bound(sorted.begin(), sorted.end(), id);
    if (it == sorted.end() || *it != id) sorted.insert(it, id);
  }
}

void exclude(std::vector<UserId>& sorted, const std::vector<UserId>& removed) {
  for (const UserId& id : removed) {
    const auto it = std::lower_bound(sorted.begin(), sorted.end(), id);
    if (it != sorted.end() && *it == id) sorted.erase(it);
  }
}

}  // namespace

Status change_user(UserRecord& user, const UserChange& change) {
  if (change.privacy) user.privacy = *change.privacy;
  if (change.display_name) user.display_name = *change.display_name;
  if (change.last_seen_ms) user.last_seen_ms = std::max(user.last_seen_ms, *change.last_seen_ms);
  if (change.tokens_valid_from_ms) {
    user.tokens_valid_from_ms = std::max(user.tokens_valid_from_ms, *change.tokens_valid_from_ms);
  }
  exclude(user.contacts, change.remove_contacts);
  include(user.contacts, change.add_contacts);
  exclude(user.blocked, change.unblock);
  include(user.blocked, change.block);
  if (user.contacts.size() > limits::contacts_max || user.blocked.size() > limits::contacts_max) {
    return make_error(ErrorCode::kLimitExceeded, "at most " + std::to_string(limits::contacts_max) +
                                                     " contacts and as many blocks");
  }
  return {};
}

UserRecord new_user(const NewUser& user) {
  UserRecord record;
  record.id = UserId::of(user.handle);
  record.handle = user.handle;
  record.display_name = user.display_name;
  return record;
}

void merge_device(DeviceRecord& stored, const DeviceRecord& reported) {
  if (!reported.agent.empty()) stored.agent = reported.agent;
  stored.last_seen_ms = std::max(stored.last_seen_ms, reported.last_seen_ms);
  stored.revoked_ms = std::max(stored.revoked_ms, reported.revoked_ms);
}

Error no_such_user() {
  return make_error(ErrorCode::kNotFound, "there is no such user");
}
Error handle_taken() {
  return make_error(ErrorCode::kAlreadyExists, "the handle is taken");
}

}  // namespace kith::server
