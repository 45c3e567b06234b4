// ClientState: one lock for all of it.
#include "client/client_state.h"

#include <utility>

#include "kith/core/limits.h"

namespace kith::client {

Error closed_error() {
  return make_error(ErrorCode::kClosed, "the client was closed");
}

void ClientState::open(LoopUv& loop) {
  const std::lock_guard lock(mutex_);
  loop_ = &loop;
}

bool ClientState::post(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (!loop_) return false;
  loop_->post(std::move(task));
  return true;
}

std::uint64_t ClientState::new_id() {
  const std::lock_guard lock(mutex_);
  return next_id_++;
}

bool ClientState::post_call(std::uint64_t id, std::function<void()> cancel,
                            std::function<void()> start) {
  const std::lock_guard lock(mutex_);
  if (!loop_) return false;
  open_.cancels[id] = std::move(cancel);
  loop_->post(std::move(start));
  return true;
}

bool ClientState::pending(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  return open_.cancels.count(id) > 0;
}

void ClientState::answer(std::uint64_t id, const std::function<void()>& call) {
  {
    const std::lock_guard lock(mutex_);
    if (open_.cancels.erase(id) == 0) return;
    ++answering_;
  }
  {
    const InCallback here;
    call();
  }
  const std::lock_guard lock(mutex_);
  --answering_;
  changed_.notify_all();
}

std::uint64_t ClientState::add(const std::shared_ptr<CallbackSlot>& slot) {
  const std::lock_guard lock(mutex_);
  if (!loop_) slot->end();  // a callback that is on its way already is not made
  open_.slots[next_id_] = slot;
  return next_id_++;
}

void ClientState::remove(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  open_.slots.erase(id);
}

void ClientState::set_connection(ConnectionState state, const Error& reason) {
  const std::lock_guard lock(mutex_);
  connection_ = state;
  reason_ = reason;
  changed_.notify_all();
}

ConnectionState ClientState::connection() {
  const std::lock_guard lock(mutex_);
  return connection_;
}

void ClientState::set_outbox_idle(bool idle) {
  const std::lock_guard lock(mutex_);
  outbox_idle_ = idle;
  changed_.notify_all();
}

Status ClientState::wait_online(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  const bool settled = changed_.wait_for(lock, limit, [this] {
    return !loop_ || connection_ == ConnectionState::kOnline ||
           connection_ == ConnectionState::kSignedOut;
  });
  if (!loop_) return closed_error();
  if (settled && connection_ == ConnectionState::kOnline) return {};
  if (settled) return reason_;
  if (reason_.code != ErrorCode::kCancelled) return reason_;  // says more than that time is up
  return make_error(ErrorCode::kTimeout, "not online in time");
}

Status ClientState::wait_sent(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, limit, [this] {
    return !loop_ || outbox_idle_ || connection_ == ConnectionState::kSignedOut;
  });
  if (!loop_) return closed_error();
  if (outbox_idle_) return {};
  if (reason_.code != ErrorCode::kCancelled) return reason_;  // says more than that time is up
  return make_error(ErrorCode::kTimeout, "not everything was sent in time");
}

std::optional<ClientState::Open> ClientState::begin_close() {
  std::unique_lock lock(mutex_);
  if (!loop_) {
    if (!InCallback::now())
      changed_.wait_for(lock, limits::close_limit, [this] { return !closing_; });
    return std::nullopt;
  }
  loop_ = nullptr;
  closing_ = true;
  connection_ = ConnectionState::kOffline;
  changed_.notify_all();
  return std::exchange(open_, {});
}

void ClientState::wait_for_answers() {
  std::unique_lock lock(mutex_);
  if (!InCallback::now())
    changed_.wait_for(lock, limits::close_limit, [this] { return answering_ == 0; });
}

void ClientState::end_close() {
  const std::lock_guard lock(mutex_);
  closing_ = false;
  changed_.notify_all();
}

}  // namespace kith::client
