// Sockets: many thousand WebSocket connections of one thread on epoll. Frames sent during a turn
// leave in one write per connection at its end.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/load/clock.h"
#include "benchmarks/load/tls_openssl.h"
#include "client/transport/url.h"
#include "kith/core/result.h"

namespace kith::bench {

// Called from within Sockets::turn() only. After on_close the connection may be opened again.
class SocketEvents {
 public:
  virtual ~SocketEvents() = default;
  virtual void on_open(std::uint32_t index) = 0;
  virtual void on_message(std::uint32_t index, std::string_view message) = 0;
  // Not for connections that were ended by close() or cut().
  virtual void on_close(std::uint32_t index, const Error& error) = 0;
};

class Sockets {
 public:
  // Resolves the host once. kDnsFailed, kTrustStoreEmpty; kLimitExceeded if this process may not
  // open that many descriptors.
  static Result<std::unique_ptr<Sockets>> create(const client::ServerUrl& url,
                                                 const std::string& ca_pem, std::uint32_t capacity,
                                                 SocketEvents& events);
  ~Sockets();
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;

  // on_open or on_close follows.
  void connect(std::uint32_t index);
  void send(std::uint32_t index, std::string_view message);
  // Closes the WebSocket and forgets it.
  void close(std::uint32_t index);
  // Breaks the connection silently, as a lost network would.
  void cut(std::uint32_t index);

  // Writes pending output, waits for the sockets (0 = only polls), reports events, writes again.
  void turn(Micros wait);

 private:
  enum class State : std::uint8_t { kClosed, kConnecting, kTls, kUpgrading, kOpen, kLeaving };
  struct Link {
    int fd = -1;
    std::uint32_t generation = 0;  // counts connections; an event of an older one is void
    State state = State::kClosed;
    bool dirty = false;
    bool wants_write = false;
    ssl_st* ssl = nullptr;
    std::string in;       // the beginning of a frame
    std::string message;  // the beginning of a fragmented message
    std::string out;
    TlsSession session;
  };

  Sockets(const client::ServerUrl& url, std::uint32_t capacity, SocketEvents& events);
  Status resolve();
  void begin_upgrade(std::uint32_t index);
  void handshake(std::uint32_t index);
  void connected(std::uint32_t index);
  void readable(std::uint32_t index);
  bool take(std::uint32_t index, std::string_view bytes);
  std::size_t take_frames(std::uint32_t index, std::string_view bytes);
  bool take_frame(std::uint32_t index, std::uint8_t op, bool fin, std::string_view payload);
  void mark_dirty(std::uint32_t index);
  void flush();
  void flush_link(std::uint32_t index);
  void watch(std::uint32_t index, bool write);
  void fail(std::uint32_t index, const Error& error);
  void drop(std::uint32_t index);

  client::ServerUrl url_;
  SocketEvents& events_;
  std::unique_ptr<Tls> tls_;
  int epoll_ = -1;
  sockaddr_storage address_{};
  socklen_t address_size_ = 0;
  std::string upgrade_;
  std::string accept_;
  std::vector<Link> links_;
  std::vector<std::uint32_t> dirty_;
  std::vector<std::pair<std::uint32_t, Error>> failed_;  // inside connect(), reported by turn()
  std::string scratch_;
  FastRandom random_;
};

}  // namespace kith::bench
