// SystemdNotify: tells systemd how the service is (sd_notify), where it asks for that.
#include "server/daemon/systemd_notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "kith/core/time.h"

namespace kith::server::daemon {
namespace {

std::string taken(const char* name) {
  const char* value = getenv(name);
  std::string text = value == nullptr ? "" : value;
  unsetenv(name);
  return text;
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value <= 0) return std::nullopt;
  return value;
}

}  // namespace

SystemdNotify::SystemdNotify() : socket_(taken("NOTIFY_SOCKET")) {
  const auto every_us = number(taken("WATCHDOG_USEC"));
  const auto watched = number(taken("WATCHDOG_PID"));
  if (!every_us || (watched && *watched != getpid())) return;
  watchdog_ = std::chrono::microseconds(*every_us / 2);
}

void SystemdNotify::notify(const std::string& state) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool known = !socket_.empty() && (socket_[0] == '/' || socket_[0] == '@');
  if (!known || socket_.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_[0] == '@') address.sun_path[0] = '\0';  // the abstract namespace
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  (void)::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                 reinterpret_cast<const sockaddr*>(&address), size);
  ::close(fd);
}

void SystemdNotify::reloading() const {
  notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(system_clock().steady_us()));
}

}  // namespace kith::server::daemon
