// StorePace: estimates how much of a batch the store has written, and the waits that follow.
#include "server/conversation/store_pace.h"

#include <algorithm>

#include "kith/core/limits.h"

namespace kith::server {
namespace {

// Shorter batches tell more of waking up than of writing.
constexpr std::int64_t kTelling = 20;
// A store of which nothing is known yet; one of 100,000 conversations on a shared core does more.
constexpr double kUnknownPerMs = 10;
// Spreads any number of waits evenly over a span: multiples of the golden ratio.
constexpr std::uint32_t kGolden = 0x9E3779B9;

}  // namespace

void StorePace::batch_begins(std::uint64_t records, std::int64_t now_ms) {
  writing_ = records;
  began_ms_ = now_ms;
}

// A new measurement counts for a half.
void StorePace::batch_ends(std::int64_t now_ms) {
  if (const std::int64_t took = now_ms - began_ms_; took >= kTelling) {
    const double fresh = static_cast<double>(writing_) / static_cast<double>(took);
    per_ms_ = per_ms_ == 0 ? fresh : (per_ms_ + fresh) / 2;
  }
  writing_ = 0;
}

std::size_t StorePace::room(std::uint64_t unstored, std::size_t in_log, std::int64_t now_ms) const {
  const std::uint64_t ahead = unstored + in_log;
  if (ahead >= marks_.max) return 0;
  const double passed = writing_ == 0 ? 0 : static_cast<double>(now_ms - began_ms_);
  const auto written = std::min(writing_, static_cast<std::uint64_t>(per_ms_ * passed));
  const std::uint64_t behind = ahead - std::min(ahead, written);
  if (behind >= marks_.soft) return 0;
  return std::min(marks_.soft - behind, marks_.max - ahead);
}

bool StorePace::stands(std::int64_t now_ms) const {
  return writing_ != 0 && Millis(now_ms - began_ms_) > limits::command_held_limit;
}

bool StorePace::may_wait(std::size_t held, std::int64_t now_ms) const {
  return !stands(now_ms) && held < marks_.held && time_for(held) <= limits::command_held_expected;
}

Millis StorePace::come_back_after(std::size_t held, std::int64_t now_ms) {
  constexpr Millis kMost = limits::overloaded_retry_max / 2;
  // Nobody knows when a store that stands will go on, and asking does not help it.
  const Millis wait = stands(now_ms)
                          ? kMost
                          : std::clamp<Millis>(time_for(held), limits::overloaded_retry_min, kMost);
  const std::uint32_t share = kGolden * turned_away_++;
  return wait + Millis((wait.count() * share) >> 32);
}

Millis StorePace::time_for(std::uint64_t records) const {
  const double per_ms = per_ms_ == 0 ? kUnknownPerMs : per_ms_;
  return Millis(static_cast<std::int64_t>(static_cast<double>(records) / per_ms));
}

}  // namespace kith::server
