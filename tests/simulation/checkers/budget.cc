// Invariants 26 and 27.
#include "tests/simulation/checkers/budget.h"

#include <algorithm>

#include "kith/core/limits.h"

namespace kith::sim {
namespace {

constexpr std::int64_t kUnit = 1'000;
constexpr std::int64_t kDebtMs = 30'000;  // no debt is larger than what comes back in it
constexpr std::int64_t kQueriesPerCommand = 4;

std::int64_t with_ids(std::int64_t base, int ids) {
  return base + ids / 10;
}

}  // namespace

BudgetChecker::Cost BudgetChecker::cost_of(const v1::ClientFrame& frame) {
  using F = v1::ClientFrame;
  switch (frame.body_case()) {
    case F::kHello:
      return {kQueries, 1, false, true};
    case F::kPing:
    case F::kMarkRead:
    case F::kGetReaders:
    case F::kGetDevices:
      return {kQueries, 1};
    case F::kSync:
    case F::kGetEvents:
      return {kQueries, 2};
    case F::kGetMembers:
      return {kQueries, 4};
    case F::kSearch:  // also when the time that searches take is used up
      return {kQueries, 4, false};
    case F::kGetUsers:  // also by what is looked up
      return {kQueries, 1, false};
    case F::kSend:  // a first message also by what is looked up
      return {kCommands, frame.send().items_size(), frame.send().direct_peer().empty()};
    case F::kCreateConversation:  // likewise
      return {kCommands, with_ids(4, frame.create_conversation().members_size()), false};
    case F::kMemberChange:
      return {kCommands, with_ids(1, frame.member_change().users_size()), false};
    case F::kUpdateContacts: {
      const auto& update = frame.update_contacts();
      return {kCommands,
              with_ids(1, update.add_size() + update.remove_size() + update.block_size() +
                              update.unblock_size()),
              false};
    }
    case F::kPresenceSubscribe: {
      const auto& subscribe = frame.presence_subscribe();
      return {kCommands, with_ids(1, subscribe.add_size() + subscribe.remove_size()), false};
    }
    case F::kSetTyping:
    case F::kSetPresence:
      return {kCommands, 2};
    case F::kUpdateSettings:
    case F::kUpdateProfile:
    case F::kRevokeDevice:
    case F::kRenewToken:
      return {kCommands, 5};
    case F::kChangePassword:
    case F::kDeleteAccount:  // also after too many wrong passwords
      return {kCommands, 20, false};
    default:
      return {kCommands, 1};
  }
}

std::int64_t BudgetChecker::burst(Bucket bucket) const {
  return kUnit * budget_.burst * (bucket == kQueries ? kQueriesPerCommand : 1);
}

// As many thousandths in a millisecond as units in a second.
std::int64_t BudgetChecker::per_ms(Bucket bucket) const {
  return budget_.per_s * (bucket == kQueries ? kQueriesPerCommand : 1);
}

void BudgetChecker::refill(Level& level, Bucket bucket, std::int64_t now) const {
  level.left = std::min(burst(bucket), level.left + (now - level.at) * per_ms(bucket));
  level.at = now;
}

BudgetChecker::Account& BudgetChecker::account(const UserId& user) {
  const auto [known, fresh] = accounts_.try_emplace(user);
  if (fresh) {
    for (const Bucket bucket : {kCommands, kQueries}) {
      known->second.least[bucket] = {burst(bucket), truth_.now()};
    }
  }
  return known->second;
}

void BudgetChecker::hears(const Who& who, const v1::ClientFrame& frame) {
  using F = v1::ClientFrame;
  const auto what = frame.body_case();
  auto& waiting = waiting_[who.device];
  // Requests of an earlier connection get no answer any more, and had the same numbers.
  if (what == F::kHello || what == F::kSignIn) waiting.clear();
  if (what == F::kAckEvents || what == F::kGoodbye || what == F::kSignIn) return;
  Account& own = account(who.user);
  Cost cost = cost_of(frame);
  if (what == F::kHello) hellos_[who.device] = frame.req_id();
  // A request of an earlier connection comes late, by another relay; that one's commands may be too many.
  if (frame.req_id() < hellos_[who.device]) cost.certain = false;
  const std::size_t commands = static_cast<std::size_t>(std::count_if(
      waiting.begin(), waiting.end(),
      [&](const auto& other) { return own.asked[other.second.index].cost.bucket == kCommands; }));
  if (commands * limits::batch_items_max >= limits::unacked_items_max) cost.certain = false;
  Level& least = own.least[cost.bucket];
  refill(least, cost.bucket, truth_.now());
  if (frame.req_id() != 0) {
    waiting[frame.req_id()] = {who.user, own.asked.size(), least.left};
  }
  own.asked.push_back({truth_.now(), cost, false});
  least.left -= cost.units * kUnit;
}

void BudgetChecker::answered(const Who& who, const v1::ServerFrame& frame) {
  auto& waiting = waiting_[who.device];
  const auto request = waiting.find(frame.reply_to());
  if (frame.reply_to() == 0 || request == waiting.end()) return;
  if (frame.error().code() == v1::ERROR_CODE_RATE_LIMITED) {
    refused(who, request->second);
  } else {
    Account& own = accounts_.at(request->second.user);
    Asked& asked = own.asked[request->second.index];
    asked.passed = !asked.cost.is_charged || frame.has_welcome();
    // A Hello is charged some time after it was read, when what it had cost may have come back: at the
    // latest now.
    if (asked.cost.is_charged) {
      Level& least = own.least[asked.cost.bucket];
      asked.charged_at = truth_.now();
      refill(least, asked.cost.bucket, truth_.now());
      least.left -= asked.cost.units * kUnit;
    }
  }
  waiting.erase(request);
}

void BudgetChecker::refused(const Who& who, const Waiting& request) {
  Account& own = accounts_.at(request.user);
  const Cost& cost = own.asked[request.index].cost;
  if (!cost.certain) return;  // it may have been charged
  Level& least = own.least[cost.bucket];
  least.left = std::min(burst(cost.bucket), least.left + cost.units * kUnit);
  // A request that costs more than a bucket holds needs a full one.
  if (request.had < std::min(cost.units * kUnit, burst(cost.bucket))) return;
  broken(26, who.name + " is refused, and had " + std::to_string(request.had / kUnit) +
                 " units left for " + std::to_string(cost.units));
}

// The buckets of an account are those of a process.
void BudgetChecker::server_starts(const Budget& budget) {
  judge();
  std::erase_if(accounts_, [&](const auto& of) { return budget.home.has(of.first); });
  for (auto& [device, waiting] : waiting_) {
    std::erase_if(waiting, [&](const auto& one) { return budget.home.has(one.second.user); });
  }
  budget_ = budget;
}

void BudgetChecker::judge() {
  for (const auto& [user, account] : accounts_) judge(user, account);
}

// If only that was taken which surely was.
void BudgetChecker::judge(const UserId& user, const Account& account) {
  std::array<Level, kBuckets> most{};
  for (const Bucket bucket : {kCommands, kQueries}) most[bucket].left = burst(bucket);
  std::array<std::vector<const Asked*>, kBuckets> late{};  // maybe not charged yet
  for (const Asked& asked : account.asked) {
    if (!asked.passed) continue;
    auto& waiting = late[asked.cost.bucket];
    std::erase_if(waiting, [&](const Asked* other) { return other->charged_at < asked.at; });
    std::int64_t more = 0;
    for (const Asked* other : waiting) more += other->cost.units * kUnit;
    if (asked.cost.is_charged) waiting.push_back(&asked);
    const Cost& cost = asked.cost;
    Level& level = most[cost.bucket];
    refill(level, cost.bucket, asked.at);
    const std::int64_t needs = std::min(cost.units * kUnit, burst(cost.bucket));
    if (!cost.is_charged && level.left + more < needs) {
      return broken(27, "the account " + brief(user) + " was let do " + std::to_string(cost.units) +
                            " units at " + std::to_string(asked.at) + " and had " +
                            std::to_string(level.left / kUnit));
    }
    level.left = std::max(level.left - cost.units * kUnit, -kDebtMs * per_ms(cost.bucket));
  }
}

}  // namespace kith::sim
