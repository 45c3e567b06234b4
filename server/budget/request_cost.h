// RequestCost is the table of what each request costs its account: one place, told to everybody in docs/protocol.md,
// "Limits". A unit is about what a message costs.
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
  // How many answers of the log it waits for.
  std::uint32_t unacked = 0;
};

RequestCost cost_of(const v1::ClientFrame& frame);
RequestCost cost_of(const RequestView& request);
// Of a request that is refused before anybody looks at what it wants: Spend::kQuery.
std::uint32_t cost_of_refusal(std::size_t frame_bytes);
// Of a head that is acknowledged although the server has not got the conversation in memory, on top of the head's own.
inline constexpr std::uint32_t kColdHeadCost = 15;

}  // namespace kith::server
