// AddressRace: interleaves the families.
#include "client/transport/address_race.h"

#include <array>

namespace kith::client {

std::vector<std::string> race_order(const std::vector<std::string>& found, std::size_t most) {
  std::array<std::vector<const std::string*>, 2> families;
  for (const std::string& address : found) {
    families[address.find(':') != std::string::npos].push_back(&address);
  }
  const bool v6_first = !found.empty() && found.front().find(':') != std::string::npos;
  std::vector<std::string> order;
  for (std::size_t i = 0; order.size() < most && order.size() < found.size(); ++i) {
    for (const bool second : {false, true}) {
      const auto& family = families[v6_first != second];
      if (i < family.size() && order.size() < most) order.push_back(*family[i]);
    }
  }
  return order;
}

}  // namespace kith::client
