// ServerTime: the server's clock as far as this device knows it, measured on the device's monotonic one.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kith/core/time.h"

namespace kith::client {

class ServerTime {
 public:
  explicit ServerTime(Clock& clock) : clock_(clock) {}

  // The server has said its time just now; 0: it said none.
  void on_welcome(std::int64_t server_ms) {
    ahead_ms_ = server_ms - clock_.steady_ms();
    told_ = server_ms > 0;
  }
  // `ms` is what ms() returned in an earlier life of the process.
  void remember(std::int64_t ms) { remembered_ms_ = ms; }

  // Never later than the truth; 0 = unknown.
  [[nodiscard]] std::int64_t ms() const { return std::max(remembered_ms_, told_ms()); }
  // The same of this process alone: what the server has said since it began.
  [[nodiscard]] std::int64_t told_ms() const { return told_ ? ahead_ms_ + clock_.steady_ms() : 0; }
  // How long until the server's clock shows `ms`.
  [[nodiscard]] std::int64_t until(std::int64_t ms) const {
    return ms - ahead_ms_ - clock_.steady_ms();
  }

 private:
  Clock& clock_;
  std::int64_t ahead_ms_ = 0;  // server time minus this device's monotonic clock
  std::int64_t remembered_ms_ = 0;
  bool told_ = false;
};

}  // namespace kith::client
