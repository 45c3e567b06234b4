// UserRelations: answers by user records, and knows what it costs to name people.
#pragma once

#include <utility>

#include "server/people/lookup_costs.h"
#include "server/requests/relations.h"
#include "server/users/users.h"

namespace kith::server {

class UserRelations : public Relations {
 public:
  // `users` outlives this.
  explicit UserRelations(Users& users) : users_(users) {}

  // Before the first request.
  void set_costs(LookupCosts costs) { costs_ = std::move(costs); }

  void consents(const Caller& caller, const std::vector<UserId>& ids,
                Done<std::vector<Consent>> done) override;
  void charge(const Caller& caller, std::uint32_t people) override;
  void charge_loads(const Caller& caller, std::uint32_t heads) override;
  void relation(const UserId& user, const UserId& other,
                Done<std::optional<Consent>> done) override;

 private:
  Users& users_;
  LookupCosts costs_;
};

}  // namespace kith::server
