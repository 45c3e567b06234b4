// Requests that wait for their answer.
#include "tests/simulation/checkers/answers.h"

#include "kith/core/limits.h"
#include "kith/core/time.h"

namespace kith::sim {

void AnswersChecker::connects(const Who& who) {
  asked_[who.device].clear();
  unheard_.erase(who.device);
}

// The connection has ended in truth; the device learns it by a ping.
void AnswersChecker::falls_silent(const Who& who) {
  asked_[who.device].clear();
  unheard_.insert(who.device);
}

void AnswersChecker::asks(const Who& who, const v1::ClientFrame& frame) {
  if (unheard_.contains(who.device)) return;
  if (frame.req_id() != 0) asked_[who.device][frame.req_id()] = truth_.now();
}

void AnswersChecker::server_says(const Who& who, const v1::ServerFrame& frame) {
  asked_[who.device].erase(frame.reply_to());
}

void AnswersChecker::at_rest() {
  for (const auto& [device, requests] : asked_) {
    // Its connection may have ended, and it need not come again.
    if (truth_.gone(truth_.devices.at(device).user)) continue;
    for (const auto& [request, when] : requests) {
      const std::int64_t waits = truth_.now() - when;
      if (waits <= Millis(limits::request_limit).count()) continue;
      broken(23, "d" + std::to_string(device) + " waits for the answer to request " +
                     std::to_string(request) + " since " + std::to_string(waits) + " ms");
    }
  }
}

}  // namespace kith::sim
