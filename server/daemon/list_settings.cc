// Settings of the daemon whose value is a list with commas.
#include "server/daemon/list_settings.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <iterator>
#include <utility>

namespace kith::server::daemon {
namespace {

std::vector<std::string_view> split(std::string_view value) {
  constexpr std::string_view kBlank = " \t";
  std::vector<std::string_view> items;
  for (std::size_t at = 0; at <= value.size();) {
    const auto comma = std::min(value.find(',', at), value.size());
    std::string_view item = value.substr(at, comma - at);
    const auto first = std::min(item.find_first_not_of(kBlank), item.size());
    item.remove_prefix(first);
    items.push_back(item.substr(0, item.find_last_not_of(kBlank) + 1));
    at = comma + 1;
  }
  return items;
}

bool is_range(std::string_view text) {
  const auto slash = text.find('/');
  const std::string host(text.substr(0, slash));
  in6_addr bytes{};
  const bool v4 = inet_pton(AF_INET, host.c_str(), &bytes) == 1;
  if (!v4 && inet_pton(AF_INET6, host.c_str(), &bytes) != 1) return false;
  if (slash == std::string_view::npos) return true;
  const std::string_view bits = text.substr(slash + 1);
  unsigned count = 0;
  const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), count);
  return error == std::errc() && end == bits.data() + bits.size() && count <= (v4 ? 32U : 128U);
}

}  // namespace

std::string read_proxies(std::string_view value, std::vector<std::string>& proxies) {
  proxies.clear();
  for (const std::string_view one : split(value)) {
    if (one.empty()) return "has an empty place in its list";
    if (!is_range(one))
      return "has '" + std::string(one) + "', which is neither an address nor a range (10.0.0.0/8)";
    proxies.emplace_back(one);
  }
  return "";
}

std::string read_roles(std::string_view value, Roles& roles) {
  constexpr std::pair<std::string_view, Role> kRoles[] = {{"gateway", Role::kGateway},
                                                          {"messages", Role::kMessages},
                                                          {"people", Role::kPeople},
                                                          {"search", Role::kSearch}};
  roles = Roles(std::initializer_list<Role>());
  for (const std::string_view one : split(value)) {
    const auto role = std::find_if(std::begin(kRoles), std::end(kRoles),
                                   [one](const auto& known) { return known.first == one; });
    if (role == std::end(kRoles))
      return "has '" + std::string(one) + "', which is none of gateway, messages, people, search";
    roles.add(role->second);
  }
  if (roles == Roles()) return "";
  return "leaves some out: one process has gateway, messages, people and search together, for no "
         "engine joins several yet";
}

}  // namespace kith::server::daemon
