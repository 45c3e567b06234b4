// RefusalLog counts refusals by class and address, and logs each pair once a minute: one line for a flood.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace kith::server {

enum class RefusalClass : std::uint8_t {
  kSignIn,        // a password, too soon after wrong ones
  kRegistration,  // too many new accounts of an address
  kToken,         // invalid tokens or tickets
  kRequest,       // an account's requests above its budget
  kLookup,        // people looked up above the budget of the account or the address
  kExcess,        // a connection closed, because requests went on
  kProtocol,      // a connection closed, because frames were none
  kPassword,      // a password that was wrong
};
// Returns the event for the host's log: "refused_sign_in", … Stable.
std::string_view event_of(RefusalClass cls);
// Returns a sentence about it.
std::string_view sentence_of(RefusalClass cls);

struct Refusals {
  RefusalClass cls = RefusalClass::kSignIn;
  std::string address;  // empty: all addresses beyond the bound
  std::uint64_t count = 0;
};

class RefusalLog {
 public:
  void note(RefusalClass cls, const std::string& address);
  // Logs the counts, if a minute has passed since the last time.
  void tick(std::int64_t now_ms, const std::function<void(const Refusals&)>& report);
  [[nodiscard]] std::uint64_t total(RefusalClass cls) const;

 private:
  static constexpr std::size_t kTold = 16;  // lines a minute and class, and one for all others
  static constexpr std::int64_t kPeriodMs = 60'000;

  using Addresses = std::map<std::string, std::uint64_t, std::less<>>;
  std::map<RefusalClass, Addresses> noted_;
  std::map<RefusalClass, std::uint64_t> totals_;
  std::int64_t reported_ms_ = 0;
};

}  // namespace kith::server
