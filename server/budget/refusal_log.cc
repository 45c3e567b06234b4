// RefusalLog: counting, and a line a minute.
#include "server/budget/refusal_log.h"

namespace kith::server {

std::string_view to_string(RefusalClass cls) {
  switch (cls) {
    case RefusalClass::kSignIn:
      return "sign_in";
    case RefusalClass::kRegistration:
      return "registration";
    case RefusalClass::kToken:
      return "token";
    case RefusalClass::kRequest:
      return "request";
    case RefusalClass::kLookup:
      return "lookup";
    case RefusalClass::kExcess:
      return "excess";
    case RefusalClass::kProtocol:
      return "protocol";
    case RefusalClass::kPassword:
      return "password";
  }
  return "other";
}

void RefusalLog::note(RefusalClass cls, const std::string& address) {
  ++totals_[cls];
  const std::pair<RefusalClass, std::string> key{cls, address};
  if (const auto known = noted_.find(key); known != noted_.end()) {
    ++known->second;
  } else if (noted_.size() < kTold) {
    noted_.emplace(key, 1);
  } else {
    ++noted_[{cls, std::string()}];
  }
}

void RefusalLog::tick(std::int64_t now_ms, const std::function<void(const Refusals&)>& tell) {
  if (now_ms - told_ms_ < kPeriodMs) return;
  told_ms_ = now_ms;
  const auto noted = std::exchange(noted_, {});
  for (const auto& [key, count] : noted) tell({key.first, key.second, count});
}

std::uint64_t RefusalLog::total(RefusalClass cls) const {
  const auto found = totals_.find(cls);
  return found == totals_.end() ? 0 : found->second;
}

}  // namespace kith::server
