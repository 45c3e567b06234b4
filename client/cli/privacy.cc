// Names of privacy settings and of their values.
#include "client/cli/privacy.h"

#include <array>

namespace kith::cli {
namespace {

using client::Audience;
using client::Privacy;

struct AudienceSetting {
  const char* name;
  Audience Privacy::*value;
};
constexpr std::array kAudiences = {AudienceSetting{"online", &Privacy::online},
                                   AudienceSetting{"last-seen", &Privacy::last_seen},
                                   AudienceSetting{"group-adds", &Privacy::group_adds},
                                   AudienceSetting{"first-messages", &Privacy::first_messages}};
constexpr std::array<std::pair<const char*, Audience>, 3> kValues = {
    {{"everyone", Audience::kEveryone},
     {"contacts", Audience::kContacts},
     {"nobody", Audience::kNobody}}};

Error bad(std::string sentence) {
  return make_error(ErrorCode::kInvalidArgument, std::move(sentence));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> privacy_settings(const Privacy& privacy) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& setting : kAudiences) {
    for (const auto& [name, value] : kValues) {
      if (privacy.*setting.value == value) out.emplace_back(setting.name, name);
    }
  }
  out.emplace_back("receipts", privacy.receipts ? "on" : "off");
  return out;
}

Status set_privacy(Privacy* privacy, const std::string& setting, const std::string& value) {
  if (setting == "receipts") {
    if (value != "on" && value != "off") return bad("receipts are on or off.");
    privacy->receipts = value == "on";
    return {};
  }
  std::string known;
  for (const auto& each : kAudiences) {
    known += std::string(each.name) + ", ";
    if (setting != each.name) continue;
    for (const auto& [name, audience] : kValues) {
      if (value != name) continue;
      privacy->*each.value = audience;
      return {};
    }
    return bad(setting + " is for everyone, contacts or nobody.");
  }
  return bad("The settings are " + known + "receipts.");
}

}  // namespace kith::cli
