// UserRelations: one person is asked for as a whole record, which is likely to be asked for again.
#include "server/people/user_relations.h"

namespace kith::server {

void UserRelations::consents(const Caller& caller, const std::vector<UserId>& ids,
                             Done<std::vector<Consent>> done) {
  if (const auto wait = costs_.refused(caller)) return done(*wait);
  if (ids.size() != 1) return users_.consents(ids, caller.user, std::move(done));
  relation(ids.front(), caller.user,
           [done = std::move(done)](const Result<std::optional<Consent>>& one) {
             if (!one) return done(one.error());
             done(*one ? std::vector<Consent>{**one} : std::vector<Consent>());
           });
}

void UserRelations::charge(const Caller& caller, std::uint32_t people) {
  if (costs_.charge) costs_.charge(caller, people);
}

void UserRelations::charge_loads(const Caller& caller, std::uint32_t heads) {
  if (costs_.charge_loads) costs_.charge_loads(caller, heads);
}

void UserRelations::relation(const UserId& user, const UserId& other,
                             Done<std::optional<Consent>> done) {
  users_.with(user, [other, done = std::move(done)](const Result<Users::Record>& found) {
    if (!found) return done(found.error());
    done(*found == nullptr ? std::nullopt : std::optional(consent_of(**found, other)));
  });
}

}  // namespace kith::server
