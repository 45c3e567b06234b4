// LookupCosts: what it costs to name people by ids that may be guessed. A refusal tells whether they
// exist or let the caller; a caller who is let through pays nothing more.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "kith/core/result.h"
#include "server/requests/caller.h"

namespace kith::server {

struct LookupCosts {
  // Returns the milliseconds until the caller may look up more people; 0 = now.
  std::function<std::uint32_t(const Caller&)> wait;
  // Charges for a refusal that shows something of `people` people.
  std::function<void(const Caller&, std::uint32_t people)> charge;
  // Charges for acknowledging conversations that must be loaded.
  std::function<void(const Caller&, std::uint32_t heads)> charge_loads;

  // The answer to a caller who must wait; nullopt if they need not.
  [[nodiscard]] std::optional<Error> refused(const Caller& caller) const {
    const std::uint32_t wait_ms = wait ? wait(caller) : 0;
    if (wait_ms == 0) return std::nullopt;
    return make_error(ErrorCode::kRateLimited, "too many people were asked for", wait_ms);
  }
};

}  // namespace kith::server
