// LateConnections stands between the core and the listener: the core wants its Connections before the
// listener can exist, which wants the core.
#pragma once

#include <cstdint>
#include <string_view>

#include "server/gateway/listener.h"

namespace kith::server {

class LateConnections : public Connections {
 public:
  void set(Connections* target) { target_ = target; }
  void send(ConnectionId id, std::string_view message) override {
    if (target_ != nullptr) target_->send(id, message);
  }
  std::size_t buffered(ConnectionId id) const override {
    return target_ == nullptr ? 0 : target_->buffered(id);
  }
  void close(ConnectionId id, std::uint16_t code, std::string_view reason) override {
    if (target_ != nullptr) target_->close(id, code, reason);
  }
  void pause_reading(ConnectionId id, bool paused) override {
    if (target_ != nullptr) target_->pause_reading(id, paused);
  }
  void signed_in(ConnectionId id) override {
    if (target_ != nullptr) target_->signed_in(id);
  }

 private:
  Connections* target_ = nullptr;
};

}  // namespace kith::server
