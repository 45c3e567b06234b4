// Session: the state of one connection, from the first byte to the last. Pure: no sockets, no clock
// of its own.
#pragma once

#include <cstdint>
#include <string>

#include "kith/core/ids.h"
#include "server/auth/admission.h"
#include "server/dispatch/requester.h"
#include "server/gateway/listener.h"
#include "server/gateway/send_queue.h"

namespace kith::server {

// The reason and the way in which the server ends a session: the reason of Goodbye and the
// WebSocket close code (docs/protocol.md).
namespace close_code {
inline constexpr std::uint16_t kNormal = 1000;
inline constexpr std::uint16_t kPolicy = 1008;
inline constexpr std::uint16_t kDrain = 1012;
inline constexpr std::uint16_t kProtocol = 4400;
inline constexpr std::uint16_t kRevoked = 4401;
inline constexpr std::uint16_t kReplaced = 4409;
}  // namespace close_code

class Session {
 public:
  enum class State : std::uint8_t {
    kConnected,       // Hello, Register and SignIn are allowed
    kAuthenticating,  // one of them is being decided
    kReady,
    kClosing,  // the goodbye is on its way; input is ignored
  };
  struct Timing {
    std::int64_t hello_ms = 0;
    std::int64_t idle_ms = 0;
    std::int64_t lagging_ms = 0;
  };
  enum class Due : std::uint8_t { kNothing, kHello, kIdle, kTokenExpired, kSlow };

  Session(std::uint64_t id, ConnectionId connection, const Timing& timing,
          const SendQueue::Bounds& bounds, const std::string& address, std::int64_t now_ms)
      : requester{{{}, {}, id}, address},
        queue(bounds),
        connection_(connection),
        timing_(timing),
        opened_ms_(now_ms),
        heard_ms_(now_ms) {}

  [[nodiscard]] std::uint64_t id() const { return requester.caller.session; }
  [[nodiscard]] ConnectionId connection() const { return connection_; }
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool ready() const { return state_ == State::kReady; }
  [[nodiscard]] const Admission& admission() const { return admission_; }
  [[nodiscard]] const std::string& address() const { return requester.address; }

  void heard(std::int64_t now_ms) { heard_ms_ = now_ms; }
  [[nodiscard]] std::int64_t heard_ms() const { return heard_ms_; }
  void authenticating() { state_ = State::kAuthenticating; }
  // A Hello was refused, or a sign-in was refused or answered with a token: Hello may come within its limit again.
  void expect_hello(std::int64_t now_ms) {
    state_ = State::kConnected;
    opened_ms_ = now_ms;
  }
  // `expires_steady_ms`: when the token ends, on the monotonic clock; 0 = never.
  void admit(const Admission& admission, std::int64_t expires_steady_ms) {
    admission_ = admission;
    requester.caller.user = admission.user;
    requester.caller.device = admission.device;
    expires_steady_ms_ = expires_steady_ms;
    state_ = State::kReady;
  }
  void closing() { state_ = State::kClosing; }

  // The next moment at which due() may return more than kNothing.
  [[nodiscard]] std::int64_t deadline() const;
  [[nodiscard]] Due due(std::int64_t now_ms) const;

  // Why it may have missed pushes.
  enum class Missed : std::uint8_t {
    kNothing,
    kLate,  // it came into the registry after its Welcome
    kLost,  // the registry has lost it
  };

  Requester requester;  // the dispatcher's record of it
  SendQueue queue;
  // Requests before it was ready.
  struct Entry {
    std::uint64_t order = 0;        // among all sessions, as their connections were opened
    std::uint64_t number = 0;       // among those of its device, as that counts; 0: it does not
    std::uint32_t attempts = 0;     // Hello, Register, SignIn
    std::uint32_t early_pings = 0;  // before Hello
  } entry;
  // Its device holds another history, and gets SyncReset until it begins anew.
  struct History {
    bool foreign = false;
    std::int64_t kept_until_ms = 0;  // RunHistory::Verdict
  } history;
  // As SessionReading has it.
  struct Reading {
    bool held = false;  // its account has debts
    bool paused = false;
  } reading;
  // As Registration has it.
  struct Registered {
    bool asked = false;  // an add has no answer yet
    bool lost = false;   // the registry has lost its sessions meanwhile
    bool waits = false;  // for another attempt
    Missed missed = Missed::kNothing;
    std::uint32_t failures = 0;  // one after the other
  } registered;
  bool welcomed = false;
  bool resync_due = false;        // as ResyncBell has it
  std::size_t waiting = 0;        // as AnswersWaiting counts it
  bool background = false;        // presence and typing are held back
  std::int64_t scheduled_ms = 0;  // when Deadlines has it looked at; 0: not

 private:
  ConnectionId connection_;
  Timing timing_;
  State state_ = State::kConnected;
  Admission admission_;
  std::int64_t expires_steady_ms_ = 0;
  std::int64_t opened_ms_;
  std::int64_t heard_ms_;
};

}  // namespace kith::server
