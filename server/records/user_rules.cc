// Applies changes to user and device records: the rules of the Directory port, shared by its
// embedded adapters.
#include "kith/server/ports/user_rules.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "kith/core/limits.h"
#include "kith/core/time.h"
#include "kith/v1/cluster.pb.h"

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

// A stored time that is further ahead than clocks step by themselves was written by a clock that was
// wrong, and has been set right since.
bool sets_right(std::int64_t stored, std::int64_t reported) {
  return reported != 0 && stored > reported + Millis(limits::clock_step).count();
}

// The later one, unless the reported one sets the stored one right.
std::int64_t later_of(std::int64_t stored, std::int64_t reported) {
  return sets_right(stored, reported) ? reported : std::max(stored, reported);
}

// A revocation is never at the time of an earlier one: tokens of own accounts tell by it which came
// before them.
std::int64_t revoked_at(std::int64_t stored, std::int64_t at) {
  const std::int64_t later = later_of(stored, at);
  return later == stored ? stored + 1 : later;
}

// Expired ones are no use to anybody, clocks that differ included.
constexpr std::int64_t kExpiredKeptMs = 10 * 60 * 1000;

void end_tokens(DeviceRecord& device, const std::optional<std::string>& spared) {
  for (TokenUse& use : device.tokens) use.ended = use.ended || !spared || use.id != *spared;
}

// A token that was there before the device was revoked is revoked with it, however late it is reported.
void add_token(DeviceRecord& device, TokenUse use, std::int64_t seen_ms) {
  const std::int64_t made = use.issued_ms != 0 ? use.issued_ms : seen_ms;
  use.ended = use.ended || (device.revoked_ms != 0 && made <= device.revoked_ms);
  for (TokenUse& known : device.tokens) {
    if (known.id != use.id) continue;
    known.ended = known.ended || use.ended;
    return;
  }
  device.tokens.push_back(std::move(use));
}

}  // namespace

Status change_user(UserRecord& user, const UserChange& change) {
  if (change.privacy) user.privacy = *change.privacy;
  if (change.display_name) user.display_name = *change.display_name;
  if (change.last_seen_ms) user.last_seen_ms = later_of(user.last_seen_ms, *change.last_seen_ms);
  if (change.tokens_valid_from_ms) {
    user.tokens_valid_from_ms = later_of(user.tokens_valid_from_ms, *change.tokens_valid_from_ms);
  }
  if (change.revoke) {
    user.tokens_valid_from_ms = revoked_at(user.tokens_valid_from_ms, change.revoke->at_ms + 1);
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
  if (reported.revoked_ms != 0) {
    if (!sets_right(stored.revoked_ms, reported.revoked_ms)) end_tokens(stored, std::nullopt);
    stored.revoked_ms = revoked_at(stored.revoked_ms, reported.revoked_ms);
  }
  if (!reported.agent.empty()) stored.agent = reported.agent;
  stored.last_seen_ms = later_of(stored.last_seen_ms, reported.last_seen_ms);
  stored.spared_ms = std::max(stored.spared_ms, reported.spared_ms);
  stored.tokens_dropped_ms = std::max(stored.tokens_dropped_ms, reported.tokens_dropped_ms);
  for (const TokenUse& use : reported.tokens) add_token(stored, use, reported.last_seen_ms);
  if (reported.last_seen_ms > 0) {
    std::erase_if(stored.tokens, [now = reported.last_seen_ms](const TokenUse& use) {
      return use.expires_ms != 0 && use.expires_ms + kExpiredKeptMs < now;
    });
  }
  while (stored.tokens.size() > limits::device_tokens_max) {
    const TokenUse& oldest = stored.tokens.front();
    const std::int64_t made = oldest.issued_ms != 0 ? oldest.issued_ms : reported.last_seen_ms;
    stored.tokens_dropped_ms = std::max(stored.tokens_dropped_ms, made);
    stored.tokens.erase(stored.tokens.begin());
  }
}

void revoke_device(DeviceRecord& device, const UserRecord& user, const Revocation& revocation) {
  if (revocation.spared != device.id) {
    device.revoked_ms = revoked_at(device.revoked_ms, revocation.at_ms);
    device.spared_ms = 0;
    return end_tokens(device, std::nullopt);
  }
  end_tokens(device, revocation.spared_token);
  if (revocation.spared_token) device.spared_ms = user.tokens_valid_from_ms;
}

Status check_password_change(const PasswordChange& change, const std::string& stored_hash) {
  if (!change.instead_of || *change.instead_of == stored_hash) return {};
  return make_error(ErrorCode::kUnauthenticated, "the password was changed meanwhile");
}

std::string encode_tokens(const std::vector<TokenUse>& tokens) {
  v1::DeviceTokens all;
  for (const TokenUse& use : tokens) {
    v1::DeviceToken& one = *all.add_tokens();
    one.set_id(use.id);
    one.set_issued_ms(static_cast<std::uint64_t>(use.issued_ms));
    one.set_expires_ms(static_cast<std::uint64_t>(use.expires_ms));
    one.set_ended(use.ended ? 1 : 0);
  }
  return all.SerializeAsString();
}

std::vector<TokenUse> decode_tokens(const std::string& bytes) {
  v1::DeviceTokens all;
  std::vector<TokenUse> tokens;
  if (!all.ParseFromString(bytes)) return tokens;
  for (const v1::DeviceToken& one : all.tokens()) {
    tokens.push_back({one.id(), static_cast<std::int64_t>(one.issued_ms()),
                      static_cast<std::int64_t>(one.expires_ms()), one.ended() != 0});
  }
  return tokens;
}

Error no_such_user() {
  return make_error(ErrorCode::kNotFound, "there is no such user");
}
Error handle_taken() {
  return make_error(ErrorCode::kAlreadyExists, "the handle is taken");
}
Error user_removed() {
  return make_error(ErrorCode::kRevoked, "the account was deleted");
}

}  // namespace kith::server
