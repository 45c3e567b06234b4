// Received_bytes: a file of its own because the kernel's tcp_info, which counts bytes, and glibc's
// do not fit in one.
#include "client/transport/received_bytes.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace kith::client {

std::uint64_t received_bytes(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  // The end of the stream counts as one.
  return info.tcpi_bytes_received > 1 ? info.tcpi_bytes_received : 0;
}

}  // namespace kith::client
