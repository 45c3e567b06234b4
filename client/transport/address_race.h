// AddressRace: the order in which the addresses of a host are tried (RFC 8305, "Happy Eyeballs").
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace kith::client {

// Answers at most `most` of `found` (textual, in the resolver's order of preference) so that the two families take
// turns: a family that leads nowhere then costs one pause, not one for each of its addresses.
std::vector<std::string> race_order(const std::vector<std::string>& found, std::size_t most);

}  // namespace kith::client
