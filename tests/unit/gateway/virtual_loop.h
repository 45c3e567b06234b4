// A Scheduler whose time moves only when a test says so, and sockets that remember what they were
// given.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kith/core/random.h"
#include "kith/core/scheduler.h"
#include "kith/v1/frame.pb.h"
#include "server/auth/password_hasher.h"
#include "server/gateway/listener.h"
#include "src/frame_codec.h"

namespace kith::server::testing {

class VirtualLoop : public Scheduler, private Clock {
 public:
  Clock& clock() override { return *this; }
  void post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  TimerId after(Millis delay, std::function<void()> task) override {
    timers_[{now_ + std::max<std::int64_t>(0, delay.count()), ++last_}] = std::move(task);
    return last_;
  }
  void cancel(TimerId id) override {
    std::erase_if(timers_, [id](const auto& timer) { return timer.first.second == id; });
  }
  // Runs what is due now.
  void settle() {
    while (!tasks_.empty() || (!timers_.empty() && timers_.begin()->first.first <= now_)) {
      std::function<void()> task;
      if (!tasks_.empty()) {
        task = std::move(tasks_.front());
        tasks_.pop_front();
      } else {
        task = std::move(timers_.begin()->second);
        timers_.erase(timers_.begin());
      }
      task();
    }
  }
  void advance(Millis by) {
    settle();
    const std::int64_t end = now_ + by.count();
    while (!timers_.empty() && timers_.begin()->first.first <= end) {
      now_ = std::max(now_, timers_.begin()->first.first);
      settle();
    }
    now_ = end;
  }
  std::int64_t now() const { return now_; }
  Millis wall_jump{0};  // of the wall clock; the monotonic one stays
  std::size_t due_within(Millis span) const {
    const auto end = timers_.upper_bound({now_ + span.count(), last_});
    return static_cast<std::size_t>(std::distance(timers_.begin(), end));
  }

 private:
  Timestamp wall() override { return {kEpochMs + now_ + wall_jump.count()}; }
  std::int64_t steady_ms() override { return now_; }

  static constexpr std::int64_t kEpochMs = 1'800'000'000'000;
  std::int64_t now_ = 1'000;
  TimerId last_ = 0;
  std::deque<std::function<void()>> tasks_;
  std::map<std::pair<std::int64_t, TimerId>, std::function<void()>> timers_;
};

class CountingRandom : public Random {
 public:
  void fill(void* bytes, std::size_t size) override {
    for (std::size_t i = 0; i < size; ++i) static_cast<std::uint8_t*>(bytes)[i] = next_++;
  }

 private:
  std::uint8_t next_ = 1;
};

class FakeSockets : public Connections {
 public:
  void send(ConnectionId id, std::string_view message) override {
    if (stuck[id]) held[id] += message.size();
    auto frame = decode_server_frame(message);
    if (frame) frames[id].push_back(std::move(*frame));
  }
  std::size_t buffered(ConnectionId id) const override {
    const auto found = held.find(id);
    return found == held.end() ? 0 : found->second;
  }
  void close(ConnectionId id, std::uint16_t code, std::string_view) override {
    closed.emplace(id, code);
  }
  void pause_reading(ConnectionId id, bool value) override { paused[id] = value; }

  std::map<ConnectionId, std::vector<v1::ServerFrame>> frames;
  std::map<ConnectionId, std::uint16_t> closed;
  std::map<ConnectionId, bool> paused;
  std::map<ConnectionId, bool> stuck;
  std::map<ConnectionId, std::size_t> held;
};

// Reversible and fast: these tests do not test scrypt.
class PlainPasswords : public PasswordHasher {
 public:
  explicit PlainPasswords(Scheduler& scheduler) : scheduler_(scheduler) {}
  void hash(const Turn&, std::string password,
            std::function<void(Result<std::string>)> done) override {
    scheduler_.post([password, done] { done("plain:" + password); });
  }
  void verify(const Turn&, std::string password, std::string hash,
              std::function<void(Result<bool>)> done) override {
    ++verified;
    auto answer = [password, hash, done] { done(hash == "plain:" + password); };
    if (slow) return waiting.push_back(std::move(answer));
    scheduler_.post(std::move(answer));
  }
  int verified = 0;
  bool slow = false;  // what is verified waits until a test answers it
  std::vector<std::function<void()>> waiting;

 private:
  Scheduler& scheduler_;
};

}  // namespace kith::server::testing
