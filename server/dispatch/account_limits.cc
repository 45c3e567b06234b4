// AccountLimits: what the sessions of an account may do, together.
#include "server/dispatch/account_limits.h"

#include <algorithm>
#include <utility>

namespace kith::server {
namespace {

constexpr std::uint32_t kReturnPauseMs = 1'000;

}  // namespace

AccountLimits::AccountLimits(const ServerOptions& options, Random& random, EntryBudget& addresses,
                             RefusalLog& refusals, Clock& clock)
    : clock_(clock), addresses_(addresses), refusals_(refusals), budgets_(options, random) {}

std::uint32_t AccountLimits::open(Requester& who) {
  const std::int64_t at = now();
  const auto [known, fresh] = accounts_.try_emplace(who.caller.user);
  Account& account = known->second;
  if (fresh) account.budget = budgets_.come(who.caller.user, at);
  who.next = std::exchange(account.sessions, &who);
  who.budget = &account.budget;
  who.budget->charge(budgets_.rates(), Spend::kQuery, 1, at);
  addresses_.remember(who.caller.user, who.caller.device, who.address, at);
  return who.budget->has(budgets_.rates(), Spend::kExcess, 1, at) ? 0 : kReturnPauseMs;
}

void AccountLimits::close(Requester& who) {
  who.budget = nullptr;
  const auto known = accounts_.find(who.caller.user);
  if (known == accounts_.end()) return;
  Requester** place = &known->second.sessions;
  while (*place != nullptr && *place != &who) place = &(*place)->next;
  if (*place != nullptr) *place = std::exchange(who.next, nullptr);
  if (known->second.sessions != nullptr) return;
  budgets_.leave(known->first, known->second.budget, now());
  accounts_.erase(known);
}

std::uint32_t AccountLimits::take(Requester& who, const RequestCost& cost) {
  const AccountRates& rates = budgets_.rates();
  const std::int64_t at = now();
  AccountBudget& budget = *who.budget;
  if (cost.lookups == 0) return budget.take(rates, cost.from, cost.units, at);
  std::uint32_t wait = budget.wait_for(rates, cost.from, cost.units, at);
  // A request without an answer is let through, and paid for before more is read.
  if (cost.answered)
    wait = std::max(wait, budget.wait_for(rates, Spend::kLookup, cost.lookups, at));
  if (wait == 0) wait = addresses_.look_up(who.address, cost.lookups, at);
  if (wait > 0) return wait;
  budget.charge(rates, cost.from, cost.units, at);
  budget.charge(rates, Spend::kLookup, cost.lookups, at);
  return 0;
}

std::uint32_t AccountLimits::take_excess(Requester& who) {
  return who.budget->take(budgets_.rates(), Spend::kExcess, 1, now());
}

bool AccountLimits::patient(const Requester& who) const {
  return who.budget->has(budgets_.rates(), Spend::kExcess, budgets_.patience(), now());
}

std::uint32_t AccountLimits::debt_ms(const Requester& who, Spend kind) const {
  return who.budget == nullptr ? 0 : who.budget->debt_ms(budgets_.rates(), kind, now());
}

void AccountLimits::charge(Requester& who, Spend kind, std::uint32_t cost) {
  who.budget->charge(budgets_.rates(), kind, cost, now());
}

void AccountLimits::charge(const Caller& caller, Spend kind, std::uint32_t cost) {
  const std::int64_t at = now();
  if (const auto known = accounts_.find(caller.user); known != accounts_.end())
    return known->second.budget.charge(budgets_.rates(), kind, cost, at);
  // Work that ends after its session has gone is paid for when the account comes back.
  AccountBudget gone = budgets_.come(caller.user, at);
  gone.charge(budgets_.rates(), kind, cost, at);
  budgets_.leave(caller.user, gone, at);
}

std::uint32_t AccountLimits::wait_for(const Caller& caller, Spend kind) {
  const auto known = accounts_.find(caller.user);
  if (known == accounts_.end()) return 0;
  return known->second.budget.wait_for(budgets_.rates(), kind, 1, now());
}

void AccountLimits::charge_lookups(const Caller& caller, std::uint32_t people) {
  charge(caller, Spend::kLookup, people);
  if (const Requester* asking = find(caller)) addresses_.looked_up(asking->address, people, now());
}

std::uint32_t AccountLimits::wait_for_lookups(const Caller& caller) {
  const std::uint32_t wait = wait_for(caller, Spend::kLookup);
  const Requester* asking = find(caller);
  if (asking == nullptr) return wait;
  const std::uint32_t longest = std::max(wait, addresses_.lookups_wait(asking->address, now()));
  if (longest > 0) refusals_.note(RefusalClass::kLookup, asking->address);
  return longest;
}

const Requester* AccountLimits::find(const Caller& caller) const {
  const auto known = accounts_.find(caller.user);
  if (known == accounts_.end()) return nullptr;
  const Requester* one = known->second.sessions;
  while (one != nullptr && one->caller.session != caller.session) one = one->next;
  return one;
}

}  // namespace kith::server
