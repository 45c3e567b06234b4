// AccountBudget counts the recent use of an account, on all its devices together. AccountBudgets keeps the
// budgets of signed-out accounts until they have recovered, so that reconnecting does not renew them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kith/core/ids.h"
#include "kith/server/options.h"
#include "server/budget/keyed_cells.h"
#include "src/token_bucket.h"

namespace kith::server {

// The buckets of an account; docs/protocol.md, "Limits". kExcess: requests above the others, before its
// connections are closed. kSearch: milliseconds of searching.
enum class Spend : std::uint8_t { kCommand, kQuery, kLookup, kAck, kSearch, kExcess, kCount };

struct AccountRates {
  explicit AccountRates(const ServerOptions& options);
  [[nodiscard]] const BucketRate& of(Spend kind) const {
    return rates[static_cast<std::size_t>(kind)];
  }

  std::array<BucketRate, static_cast<std::size_t>(Spend::kCount)> rates;
};

class AccountBudget {
 public:
  std::uint32_t take(const AccountRates& rates, Spend kind, std::int64_t cost,
                     std::int64_t now_ms) {
    return bucket(kind).take(rates.of(kind), cost, now_ms);
  }
  void charge(const AccountRates& rates, Spend kind, std::int64_t cost, std::int64_t now_ms) {
    bucket(kind).charge(rates.of(kind), cost, now_ms);
  }
  [[nodiscard]] std::uint32_t wait_for(const AccountRates& rates, Spend kind, std::int64_t cost,
                                       std::int64_t now_ms) {
    return bucket(kind).wait_for(rates.of(kind), cost, now_ms);
  }
  [[nodiscard]] bool has(const AccountRates& rates, Spend kind, std::int64_t left,
                         std::int64_t now_ms) {
    return wait_for(rates, kind, left, now_ms) == 0;
  }
  [[nodiscard]] std::uint32_t debt_ms(const AccountRates& rates, Spend kind, std::int64_t now_ms) {
    return bucket(kind).debt_ms(rates.of(kind), now_ms);
  }
  [[nodiscard]] bool unused(const AccountRates& rates, std::int64_t now_ms) {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      if (!buckets_[i].unused(rates.rates[i], now_ms)) return false;
    }
    return true;
  }
  void join(const AccountBudget& other, const AccountRates& rates, std::int64_t now_ms) {
    for (std::size_t i = 0; i < buckets_.size(); ++i)
      buckets_[i].join(other.buckets_[i], rates.rates[i], now_ms);
  }

 private:
  TokenBucket& bucket(Spend kind) { return buckets_[static_cast<std::size_t>(kind)]; }

  std::array<TokenBucket, static_cast<std::size_t>(Spend::kCount)> buckets_{};
};

class AccountBudgets {
 public:
  AccountBudgets(const ServerOptions& options, Random& random);

  [[nodiscard]] const AccountRates& rates() const { return rates_; }
  // Below this rest of Spend::kExcess the account's sessions are read slowly.
  [[nodiscard]] std::int64_t patience() const { return patience_; }
  // The account's last session has gone: stores its budget.
  void leave(const UserId& user, AccountBudget budget, std::int64_t now_ms);
  // The account's first session comes: returns its budget.
  AccountBudget come(const UserId& user, std::int64_t now_ms);
  [[nodiscard]] std::size_t bytes() const { return gone_.bytes(); }

 private:
  struct Rules {
    AccountRates rates;
    [[nodiscard]] bool free(AccountBudget& budget, std::int64_t now_ms) const {
      return budget.unused(rates, now_ms);
    }
  };

  AccountRates rates_;
  std::int64_t patience_;
  KeyMaker keys_;
  KeyedCells<AccountBudget, Rules> gone_;
};

}  // namespace kith::server
