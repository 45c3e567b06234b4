// The bus of one process: publishing calls the gateway's handler.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "kith/server/ports/bus.h"

namespace kith::server {

class BusMemory : public Bus {
 public:
  void publish(const std::string& gateway, const Delivery& delivery) override;
  void subscribe(const std::string& gateway, std::function<void(const Delivery&)> handler,
                 std::function<void()> lost) override;
  void unsubscribe(const std::string& gateway) override;

 protected:
  // For one that loses deliveries: this one loses none.
  void notify_lost(const std::string& gateway);

 private:
  struct Subscriber {
    std::function<void(const Delivery&)> handler;
    std::function<void()> lost;
  };
  // Shared, so that a handler may unsubscribe itself while it runs.
  std::map<std::string, std::shared_ptr<const Subscriber>> subscribers_;
};

}  // namespace kith::server
