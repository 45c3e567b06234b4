// SystemdNotify: tells systemd how the service is (sd_notify), where it asks for that.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace kith::server::daemon {

class SystemdNotify {
 public:
  // Reads NOTIFY_SOCKET and WATCHDOG_USEC, and removes them from the environment.
  SystemdNotify();

  // "READY=1", "STOPPING=1", "STATUS=…", lines as sd_notify(3) has them. Nobody asks: nothing.
  void notify(const std::string& state) const;
  // "RELOADING=1" with the time that systemd wants beside it.
  void reloading() const;
  // How often "WATCHDOG=1" is due; none: nobody watches.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog() const { return watchdog_; }

 private:
  std::string socket_;
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace kith::server::daemon
