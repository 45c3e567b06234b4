// Drain: one goodbye after another.
#include "server/gateway/drain.h"

#include <algorithm>
#include <utility>

#include "kith/v1/frame.pb.h"

namespace kith::server {
namespace {

constexpr auto kStep = std::chrono::milliseconds(20);

}  // namespace

void Drain::start(std::chrono::milliseconds window, std::function<void()> done) {
  started_ = true;
  running_ = true;
  window_ms_ = std::max<std::int64_t>(0, window.count());
  order_.clear();
  sessions_.each([this](const Session& session) { order_.push_back(session.id()); });
  std::sort(order_.begin(), order_.end());
  next_ = 0;
  start_ms_ = scheduler_.clock().steady_ms();
  const auto previous = std::exchange(done_, std::move(done));
  if (previous) previous();
  step();
}

void Drain::opened(Session& session) {
  if (started_) dismiss(session);
}

void Drain::closed() {
  if (running_ && sessions_.empty()) step();
}

void Drain::dismiss(Session& session) {
  const auto wait = random_.below(static_cast<std::uint64_t>(window_ms_) + 1);
  goodbyes_.end(session,
                {v1::GOODBYE_REASON_DRAIN, close_code::kDrain, static_cast<std::uint32_t>(wait)});
}

void Drain::step() {
  timer_.stop();
  if (!running_) return;
  const std::int64_t passed = scheduler_.clock().steady_ms() - start_ms_;
  const auto count = static_cast<std::int64_t>(order_.size());
  // The goodbye of number i is due at window * i / count: evenly spread, the first one now.
  const auto turn = [&](std::size_t i) {
    return window_ms_ * static_cast<std::int64_t>(i) / std::max<std::int64_t>(1, count);
  };
  while (next_ < order_.size() && turn(next_) <= passed) {
    if (Session* session = sessions_.find(order_[next_++])) dismiss(*session);
  }
  if (!sessions_.empty() && (passed < window_ms_ || next_ < order_.size())) {
    timer_.start(kStep);
    return;
  }
  running_ = false;
  order_.clear();
  if (const auto finished = std::exchange(done_, nullptr)) finished();
}

}  // namespace kith::server
