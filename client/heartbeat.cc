// Heartbeat: when a ping is due, and when it has waited for too long.
#include "client/heartbeat.h"

#include <utility>

namespace kith::client {

Heartbeat::Heartbeat(Scheduler& scheduler, Random& random, Hooks hooks)
    : clock_(scheduler.clock()),
      random_(random),
      hooks_(std::move(hooks)),
      next_(scheduler, [this] { ping(limits::pong_limit); }),
      answer_(scheduler, hooks_.silent) {}

void Heartbeat::start(Millis interval) {
  interval_ = interval;
  arm();
}

void Heartbeat::stop() {
  next_.stop();
  answer_.stop();
}

// Spread by ± 10 %: a crowd does not ping in step.
void Heartbeat::arm() {
  const auto span = static_cast<std::uint64_t>(interval_.count());
  const auto spread = static_cast<std::int64_t>(random_.below(span / 5 + 1));
  next_.start(interval_ * 9 / 10 + Millis(spread));
}

void Heartbeat::ping(Millis limit) {
  hooks_.ping();
  const std::int64_t due = clock_.steady_ms() + limit.count();
  if (!answer_.waits() || due < answer_due_ms_) {
    answer_due_ms_ = due;
    answer_.start(limit);
  }
  arm();
}

}  // namespace kith::client
