// A bound and listening TCP socket on one address, for the listeners.
#include "server/gateway/listening_socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace kith::server {
namespace {

constexpr int kBacklog = 4'096;  // capped by net.core.somaxconn

Error socket_error(const std::string& address, std::uint16_t port, int error) {
  const std::string where = address + " port " + std::to_string(port);
  if (error == EADDRINUSE) {
    return make_error(ErrorCode::kAddressInUse, where + " is already in use");
  }
  return make_error(ErrorCode::kIo, "cannot listen on " + where + ": " + std::strerror(error));
}

}  // namespace

Result<int> open_listening_socket(const std::string& address, std::uint16_t port, bool shared) {
  const bool brackets = address.size() > 2 && address.front() == '[' && address.back() == ']';
  const std::string host = brackets ? address.substr(1, address.size() - 2) : address;
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_family = brackets ? AF_INET6 : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    return make_error(ErrorCode::kInvalidArgument,
                      "'" + address + "' is not an IP address to listen on");
  }
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int error = fd < 0 ? errno : 0;
  if (error == 0) {
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (shared) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, kBacklog) != 0) {
      error = errno;
      ::close(fd);
    }
  }
  freeaddrinfo(found);
  if (error != 0) return socket_error(address, port, error);
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<sockaddr_in&>(address).sin_port);
}

}  // namespace kith::server
