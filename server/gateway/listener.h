// Listener: the seam between sockets and sessions. The gateway knows connections only by id;
// libwebsockets stays behind it.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace kith::server {

// Names one connection for good: indexes are reused, generations are not. Never a pointer.
struct ConnectionId {
  std::uint32_t shard = 0;
  std::uint32_t index = 0;
  std::uint32_t generation = 0;
  friend auto operator<=>(const ConnectionId&, const ConnectionId&) = default;
};

struct PeerInfo {
  // Without port; IPv4 never as IPv6. As a trusted proxy reports it, if there is one.
  std::string address;
  // The key of limits by address: the address, or the /64 of an IPv6 address.
  std::string group;
  bool tls = false;
};

// The gateway's calls to the sockets, on the loop of the services only. A call with the id of a
// closed connection does nothing.
class Connections {
 public:
  virtual ~Connections() = default;
  // Appends one binary message. Everything appended during one loop turn leaves in one write at its
  // end.
  virtual void send(ConnectionId id, std::string_view message) = 0;
  // Bytes accepted by send() and not yet taken by the kernel.
  virtual std::size_t buffered(ConnectionId id) const = 0;
  // Flushes the output, then closes with a WebSocket close code (RFC 6455 section 7.4); on_close
  // follows, not inside the call. A peer that does not take the rest within 2 s is cut.
  virtual void close(ConnectionId id, std::uint16_t code, std::string_view reason) = 0;
  // Stops or resumes reading from the socket (back-pressure towards the client).
  virtual void pause_reading(ConnectionId id, bool paused) = 0;
  // The connection has signed in: it no longer gives way to arriving ones.
  virtual void signed_in(ConnectionId) {}
  // The user of the connection is of another home (users/home.h), which gets it, and `frame`, which has shown it.
  // For this handler the connection has ended, and no on_close follows. Only where there are several homes.
  virtual void pass_on(ConnectionId id, std::uint32_t home, std::string_view frame) {
    (void)home, (void)frame;
    close(id, 1012, "");
  }
};

// Events of the sockets for the gateway. Called on the loop of the services, in order per
// connection; on_close is the last.
class ConnectionHandler {
 public:
  virtual ~ConnectionHandler() = default;
  virtual void on_open(ConnectionId id, const PeerInfo& peer) = 0;
  // One whole binary message of at most limits::frame_bytes_max (larger ones close with 1009, text
  // with 1003, before this).
  virtual void on_message(ConnectionId id, std::string_view message) = 0;
  // buffered() has fallen to zero, after it was above zero at the end of a loop turn or at least
  // limits::write_ahead_bytes at any time.
  virtual void on_drained(ConnectionId id) = 0;
  virtual void on_close(ConnectionId id) = 0;
};

}  // namespace kith::server
