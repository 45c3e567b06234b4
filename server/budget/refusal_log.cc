// RefusalLog: counting, and a line a minute.
#include "server/budget/refusal_log.h"

#include <array>

namespace kith::server {
namespace {

struct Words {
  std::string_view event, sentence;
};
// In the order of RefusalClass.
constexpr std::array<Words, 8> kWords = {{
    {"refused_sign_in", "sign-ins came before the pause after wrong passwords was over"},
    {"refused_registration", "more new accounts than one address may make"},
    {"refused_token", "more tokens or tickets that are not good than one address may show"},
    {"refused_request", "an account asked for more than its budget"},
    {"refused_lookup", "more people were looked up than an account or an address may"},
    {"refused_excess", "connections were closed because requests went on over budget"},
    {"refused_protocol", "connections were closed because their frames break the protocol"},
    {"refused_password", "passwords were wrong"},
}};

const Words& words(RefusalClass cls) {
  return kWords.at(static_cast<std::size_t>(cls));
}

}  // namespace

std::string_view event_of(RefusalClass cls) {
  return words(cls).event;
}

std::string_view sentence_of(RefusalClass cls) {
  return words(cls).sentence;
}

void RefusalLog::note(RefusalClass cls, const std::string& address) {
  ++totals_[cls];
  Addresses& addresses = noted_[cls];
  if (const auto known = addresses.find(address); known != addresses.end()) {
    ++known->second;
  } else {
    ++addresses[addresses.size() < kTold ? address : std::string()];
  }
}

void RefusalLog::tick(std::int64_t now_ms, const std::function<void(const Refusals&)>& report) {
  if (now_ms - reported_ms_ < kPeriodMs) return;
  reported_ms_ = now_ms;
  for (const auto& [cls, addresses] : std::exchange(noted_, {})) {
    for (const auto& [address, count] : addresses) report({cls, address, count});
  }
}

std::uint64_t RefusalLog::total(RefusalClass cls) const {
  const auto found = totals_.find(cls);
  return found == totals_.end() ? 0 : found->second;
}

}  // namespace kith::server
