// The bus of one process: publishing calls the gateway's handler.
#include "server/adapters/embedded/bus_memory.h"

#include <utility>

namespace kith::server {

void BusMemory::publish(const std::string& gateway, const Delivery& delivery) {
  auto it = handlers_.find(gateway);
  if (it == handlers_.end()) return;  // at most once: nobody is there
  const auto handler = it->second;
  (*handler)(delivery);
}

void BusMemory::subscribe(const std::string& gateway,
                          std::function<void(const Delivery&)> handler) {
  handlers_[gateway] = std::make_shared<std::function<void(const Delivery&)>>(std::move(handler));
}

void BusMemory::unsubscribe(const std::string& gateway) {
  handlers_.erase(gateway);
}

}  // namespace kith::server
