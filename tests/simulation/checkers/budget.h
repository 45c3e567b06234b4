// Invariant 26: a person within the budget of their account is never refused for it, whatever others do. Invariant
// 27: nobody gets more than the budget, on however many devices and connections. The rules are written down here a
// second time, as docs/protocol.md has them.
#pragma once

#include <array>
#include <map>
#include <set>
#include <vector>

#include "tests/simulation/checker.h"

namespace kith::sim {

class BudgetChecker : public Checker {
 public:
  using Checker::Checker;
  void hears(const Who& who, const v1::ClientFrame& frame) override;
  void answered(const Who& who, const v1::ServerFrame& frame) override;
  void server_starts(const Budget& budget) override;
  void at_rest() override { judge(); }

 private:
  enum Bucket : std::size_t { kCommands, kQueries, kBuckets };
  struct Cost {
    Bucket bucket = kCommands;
    std::int64_t units = 1;
    bool certain = true;      // its refusal can have no other reason
    bool is_charged = false;  // whether or not there is room
  };
  struct Asked {
    std::int64_t at = 0;
    Cost cost;
    bool passed = false;          // surely
    std::int64_t charged_at = 0;  // the latest moment; 0 = when it was read
  };
  // In 1/1,000 units.
  struct Level {
    std::int64_t left = 0;
    std::int64_t at = 0;
  };
  struct Account {
    std::array<Level, kBuckets> least{};  // if everything was taken whose fate is not known
    std::vector<Asked> asked;
  };
  struct Waiting {
    UserId user;
    std::size_t index = 0;  // in Account::asked
    std::int64_t had = 0;   // was left at least, before it
  };

  static Cost cost_of(const v1::ClientFrame& frame);
  [[nodiscard]] std::int64_t burst(Bucket bucket) const;
  [[nodiscard]] std::int64_t per_ms(Bucket bucket) const;
  void refill(Level& level, Bucket bucket, std::int64_t now) const;
  Account& account(const UserId& user);
  void refused(const Who& who, const Waiting& request);
  void judge();
  void judge(const UserId& user, const Account& account);

  Budget budget_;
  std::map<UserId, Account> accounts_;
  std::map<std::size_t, std::map<std::uint64_t, Waiting>> waiting_;  // by device and request
  std::map<std::size_t, std::uint64_t> hellos_;                      // the last one of a device
};

}  // namespace kith::sim
