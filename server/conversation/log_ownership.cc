// The life of an owner.
#include "server/conversation/log_ownership.h"

#include <utility>

#include "kith/core/limits.h"
#include "server/conversation/decide.h"

namespace kith::server {
namespace {

// Two that take a log over from each other wait for different times, at most so long.
constexpr std::uint64_t kApartMs = 500;

}  // namespace

LogOwnership::LogOwnership(CommandLog& log, CommandQueue& queue, Scheduler& scheduler,
                           Tenures& tenures)
    : log_(log),
      queue_(queue),
      scheduler_(scheduler),
      tenures_(tenures),
      phase_(shared() ? Phase::kReplaying : Phase::kServing),
      doubt_ends_(scheduler, [this] { doubts_ = false; }) {}

void LogOwnership::enter(Phase phase) {
  const bool served = serving();
  phase_ = phase;
  if (served != serving() && on_serving_) on_serving_(serving());
}

void LogOwnership::serve() {
  doubts_ = true;
  doubt_ends_.start(limits::new_owner_doubts);
  enter(Phase::kServing);
}

void LogOwnership::take_over() {
  if (!shared() || phase_ == Phase::kServing || phase_ == Phase::kTaking) return;
  enter(Phase::kTaking);
  append_take_over();
}

void LogOwnership::append_take_over() {
  claim_ = {tenures_.current().epoch + 1, log_.appender()};
  LogRecord record;
  record.gateway_ts_ms = scheduler_.clock().wall().ms;
  record.rules_version = kRulesVersion;
  record.op = TakeOverOp{};
  queue_.put(std::move(record),
             guard_.wrap([this](const Result<Outcome>& outcome) { took_over(outcome); }));
}

// Its own take-over was judged by judge(); here is what remains to do when it was void or is lost.
void LogOwnership::took_over(const Result<Outcome>& outcome) {
  if (phase_ != Phase::kTaking || outcome) return;
  scheduler_.after(Millis(log_.appender() % kApartMs), guard_.wrap([this] {
    if (phase_ == Phase::kTaking) append_take_over();
  }));
}

LogOwnership::Verdict LogOwnership::judge(const LogEntry& entry) {
  if (!tenures_.admit(entry)) return Verdict::kVoid;
  if (!std::holds_alternative<TakeOverOp>(entry.record.op)) return Verdict::kCounts;
  const bool own = entry.record.tenure == claim_;
  if (own && phase_ == Phase::kTaking) serve();
  if (!own && phase_ == Phase::kServing) enter(Phase::kLeft);
  return Verdict::kTookOver;
}

// A record of unknown fate may come into the log later: only a new tenure makes it void.
void LogOwnership::append_failed(const Error& error) {
  if (!shared() || error.code != ErrorCode::kUnavailable || phase_ != Phase::kServing) return;
  enter(Phase::kLeft);
  take_over();
}

Error LogOwnership::not_serving() {
  return make_error(ErrorCode::kUnavailable, "another process answers for the conversation");
}

}  // namespace kith::server
