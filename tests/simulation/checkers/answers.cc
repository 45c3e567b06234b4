// Requests that wait for their answer.
#include "tests/simulation/checkers/answers.h"

#include "kith/core/limits.h"
#include "kith/core/time.h"

namespace kith::sim {

void AnswersChecker::asks(const Who& who, const v1::ClientFrame& frame) {
  if (frame.req_id() != 0) asked_[who.device][frame.req_id()] = truth_.now();
}

void AnswersChecker::server_says(const Who& who, const v1::ServerFrame& frame) {
  asked_[who.device].erase(frame.reply_to());
}

void AnswersChecker::at_rest() {
  for (const auto& [device, requests] : asked_) {
    for (const auto& [request, when] : requests) {
      const std::int64_t waits = truth_.now() - when;
      if (waits <= Millis(limits::request_limit).count()) continue;
      broken(23, "d" + std::to_string(device) + " waits for the answer to request " +
                     std::to_string(request) + " since " + std::to_string(waits) + " ms");
    }
  }
}

}  // namespace kith::sim
