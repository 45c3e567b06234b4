// PostingBus: a Bus whose deliveries arrive later, as those of a network do.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "kith/core/scheduler.h"
#include "kith/server/ports/bus.h"

namespace own_engine {

class PostingBus : public kith::server::Bus {
 public:
  using Handler = std::function<void(const kith::server::Delivery&)>;

  explicit PostingBus(kith::Scheduler& loop) : loop_(loop) {}

  void publish(const std::string& gateway, const kith::server::Delivery& delivery) override {
    const std::weak_ptr<Handlers> handlers = handlers_;  // gone with the bus
    loop_.post([handlers, gateway, delivery] {
      const auto known = handlers.lock();
      if (!known) return;
      const auto found = known->find(gateway);
      if (found == known->end()) return;
      const Handler handler = found->second;  // it may unsubscribe itself
      handler(delivery);
    });
  }
  void subscribe(const std::string& gateway, Handler handler) override {
    (*handlers_)[gateway] = std::move(handler);
  }
  void unsubscribe(const std::string& gateway) override { handlers_->erase(gateway); }

 private:
  using Handlers = std::map<std::string, Handler>;
  kith::Scheduler& loop_;
  const std::shared_ptr<Handlers> handlers_ = std::make_shared<Handlers>();
};

}  // namespace own_engine
