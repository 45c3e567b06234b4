// A listener with a recording handler, transports that can be waited for, and a raw socket that
// speaks WebSocket by hand.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "client/transport_lws.h"
#include "kith/server/dev_certificate.h"
#include "server/gateway/listener_lws.h"
#include "src/loop/loop_uv.h"

namespace kith::test {

constexpr auto kPatience = std::chrono::seconds(60);  // a bound for a hung test, never a measure

// State that one thread changes and another waits for.
class Watched {
 public:
  void change(const std::function<void()>& how) {
    const std::lock_guard lock(mutex_);
    how();
    changed_.notify_all();
  }
  bool wait(const std::function<bool()>& until) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, until);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

inline std::string read_file(const std::string& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline const server::DevCertificate& dev_certificate() {
  static const server::DevCertificate files = [] {
    std::string place = (std::filesystem::temp_directory_path() / "kith_cert_XXXXXX").string();
    if (mkdtemp(place.data()) == nullptr) std::abort();
    return server::ensure_dev_certificate(place).value();
  }();
  return files;
}

class TestServer : public server::ConnectionHandler {
 public:
  explicit TestServer(bool tls = false, std::uint32_t shards = 1,
                      std::uint32_t connections_max = 0) {
    server::ListenerOptions options;
    options.shards = shards;
    options.connections_max = connections_max;
    options.handshakes_per_s = 100'000;
    if (tls) {
      options.tls_certificate_file = dev_certificate().certificate_file;
      options.tls_key_file = dev_certificate().key_file;
    }
    auto opened = server::ListenerLws::open(options, loop, *this);
    if (!opened) throw std::runtime_error(opened.error().to_string());
    listener = std::move(*opened);
    tls_ = tls;
    loop.start();
  }
  ~TestServer() override {
    loop.run_sync([this] { listener.reset(); });
  }

  std::string url(const std::string& host = "127.0.0.1") const {
    return std::string(tls_ ? "wss://" : "ws://") + host + ":" + std::to_string(listener->port()) +
           "/v1/ws";
  }

  void on_open(server::ConnectionId id, const server::PeerInfo& peer) override {
    watched.change([&] {
      ids.push_back(id);
      last_peer = peer;
    });
  }
  void on_message(server::ConnectionId id, std::string_view message) override {
    if (echo) listener->send(id, message);
    watched.change([&] {
      bytes += message.size();
      messages.emplace_back(message);
    });
  }
  void on_drained(server::ConnectionId) override {
    watched.change([&] { ++drained; });
  }
  void on_close(server::ConnectionId id) override {
    watched.change([&] { closed.push_back(id); });
  }

  LoopUv loop;
  std::unique_ptr<server::ListenerLws> listener;
  Watched watched;
  bool echo = true;
  std::vector<server::ConnectionId> ids;
  std::vector<server::ConnectionId> closed;
  std::vector<std::string> messages;
  std::size_t bytes = 0;
  int drained = 0;
  server::PeerInfo last_peer;

 private:
  bool tls_ = false;
};

class TestPeer : public client::TransportListener {
 public:
  TestPeer(LoopUv& loop, client::TransportFactory& factory, const std::string& url,
           const std::string& ca = {}, const std::string& proxy = {})
      : loop_(loop) {
    loop_.run_sync([&] { transport = factory.open({url, ca, proxy}, *this); });
  }
  ~TestPeer() override {
    loop_.run_sync([this] { transport.reset(); });
  }
  void on_open() override {
    watched.change([this] { open = true; });
  }
  void on_message(std::string_view message) override {
    watched.change([&] { messages.emplace_back(message); });
  }
  void on_close(std::uint16_t close_code, const Error& why) override {
    watched.change([&] {
      ++closes;
      code = close_code;
      error = why;
    });
  }
  bool wait_open() {
    return watched.wait([this] { return open || closes > 0; }) && open;
  }
  bool wait_closed() {
    return watched.wait([this] { return closes > 0; });
  }
  bool wait_messages(std::size_t count) {
    return watched.wait([&] { return messages.size() >= count || closes > 0; }) &&
           messages.size() >= count;
  }
  void send(const std::string& message) {
    loop_.run_sync([&] { transport->send(message); });
  }

  Watched watched;
  std::unique_ptr<client::Transport> transport;
  bool open = false;
  int closes = 0;
  std::uint16_t code = 0;
  Error error;
  std::vector<std::string> messages;

 private:
  LoopUv& loop_;
};

// A client loop with its transports.
struct ClientSide {
  ClientSide() {
    loop.start();
    loop.run_sync([this] { factory = client::make_lws_transport_factory(loop); });
  }
  explicit ClientSide(client::Resolve resolve) {
    loop.start();
    loop.run_sync([&] { factory = client::make_lws_transport_factory(loop, std::move(resolve)); });
  }
  ~ClientSide() {
    loop.run_sync([this] { factory.reset(); });
  }
  LoopUv loop;
  std::unique_ptr<client::TransportFactory> factory;
};

struct RawFrame {
  int opcode = -1;  // -1: the connection ended
  std::string payload;
  std::uint16_t close_code() const {
    return payload.size() < 2
               ? 0
               : static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8 |
                                            static_cast<unsigned char>(payload[1]));
  }
};

// Calls with a time limit are never restarted after an interruption (signal(7)), and there may be
// one without any signal: libuv 1.50 gives a loop an io_uring, whose end interrupts the thread that
// made the loop.
class RawSocket {
 public:
  explicit RawSocket(std::uint16_t port, int receive_buffer = 0) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer != 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    const timeval patience{30, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  virtual ~RawSocket() { ::close(fd_); }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = put(bytes);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  // Sends an HTTP request; returns the head of the answer.
  std::string request(const std::string& path, bool upgrade) {
    std::string text = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n";
    if (upgrade) {
      text +=
          "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: kith.v1\r\n";
    }
    write(text + "\r\n");
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) {
      std::string byte = read(1);
      if (byte.empty()) break;
      head += byte;
    }
    return head;
  }
  bool upgrade() { return request("/v1/ws", true).starts_with("HTTP/1.1 101"); }

  std::string read(std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      const ssize_t n = get(bytes.data() + got, size - got);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      got += static_cast<std::size_t>(n);
    }
    bytes.resize(got);
    return bytes;
  }
  static std::string frame(int opcode, std::string payload, bool final = true) {
    std::string out(1, static_cast<char>((final ? 0x80 : 0) | opcode));
    if (payload.size() < 126) {
      out += static_cast<char>(0x80 | payload.size());
    } else if (payload.size() < 65536) {
      out += static_cast<char>(0x80 | 126);
      out += static_cast<char>(payload.size() >> 8);
      out += static_cast<char>(payload.size());
    } else {
      out += static_cast<char>(0x80 | 127);
      for (int shift = 56; shift >= 0; shift -= 8)
        out += static_cast<char>(payload.size() >> shift);
    }
    const std::string mask = "\x11\x22\x33\x44";
    out += mask;
    for (std::size_t i = 0; i < payload.size(); ++i) {
      payload[i] = static_cast<char>(payload[i] ^ mask[i % 4]);
    }
    return out + payload;
  }
  RawFrame read_frame() {
    const std::string head = read(2);
    if (head.size() < 2) return {};
    std::size_t size = static_cast<unsigned char>(head[1]);
    if (size >= 126) {
      const std::string more = read(size == 126 ? 2 : 8);
      size = 0;
      for (const char c : more) size = size << 8 | static_cast<unsigned char>(c);
    }
    RawFrame frame{static_cast<unsigned char>(head[0]) & 0x0f, read(size)};
    if (frame.payload.size() != size) return {};
    return frame;
  }
  bool connected() const { return connected_; }

 protected:
  // As much as goes at once; 0 or less: the connection ended. TLS stands here when there is any.
  virtual ssize_t put(std::string_view bytes) {
    return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  virtual ssize_t get(char* into, std::size_t size) { return recv(fd_, into, size, 0); }
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
  bool connected_ = false;
};

}  // namespace kith::test
