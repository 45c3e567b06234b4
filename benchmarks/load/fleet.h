// Fleet: many protocol-true sessions on one thread. It signs in, syncs, sends heartbeats and
// reconnects; its owner handles all other frames.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "benchmarks/load/clock.h"
#include "benchmarks/load/histogram.h"
#include "benchmarks/load/sockets_epoll.h"
#include "kith/core/ids.h"
#include "src/backoff.h"

namespace kith::v1 {
class ClientFrame;
class ConversationState;
class Hello;
class ServerFrame;
class SyncPage;
class Welcome;
}  // namespace kith::v1

namespace kith::bench {

// Called from within Fleet::run().
class FleetEvents {
 public:
  virtual ~FleetEvents() = default;
  // Reported by sync, before on_ready() and at each change.
  virtual void on_state(std::uint32_t, const v1::ConversationState&) {}
  // Signed in and in sync.
  virtual void on_ready(std::uint32_t) {}
  virtual void on_lost(std::uint32_t) {}
  // Every frame that is not Welcome, Pong or sync.
  virtual void on_frame(std::uint32_t, const v1::ServerFrame&) {}
  // Called after the sockets of one turn were read. Returns the time of the next call at the latest.
  virtual Micros on_turn(Micros now) { return now + kSecond; }
};

struct FleetOptions {
  client::ServerUrl url;
  std::string ca_pem;
  std::string token_secret;  // makes the token of each handle
  std::string token;         // instead: one given token, for one session
  std::string prefix;        // handles are PREFIX-0, PREFIX-1, …
  std::uint32_t sessions = 0;
  std::uint64_t cursor = 0;            // the sessions' cursor when they first come
  std::uint32_t connecting_max = 512;  // at a time
};

class Fleet : private SocketEvents {
 public:
  static Result<std::unique_ptr<Fleet>> create(FleetOptions options, FleetEvents& events);
  ~Fleet() override;

  [[nodiscard]] std::string handle(std::uint32_t session) const;
  [[nodiscard]] UserId user(std::uint32_t session) const { return UserId::of(handle(session)); }
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(all_.size()); }
  [[nodiscard]] std::uint32_t ready() const { return ready_; }
  [[nodiscard]] bool is_ready(std::uint32_t session) const;

  // Brings sessions [from, to) up, as fast as the server takes them, and waits until all are in
  // sync. The first one comes alone, and its failure is returned. Fails with kTimeout if the others
  // take too long.
  Status bring_up(std::uint32_t from, std::uint32_t to, Micros patience);
  // Opens sockets of [from, to) without signing in; hello() goes on. For measuring sign-ins alone.
  Status open_sockets(std::uint32_t from, std::uint32_t to, Micros patience);
  void hello(std::uint32_t session);
  // Ends sessions and keeps their state; they stay away until bring_up() or come_back().
  void leave(std::uint32_t from, std::uint32_t to);
  // Breaks every connection. Sessions come back by themselves, as the client SDK would; without `jitter`
  // all at once.
  void cut_all(bool jitter = true);
  // Lost sessions come back by themselves (the default), or stay away.
  void come_back_by_itself(bool on) { come_back_ = on; }

  // Chooses the request id and returns it (0 if the session is away).
  std::uint64_t request(std::uint32_t session, v1::ClientFrame& frame);
  void tell(std::uint32_t session, v1::ClientFrame& frame);  // no answer wanted

  // Runs until `done` returns true or `until` has come; calls `done` once a turn.
  bool run(Micros until, const std::function<bool()>& done);

  [[nodiscard]] const std::optional<Error>& fatal() const { return fatal_; }
  void fail(const Error& error);

  Histogram connect_times;  // from the first SYN to Welcome
  Histogram hello_times;    // from Hello to Welcome
  std::uint64_t signed_in = 0, disconnects = 0, connect_failures = 0;
  std::function<void(Micros)> every_second;  // progress

 private:
  enum class State : std::uint8_t { kAway, kWaiting, kConnecting, kOpen, kHello, kSyncing, kReady };
  struct One {
    State state = State::kAway;
    bool syncing = false;
    bool wants_sync = false;
    bool snapshot = false;
    bool hold_hello = false;
    bool ticket_refused = false;
    Micros began = 0;
    Micros said = 0;
    Micros pinged = 0;  // 0 = no Pong is missing
    Micros synced = 0;
    std::uint64_t last_request = 0;
    std::uint64_t hello_request = 0;
    std::uint64_t sync_request = 0;
    std::uint64_t cursor = 0;
    std::uint64_t snapshot_cursor = 0;
    std::string ticket;
    std::unique_ptr<Backoff> backoff;
  };

  Fleet(FleetOptions options, FleetEvents& events);
  void on_open(std::uint32_t session) override;
  void on_message(std::uint32_t session, std::string_view message) override;
  void on_close(std::uint32_t session, const Error& error) override;

  void connect_some();
  void welcomed(std::uint32_t session, const v1::Welcome& welcome);
  void refused(std::uint32_t session, const Error& error);
  void sync(std::uint32_t session, const std::string& page_token);
  void on_sync(std::uint32_t session, const v1::ServerFrame& frame);
  void synced(std::uint32_t session);
  void on_pong(std::uint32_t session, std::uint64_t feed_high, bool resync);
  void on_notice(std::uint32_t session, std::uint64_t version);
  void lost(std::uint32_t session, const Error& error);
  void keep_alive(Micros now);
  [[nodiscard]] std::string token_of(std::uint32_t session) const;
  void emit(std::uint32_t session, const v1::ClientFrame& frame);

  FleetOptions options_;
  bool at_once_ = false;  // cut_all() without jitter
  FleetEvents& events_;
  FastRandom random_;
  std::unique_ptr<Sockets> sockets_;
  std::vector<One> all_;
  std::queue<std::uint32_t> to_connect_;
  // When sessions try again, earliest first.
  using Retry = std::pair<Micros, std::uint32_t>;
  std::priority_queue<Retry, std::vector<Retry>, std::greater<>> retries_;
  std::uint32_t connecting_ = 0;
  std::uint32_t ready_ = 0;
  std::uint32_t opened_ = 0;
  std::uint32_t next_look_ = 0;
  Micros looked_ = 0;
  Micros second_ = 0;
  bool come_back_ = true;
  bool probing_ = false;
  std::optional<Error> fatal_;
};

}  // namespace kith::bench
