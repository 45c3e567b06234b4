// EntryBudget: tries of passwords, registrations and tokens.
#include "server/budget/entry_budget.h"

#include <algorithm>

#include "kith/core/limits.h"

namespace kith::server {
namespace {

constexpr std::int64_t kFamiliarMs = 3'600'000;

BucketRate optional(std::uint32_t per, BucketRate rate) {
  return per == 0 ? BucketRate() : rate;
}

}  // namespace

bool EntryBudget::FamiliarRules::free(const Familiar& familiar, std::int64_t now_ms) {
  return now_ms - familiar.since_ms >= kFamiliarMs;
}

EntryBudget::EntryBudget(const ServerOptions& o, Random& random)
    : keys_(random),
      addresses_(
          limits::addresses_budgeted_max,
          AddressRules{
              optional(o.address_registrations_per_h,
                       BucketRate::per_h(o.address_registrations_per_h,
                                         limits::address_registrations_burst)),
              optional(
                  o.address_failures_per_min,
                  BucketRate::per_min(o.address_failures_per_min, limits::address_failures_burst)),
              optional(
                  o.address_failures_per_min,
                  BucketRate::per_min(o.address_failures_per_min, limits::address_failures_burst)),
              optional(o.address_lookups_per_s,
                       BucketRate::per_s(o.address_lookups_per_s, limits::address_lookups_burst))}),
      pauses_(limits::sign_ins_budgeted_max, PauseRules{}),
      handles_(limits::sign_ins_budgeted_max,
               HandleRules{optional(o.address_failures_per_min,
                                    BucketRate::per_h(limits::handle_failures_per_h,
                                                      limits::handle_failures_burst))}),
      familiar_(limits::accounts_known_max, FamiliarRules{}) {}

std::uint32_t EntryBudget::begin(const UserId& user, const DeviceId& device,
                                 const std::string& address, std::int64_t now_ms,
                                 SignInAttempt& attempt) {
  attempt.handle = keys_.key(user.view());
  attempt.address = keys_.key(address);
  attempt.known = familiar(user, keys_.tag(device.view()));
  attempt.at_home = familiar(user, keys_.tag(address));
  attempt.pause =
      keys_.key(attempt.handle, attempt.known ? device.view() : std::string_view(address));
  attempt.turn = turn_of(address);
  if (attempt.known) attempt.turn.one = keys_.tag(user.view());
  std::uint32_t wait = pauses_.at(attempt.pause, now_ms).wait_for(now_ms);
  if (!attempt.known && !attempt.at_home) {
    const HandleRules& handle = handles_.rules();
    const AddressRules& rates = addresses_.rules();
    wait = std::max(wait, handles_.at(attempt.handle, now_ms).wait_for(handle.failures, 1, now_ms));
    wait = std::max(
        wait, addresses_.at(attempt.address, now_ms).failures.wait_for(rates.failures, 1, now_ms));
  }
  if (wait > 0) return wait;
  pauses_.at(attempt.pause, now_ms).begin(now_ms);
  if (attempt.known || attempt.at_home) return 0;
  handles_.at(attempt.handle, now_ms).charge(handles_.rules().failures, 1, now_ms);
  addresses_.at(attempt.address, now_ms).failures.charge(addresses_.rules().failures, 1, now_ms);
  return 0;
}

void EntryBudget::succeeded(const SignInAttempt& attempt, std::int64_t now_ms) {
  undecided(attempt, now_ms);
}

void EntryBudget::undecided(const SignInAttempt& attempt, std::int64_t now_ms) {
  pauses_.at(attempt.pause, now_ms).forget_one(now_ms);
  if (attempt.known || attempt.at_home) return;
  handles_.at(attempt.handle, now_ms).refund(handles_.rules().failures, 1, now_ms);
  addresses_.at(attempt.address, now_ms).failures.refund(addresses_.rules().failures, 1, now_ms);
}

void EntryBudget::remember(const UserId& user, const DeviceId& device, const std::string& address,
                           std::int64_t now_ms) {
  Familiar& known = familiar_.at(keys_.key(user.view()), now_ms);
  known.since_ms = now_ms;
  for (const std::uint64_t tag : {keys_.tag(device.view()), keys_.tag(address)}) {
    if (std::find(known.tags.begin(), known.tags.end(), tag) != known.tags.end()) continue;
    known.tags[known.next++ % known.tags.size()] = tag;
  }
}

bool EntryBudget::familiar(const UserId& user, std::uint64_t tag) {
  const Familiar* known = familiar_.known(keys_.key(user.view()));
  return known != nullptr &&
         std::find(known->tags.begin(), known->tags.end(), tag) != known->tags.end();
}

std::uint32_t EntryBudget::register_account(const std::string& address, std::int64_t now_ms) {
  return addresses_.at(keys_.key(address), now_ms)
      .registrations.take(addresses_.rules().registrations, 1, now_ms);
}

void EntryBudget::registered_nothing(const std::string& address, std::int64_t now_ms) {
  addresses_.at(keys_.key(address), now_ms)
      .registrations.refund(addresses_.rules().registrations, 1, now_ms);
}

bool EntryBudget::token_refused(const std::string& address, std::int64_t now_ms) {
  return addresses_.at(keys_.key(address), now_ms)
             .tokens.take(addresses_.rules().tokens, 1, now_ms) > 0;
}

std::uint32_t EntryBudget::look_up(const std::string& address, std::int64_t ids,
                                   std::int64_t now_ms) {
  return addresses_.at(keys_.key(address), now_ms)
      .lookups.take(addresses_.rules().lookups, ids, now_ms);
}

std::uint32_t EntryBudget::lookups_wait(const std::string& address, std::int64_t now_ms) {
  return addresses_.at(keys_.key(address), now_ms)
      .lookups.wait_for(addresses_.rules().lookups, 1, now_ms);
}

void EntryBudget::looked_up(const std::string& address, std::int64_t ids, std::int64_t now_ms) {
  addresses_.at(keys_.key(address), now_ms).lookups.charge(addresses_.rules().lookups, ids, now_ms);
}

std::size_t EntryBudget::bytes() const {
  return addresses_.bytes() + pauses_.bytes() + handles_.bytes() + familiar_.bytes();
}

std::size_t EntryBudget::bytes_max() const {
  return addresses_.bytes_max() + pauses_.bytes_max() + handles_.bytes_max() +
         familiar_.bytes_max();
}

}  // namespace kith::server
