// Dispatcher is the server's only interface to a front door, such as the gateway. It handles a request in four
// steps: it validates its form, looks up its cost, checks the account's limits, and lets a service answer it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "kith/core/random.h"
#include "kith/core/scheduler.h"
#include "kith/server/options.h"
#include "server/budget/entry_budget.h"
#include "server/budget/refusal_log.h"
#include "server/budget/request_cost.h"
#include "server/dispatch/account_limits.h"
#include "server/dispatch/entry_requests.h"
#include "server/dispatch/requester.h"
#include "server/dispatch/services.h"
#include "src/latency_histogram.h"
#include "src/request_view.h"
#include "src/timer.h"

namespace kith::server {

// The front door's next step with the session.
struct Verdict {
  enum class Next : std::uint8_t {
    kGoOn,
    kPause,          // reads no more of it for `ms`
    kEnd,            // ends it: requests went on over budget; it may come back after `ms`
    kProtocolError,  // ends it: what it sent is no request; `detail` says why
  };
  Next next = Next::kGoOn;
  std::uint32_t ms = 0;
  std::string detail{};
};

// Loop thread.
class Dispatcher {
 public:
  // All must outlive it.
  Dispatcher(const ServerOptions& options, SignIn& sign_in, Services& services,
             Scheduler& scheduler, Random& random);

  // Requests before there is a session.
  [[nodiscard]] EntryRequests& entry() { return entry_; }
  [[nodiscard]] AccountLimits& limits() { return accounts_; }

  // A session of `who.caller` has come. Returns the milliseconds for which it is not to be read.
  std::uint32_t open(Requester& who, bool active, const std::string& agent);
  void close(Requester& who);
  // The front door goes, and the session with it: no service is notified.
  void abandon(Requester& who) { accounts_.close(who); }
  void session_active(const Requester& who, bool active) {
    services_.session_active(who.caller, active);
  }

  // One request of an open session; `bytes`: the size of its frame. The session may be closed inside the call.
  Verdict handle(Requester& who, const RequestView& request, std::size_t bytes);
  Verdict handle(Requester& who, v1::ClientFrame& frame, std::size_t bytes);
  // The request has its answer. `who`: null if the session has gone.
  void answered(Requester* who, const ReplySink::Request& request);
  // The milliseconds until the session has paid for its acknowledgements.
  [[nodiscard]] std::uint32_t debt_ms(const Requester& who) const {
    return accounts_.debt_ms(who, Spend::kAck);
  }

  void feed_high(const UserId& user, Done<FeedVersion> done) {
    services_.feed_high(user, std::move(done));
  }
  [[nodiscard]] bool shares_receipts(const Requester& who) const {
    return services_.shares_receipts(who.caller.user);
  }
  void failed(const Error& error) { services_.failed(error); }
  // The front door has ended a session: for frames that are none, or for too many sessions of its account.
  void note_protocol_error(const Requester& who) {
    refusals_.note(RefusalClass::kProtocol, who.address);
  }
  void note_crowded(const Requester& who) { refusals_.note(RefusalClass::kExcess, who.address); }

  void add_stats(std::map<std::string, std::uint64_t>& into) const;
  // From a frame with messages to their answer, which says SENT.
  [[nodiscard]] const LatencyHistogram& sent() const { return sent_; }

 private:
  Verdict acknowledge(Requester& who, const RequestView& request, const RequestCost& cost);
  // Takes the cost. False: it is refused, and `verdict` says what follows.
  bool allow(Requester& who, const RequestCost& cost, std::uint64_t req_id, Verdict& verdict);
  Verdict refuse(Requester& who, const RequestCost& cost, std::uint64_t req_id,
                 std::uint32_t wait_ms);
  Verdict refuse_invalid(Requester& who, std::uint64_t req_id, std::size_t bytes,
                         const Error& error);
  // Never 0.
  [[nodiscard]] std::uint32_t now_us() const;
  void report_refusals();

  Services& services_;
  Scheduler& scheduler_;
  const std::function<void(const LogLine&)> log_;
  RefusalLog refusals_;
  EntryBudget addresses_;
  AccountLimits accounts_;
  EntryRequests entry_;
  LatencyHistogram sent_;
  std::uint64_t rate_limited_ = 0;
  Timer report_;
};

}  // namespace kith::server
