// The bus of one process: publishing calls the gateway's handler.
#include "server/adapters/embedded/bus_memory.h"

#include <utility>

namespace kith::server {

void BusMemory::publish(const std::string& gateway, const Delivery& delivery) {
  auto it = subscribers_.find(gateway);
  if (it == subscribers_.end()) return;  // at most once: nobody is there
  const auto subscriber = it->second;
  subscriber->handler(delivery);
}

void BusMemory::subscribe(const std::string& gateway, std::function<void(const Delivery&)> handler,
                          std::function<void()> lost) {
  subscribers_[gateway] =
      std::make_shared<const Subscriber>(Subscriber{std::move(handler), std::move(lost)});
}

void BusMemory::unsubscribe(const std::string& gateway) {
  subscribers_.erase(gateway);
}

void BusMemory::notify_lost(const std::string& gateway) {
  auto it = subscribers_.find(gateway);
  if (it == subscribers_.end()) return;
  const auto subscriber = it->second;
  subscriber->lost();
}

}  // namespace kith::server
