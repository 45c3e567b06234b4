// The rules of consent, and the answers to those who do not have it.
#include "server/requests/consent.h"

#include <algorithm>
#include <iterator>

namespace kith::server {

bool allows(Audience audience, const Consent& consent) {
  if (consent.blocked) return false;
  return audience == Audience::kEveryone || (audience == Audience::kContacts && consent.contact);
}

std::vector<UserId> unknown_of(const std::vector<UserId>& ids, const std::vector<Consent>& known) {
  std::vector<UserId> there;
  there.reserve(known.size());
  for (const Consent& consent : known) there.push_back(consent.user);
  std::vector<UserId> unknown;
  std::set_difference(ids.begin(), ids.end(), there.begin(), there.end(),
                      std::back_inserter(unknown));
  return unknown;
}

Error no_such_users(std::vector<UserId> users) {
  Error error = make_error(ErrorCode::kNotFound, "there is nobody of this id");
  error.users = std::move(users);
  return error;
}

std::optional<Error> check_group_adds(const std::vector<UserId>& ids,
                                      const std::vector<Consent>& known) {
  std::vector<UserId> unknown = unknown_of(ids, known);
  if (!unknown.empty()) return no_such_users(std::move(unknown));
  std::vector<UserId> unwilling;
  for (const Consent& consent : known) {
    if (!allows(consent.privacy.group_adds, consent)) unwilling.push_back(consent.user);
  }
  if (unwilling.empty()) return std::nullopt;
  Error error =
      make_error(ErrorCode::kPermissionDenied, "somebody does not let this user add them");
  error.users = std::move(unwilling);
  return error;
}

std::optional<Error> check_first_message(const Consent& consent) {
  if (allows(consent.privacy.first_messages, consent)) return std::nullopt;
  Error error = make_error(ErrorCode::kPermissionDenied,
                           "the other does not let this user start a conversation");
  error.users = {consent.user};
  return error;
}

}  // namespace kith::server
