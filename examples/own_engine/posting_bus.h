// PostingBus: a Bus whose deliveries arrive later, as those of a network do. It drops the oldest of
// more than it can keep, and says so.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "kith/core/scheduler.h"
#include "kith/server/ports/bus.h"

namespace own_engine {

class PostingBus : public kith::server::Bus {
 public:
  using Handler = std::function<void(const kith::server::Delivery&)>;

  explicit PostingBus(kith::Scheduler& loop) : loop_(loop) {}
  ~PostingBus() override { state_->subscribers.clear(); }  // a handler may be running
  PostingBus(const PostingBus&) = delete;
  PostingBus& operator=(const PostingBus&) = delete;

  void publish(const std::string& gateway, const kith::server::Delivery& delivery) override {
    state_->waiting.push_back({gateway, delivery});
    if (state_->waiting.size() > kWaitingMax) lose_oldest();
    post();
  }
  void subscribe(const std::string& gateway, Handler handler, std::function<void()> lost) override {
    state_->subscribers[gateway] = {std::move(handler), std::move(lost)};
  }
  void unsubscribe(const std::string& gateway) override { state_->subscribers.erase(gateway); }

  // As if its engine had dropped a delivery.
  void lose(const std::string& gateway) {
    state_->lost.insert(gateway);
    post();
  }

 private:
  static constexpr std::size_t kWaitingMax = 65'536;

  struct Waiting {
    std::string gateway;
    kith::server::Delivery delivery;
  };
  struct Subscriber {
    Handler handler;
    std::function<void()> lost;
  };
  struct State {
    std::map<std::string, Subscriber> subscribers;
    std::deque<Waiting> waiting;
    std::set<std::string> lost;
    bool posted = false;
  };

  void lose_oldest() {
    state_->lost.insert(state_->waiting.front().gateway);
    state_->waiting.pop_front();
  }
  void post() {
    if (std::exchange(state_->posted, true)) return;
    loop_.post([weak = std::weak_ptr(state_)] {
      if (const auto state = weak.lock()) run(*state);  // gone with the bus
    });
  }
  static void run(State& state) {
    state.posted = false;
    for (const std::string& gateway : std::exchange(state.lost, {})) {
      const auto found = state.subscribers.find(gateway);
      if (found == state.subscribers.end()) continue;
      const auto lost = found->second.lost;  // it may unsubscribe itself
      lost();
    }
    for (const Waiting& each : std::exchange(state.waiting, {})) {
      const auto found = state.subscribers.find(each.gateway);
      if (found == state.subscribers.end()) continue;
      const Handler handler = found->second.handler;
      handler(each.delivery);
    }
  }

  kith::Scheduler& loop_;
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace own_engine
