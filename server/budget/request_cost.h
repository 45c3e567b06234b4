// RequestCost is the table of the costs of requests; docs/protocol.md, "Limits", has the same table. A unit is about
// the cost of a message.
#pragma once

#include <cstddef>
#include <cstdint>

#include "server/budget/account_budget.h"

namespace kith::v1 {
class ClientFrame;
}
namespace kith {
struct RequestView;
}

namespace kith::server {

struct RequestCost {
  Spend from = Spend::kCommand;
  std::uint32_t units = 1;
  std::uint32_t lookups = 0;  // ids and handles besides, of the account and of its address
  bool answered = true;
  // The answers of the log for which it waits.
  std::uint32_t unacked = 0;
};

RequestCost cost_of(const v1::ClientFrame& frame);
RequestCost cost_of(const RequestView& request);
// Cost of a request that is rejected for its form: Spend::kQuery.
std::uint32_t cost_of_refusal(std::size_t frame_bytes);
// Extra cost of an acknowledged head whose conversation is not in memory.
inline constexpr std::uint32_t kColdHeadCost = 15;

}  // namespace kith::server
