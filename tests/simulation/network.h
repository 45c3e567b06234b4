// The simulated network: ordered streams of frames between devices and the server, as WebSockets
// are, and the faults of such a stream.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "client/transport.h"
#include "tests/simulation/entrance.h"
#include "tests/simulation/seeded_random.h"
#include "tests/simulation/trace.h"
#include "tests/simulation/virtual_time.h"

namespace kith::sim {

// Numbers from here on are no devices of anybody's; all of them come from the address of the first device.
inline constexpr std::size_t kFirstStranger = 100;

// Called with every frame when its author sends it.
class NetworkWatch {
 public:
  virtual ~NetworkWatch() = default;
  virtual void connects(std::size_t device) = 0;
  // The device's connections are half-open from now on: no frame that it sends on them arrives.
  virtual void falls_silent(std::size_t device) = 0;
  virtual void server_says(std::size_t device, std::string_view frame) = 0;
  virtual void device_says(std::size_t device, std::string_view frame) = 0;
  // The server's process reads it.
  virtual void server_hears(std::size_t device, std::string_view frame) = 0;
};

class Network : public Entrance {
 public:
  Network(VirtualTime& time, SeededRandom& random, Trace& trace, NetworkWatch& watch)
      : time_(time), random_(random), trace_(trace), watch_(watch) {}
  ~Network() override { time_.forget(kOwner); }

  // --- server side ---
  void listen(server::ConnectionHandler& handler, Node& node) override {
    open_door(0, handler, node);
  }
  void server_died() override { close_door(0); }
  // Devices come by one of `count` doors, each of another process. Their owners watch the frames themselves.
  void use_doors(std::size_t count) {
    doors_.assign(count, {});
    watches_ = false;
  }
  [[nodiscard]] std::size_t doors() const { return doors_.size(); }
  void open_door(std::size_t door, server::ConnectionHandler& handler, Scheduler& loop) {
    doors_.at(door) = {&handler, &loop};
  }
  // The process behind the door ends, as with server_died().
  void close_door(std::size_t door);
  [[nodiscard]] std::size_t device_of(server::ConnectionId id) const {
    return links_.at(id.index).device;
  }
  void send(server::ConnectionId id, std::string_view message) override;
  std::size_t buffered(server::ConnectionId id) const override;
  void close(server::ConnectionId id, std::uint16_t code, std::string_view reason) override;
  void pause_reading(server::ConnectionId id, bool paused) override;

  // --- device side ---
  std::unique_ptr<client::Transport> open(std::size_t device, client::TransportListener& listener);
  // The device's process is as good as dead: no further frame leaves it.
  void mute(std::size_t device, bool muted);

  // --- faults ---
  void set_delay(std::int64_t from, std::int64_t to);
  void cut(std::size_t device);                    // both sides notice, each in its own time
  void silence(std::size_t device);                // half-open: neither side notices
  void stall(std::size_t device, bool stalled);    // the device does not read its socket
  void strand(std::size_t device, bool stranded);  // new connections lead nowhere
  void heal();
  // Broken on purpose (rules.h): some answers of the server never reach the socket …
  void lose_answers() { loses_answers_ = true; }
  // … or the devices do not see that pushes may be missing …
  void hide_resyncs() { hides_resyncs_ = true; }
  // … or answers carry something else.
  using Garbled = std::function<std::string(std::size_t device, std::string_view message)>;
  void garble(Garbled how) { garble_ = std::move(how); }

  [[nodiscard]] std::size_t most_buffered() const { return most_buffered_; }
  [[nodiscard]] std::uint64_t opened() const { return last_; }

 private:
  class Socket;
  struct Door {
    server::ConnectionHandler* handler = nullptr;  // null: nobody is there
    Scheduler* loop = nullptr;
  };
  struct Link {
    std::size_t device = 0;
    std::size_t door = 0;
    client::TransportListener* listener = nullptr;  // null: its transport is gone
    bool server_open = false;                       // between on_open and on_close
    bool device_open = false;                       // on_open was called
    bool device_closed = false;                     // on_close was called
    bool broken = false;                            // no frame arrives any more
    bool silent = false;
    bool stalled = false;
    bool paused = false;
    bool flushing = false;
    std::optional<std::uint16_t> closing;
    std::deque<std::string> out;  // from the server, not yet taken by its kernel
    std::size_t out_bytes = 0;
    std::size_t wire_bytes = 0;       // taken, not yet read by the device
    std::deque<std::string> unread;   // arrived at a device that does not read
    std::deque<std::string> unheard;  // arrived at a server that has paused reading
    std::int64_t to_device = 0;       // nothing arrives before what was sent earlier
    std::int64_t to_server = 0;
  };
  using Key = std::uint32_t;

  Link* find(Key key);
  // Null: nobody is behind the door of the link any more.
  [[nodiscard]] server::ConnectionHandler* handler_of(const Link& link) const {
    return doors_[link.door].handler;
  }
  std::int64_t delay() { return random_.between(delay_from_, delay_to_); }
  void later(std::int64_t wait, std::function<void()> task);
  void connect(Key key);
  void device_send(Key key, std::string message);
  void device_leave(Key key, bool orderly);
  void flush(Key key);
  void arrive_at_device(Key key, std::string message);
  void arrive_at_server(Key key, std::string message);
  void hear(Key key);
  void hand_over(Key key, std::string_view message);
  void read(Key key);
  void take(Key key, std::string_view message);
  void finish_close(Key key);
  void tell_server_closed(Key key);
  void tell_device_closed(Key key, std::uint16_t code, ErrorCode why);
  void drop_if_over(Key key);
  static server::ConnectionId id_of(Key key) { return {0, key, 1}; }

  static constexpr std::uint64_t kOwner = ~std::uint64_t{0};
  static constexpr std::size_t kKernelBytes = 32 * 1024;  // of socket buffers, both ends together
  VirtualTime& time_;
  SeededRandom& random_;
  Trace& trace_;
  NetworkWatch& watch_;
  std::vector<Door> doors_{1};
  bool watches_ = true;
  Key last_ = 0;
  std::map<Key, Link> links_;
  std::set<std::size_t> muted_;
  std::set<std::size_t> stalled_;
  std::set<std::size_t> stranded_;
  std::int64_t delay_from_ = 1;
  std::int64_t delay_to_ = 20;
  std::size_t most_buffered_ = 0;
  bool loses_answers_ = false;
  bool hides_resyncs_ = false;
  Garbled garble_;
  std::uint64_t answers_ = 0;
};

}  // namespace kith::sim
