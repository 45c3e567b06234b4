// AccountLimits has the budgets of the accounts that have sessions: one for each account, whatever number of sessions
// spend from it. Look-ups count for the address of the session, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "kith/core/ids.h"
#include "kith/core/time.h"
#include "server/budget/account_budget.h"
#include "server/budget/entry_budget.h"
#include "server/budget/refusal_log.h"
#include "server/budget/request_cost.h"
#include "server/dispatch/requester.h"

namespace kith::server {

class AccountLimits {
 public:
  // All must outlive it.
  AccountLimits(const ServerOptions& options, Random& random, EntryBudget& addresses,
                RefusalLog& refusals, Clock& clock);

  // A session of `who.caller` is there. Returns the milliseconds for which it is not to be read: its account's last
  // session was closed for its excess, maybe a moment ago.
  std::uint32_t open(Requester& who);
  void close(Requester& who);

  // Takes what the request costs and returns 0, or takes nothing and returns the milliseconds until it may come again.
  std::uint32_t take(Requester& who, const RequestCost& cost);
  // Counts a refused request; returns the milliseconds to stay away for one that went on for too long, else 0.
  std::uint32_t take_excess(Requester& who);
  // False: so much was refused lately that the session is read slowly.
  [[nodiscard]] bool patient(const Requester& who) const;
  // The milliseconds until what was charged above the budget is paid for.
  [[nodiscard]] std::uint32_t debt_ms(const Requester& who, Spend kind) const;
  void charge(Requester& who, Spend kind, std::uint32_t cost);

  // Charges the account for a request's cost beyond its price.
  void charge(const Caller& caller, Spend kind, std::uint32_t cost);
  // The milliseconds until the account may spend again; 0 = now.
  [[nodiscard]] std::uint32_t wait_for(const Caller& caller, Spend kind);
  // The same of people who were asked for otherwise than by GetUsers, in what the account and its address may look up.
  void charge_lookups(const Caller& caller, std::uint32_t people);
  [[nodiscard]] std::uint32_t wait_for_lookups(const Caller& caller);

  [[nodiscard]] std::size_t bytes() const { return budgets_.bytes(); }

 private:
  struct Account {
    AccountBudget budget;
    Requester* sessions = nullptr;  // the one that came last, and by `next` all others
  };
  [[nodiscard]] const Requester* find(const Caller& caller) const;
  [[nodiscard]] std::int64_t now() const { return clock_.steady_ms(); }

  Clock& clock_;
  EntryBudget& addresses_;
  RefusalLog& refusals_;
  AccountBudgets budgets_;  // of accounts that are gone
  std::unordered_map<UserId, Account> accounts_;
};

}  // namespace kith::server
