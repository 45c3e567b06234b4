// Commands on their way into the log.
#include "server/conversation/command_queue.h"

#include <utility>

#include "kith/core/limits.h"

namespace kith::server {
namespace {

// How often commands that wait are looked after: as many go on as the store has written meanwhile.
constexpr Millis kLook{5};

}  // namespace

CommandQueue::CommandQueue(CommandLog& log, Scheduler& scheduler, StorePace& pace,
                           const LogProgress& progress)
    : log_(log), scheduler_(scheduler), pace_(pace), progress_(progress) {}

void CommandQueue::append(LogRecord record, CommandAnswer answer) {
  // Far from the mark the clock is not asked: this runs for every message.
  if (held_.empty() && progress_.unstored() + in_log_ < pace_.marks().soft) {
    return log(std::move(record), std::move(answer));
  }
  const std::int64_t now = scheduler_.clock().steady_ms();
  if (held_.empty() && pace_.room(progress_.unstored(), in_log_, now) > 0) {
    return log(std::move(record), std::move(answer));
  }
  if (refusing_held_ || !pace_.may_wait(held_.size(), now)) return answer(behind());
  held_.push_back({std::move(record), std::move(answer), now});
  look_after_held();
}

Error CommandQueue::behind() {
  const Millis wait = pace_.come_back_after(held_.size(), scheduler_.clock().steady_ms());
  return make_error(ErrorCode::kOverloaded, "the store is behind the log",
                    static_cast<std::uint32_t>(wait.count()));
}

void CommandQueue::log(LogRecord&& record, CommandAnswer&& answer) {
  ++in_log_;
  if (logging_) logging_(record);
  log_.append(std::move(record),
              guard_.wrap([this, answer = std::move(answer)](Result<LogEntry>&& entry) mutable {
                --in_log_;
                note_log(entry);
                if (entry) return committed_(std::move(*entry), std::move(answer));
                const Guard::Watch here = guard_.watch();  // a callback may destroy this
                if (refused_) refused_(entry.error());
                answer(entry.error());
                if (!here.gone()) refuse_held(entry.error());
              }));
}

void CommandQueue::note_log(const Result<LogEntry>& entry) {
  if (health_ == nullptr) return;
  if (entry) return health_->good(ServiceHealth::Part::kJournal);
  if (entry.error().code == ErrorCode::kOverloaded) return;  // too much is said; the disk is well
  health_->failed(ServiceHealth::Part::kJournal, entry.error());
}

void CommandQueue::probe() {
  LogRecord record;
  record.gateway_ts_ms = scheduler_.clock().wall().ms;
  record.op = UserMarkOp{};  // of nobody
  log(std::move(record), [](Result<Outcome>&&) {});
}

// In the order of append(): nothing overtakes what is held.
void CommandQueue::let_on() {
  if (held_.empty()) return;
  if (waiting_) waiting_();
  const std::int64_t now = scheduler_.clock().steady_ms();
  std::size_t room = pace_.room(progress_.unstored(), in_log_, now);
  const Guard::Watch here = guard_.watch();  // a callback may destroy this
  for (; !here.gone() && room > 0 && !held_.empty(); --room) {
    Held next = std::move(held_.front());
    held_.pop_front();
    log(std::move(next.record), std::move(next.answer));
  }
  if (here.gone() || held_.empty()) return;
  if (Millis(now - held_.front().since_ms) > limits::command_held_limit) refuse_held(std::nullopt);
}

void CommandQueue::refuse_held(const std::optional<Error>& why) {
  refusing_held_ = true;
  const Guard::Watch here = guard_.watch();
  while (!here.gone() && !held_.empty()) {
    Held next = std::move(held_.front());
    held_.pop_front();
    next.answer(why ? *why : behind());
  }
  if (!here.gone()) refusing_held_ = false;
}

void CommandQueue::look_after_held() {
  if (held_.empty() || std::exchange(looking_, true)) return;
  scheduler_.after(kLook, guard_.wrap([this] {
    const Guard::Watch here = guard_.watch();
    looking_ = false;
    let_on();
    if (!here.gone()) look_after_held();
  }));
}

}  // namespace kith::server
