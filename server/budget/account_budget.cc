// AccountBudget: the rates, and budgets of signed-out accounts.
#include "server/budget/account_budget.h"

#include <algorithm>

#include "kith/core/limits.h"

namespace kith::server {
namespace {

// A client that catches up makes more queries than commands.
constexpr std::int64_t kQueriesPerCommand = 4;
// Acknowledged heads: as many as others send. An honest client never comes near.
constexpr std::int64_t kAcksPerCommand = 40;
constexpr std::int64_t kAcksBurstPerCommand = 200;

// A host that raises the account's budget for load tests raises the excess with it.
std::int64_t excess_burst(const ServerOptions& options) {
  return std::max<std::int64_t>(limits::excess_burst, std::int64_t{options.account_commands_burst} *
                                                          limits::excess_burst /
                                                          limits::account_commands_burst);
}

}  // namespace

AccountRates::AccountRates(const ServerOptions& options) {
  const std::int64_t per_s = options.account_commands_per_s;
  const std::int64_t burst = options.account_commands_burst;
  const auto set = [this](Spend kind, const BucketRate& rate) {
    rates[static_cast<std::size_t>(kind)] = rate;
  };
  set(Spend::kCommand, BucketRate::per_s(per_s, burst));
  set(Spend::kQuery, BucketRate::per_s(per_s * kQueriesPerCommand, burst * kQueriesPerCommand));
  set(Spend::kLookup,
      BucketRate::per_s(limits::account_lookups_per_s, limits::account_lookups_burst));
  set(Spend::kAck, BucketRate::per_s(per_s * kAcksPerCommand, burst * kAcksBurstPerCommand));
  set(Spend::kSearch, BucketRate::per_s(limits::search_ms_per_s, limits::search_ms_burst));
  set(Spend::kExcess, BucketRate::per_s(std::max<std::int64_t>(limits::excess_per_s,
                                                               per_s * limits::excess_per_s /
                                                                   limits::account_commands_per_s),
                                        excess_burst(options)));
}

AccountBudgets::AccountBudgets(const ServerOptions& options, Random& random)
    : rates_(options),
      patience_(excess_burst(options) * 9 / 10),
      keys_(random),
      gone_(limits::accounts_budgeted_max, Rules{rates_}) {}

void AccountBudgets::leave(const UserId& user, AccountBudget budget, std::int64_t now_ms) {
  if (budget.unused(rates_, now_ms)) return;
  gone_.at(keys_.key(user.view()), now_ms).join(budget, rates_, now_ms);
}

// The stored budget stays there, and recovers at the same pace in both places. An unused account takes no place.
AccountBudget AccountBudgets::come(const UserId& user, std::int64_t now_ms) {
  return gone_.look(keys_.key(user.view()), now_ms);
}

}  // namespace kith::server
