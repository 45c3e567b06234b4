// Gateway: every connection of this process. Opens sessions, checks and counts what they ask,
// answers each request once, and brings pushes to their sockets within the bounds of SendQueue.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "kith/core/random.h"
#include "kith/server/options.h"
#include "kith/server/ports/bus.h"
#include "kith/server/ports/session_registry.h"
#include "server/auth/door.h"
#include "server/budget/account_budget.h"
#include "server/budget/entry_budget.h"
#include "server/budget/refusal_log.h"
#include "server/budget/request_cost.h"
#include "server/gateway/answers_waiting.h"
#include "server/gateway/listener.h"
#include "server/gateway/session.h"
#include "server/gateway/session_table.h"
#include "src/latency_histogram.h"
#include "server/records/run_history.h"
#include "server/delivery/push.h"
#include "server/requests/caller.h"
#include "server/requests/reply.h"
#include "src/request_view.h"
#include "src/scheduler.h"

namespace kith::v1 {
class ChangePassword;
class ClientFrame;
class Hello;
class Ping;
class Register;
class ServerFrame;
class SyncRequest;
class SignIn;
class SignedIn;
}  // namespace kith::v1

namespace kith::server {

// What the gateway calls in the services. Loop thread.
struct GatewayHooks {
  // Handles one valid request; both may be moved from. False if nobody knows it: then the reply is as
  // it was. `Reply` is null for frames that have no answer.
  std::function<bool(const Caller&, v1::ClientFrame&, Reply&)> request;
  std::function<void(const Caller&, bool active, const std::string& agent)> opened;
  std::function<void(const Caller&)> closed;
  std::function<void(const Caller&, bool active)> activity;
  std::function<void(const UserId&, Done<Position>)> feed_high;
  // The same as `request` for what a RequestView holds, which is nearly everything.
  std::function<void(const Caller&, const RequestView&, Reply&&)> often;
  // A request met a failure of the server's own. May be null.
  std::function<void(const Error&)> failed = nullptr;
  // Ends the user's account for good, with all its sessions once `done` has been called.
  std::function<void(const UserId&, Done<void>)> remove_account{};
};

struct GatewayPorts {
  Door& door;
  SessionRegistry& registry;
  Bus& bus;
  Scheduler& scheduler;
  Random& random;
  Connections& connections;
  const RunHistory* runs = nullptr;
};

class Gateway : public ConnectionHandler {
 public:
  // `name` is the gateway's name on the bus and in the registry.
  Gateway(std::string name, const ServerOptions& options, const GatewayPorts& ports,
          GatewayHooks hooks);
  ~Gateway() override;

  void on_open(ConnectionId id, const PeerInfo& peer) override;
  void on_message(ConnectionId id, std::string_view message) override;
  void on_drained(ConnectionId id) override;
  void on_close(ConnectionId id) override;

  // Says goodbye to all, evenly over `window`; `done` once, when all are gone or the window is
  // over.
  void drain(std::chrono::milliseconds window, std::function<void()> done);
  // Ends the sessions of a user: of one device or all, but not of `spared`.
  void end_revoked(const UserId& user, const DeviceId* device, const DeviceId* spared = nullptr);
  [[nodiscard]] bool online(const UserId& user, const DeviceId& device) const;
  // What a request has turned out to cost its account on top of its price.
  void charge(const Caller& caller, Spend kind, std::uint32_t cost);
  // The milliseconds until the account may spend again; 0 = now.
  [[nodiscard]] std::uint32_t wait_for(const Caller& caller, Spend kind);
  // The same of people who were asked for otherwise than by GetUsers, in what the account and its address may look up.
  void charge_lookups(const Caller& caller, std::uint32_t people);
  [[nodiscard]] std::uint32_t wait_for_lookups(const Caller& caller);
  // Admission::token_id of a session; empty if it is gone.
  [[nodiscard]] std::string token_of(std::uint64_t session) const;

  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }
  void add_stats(std::map<std::string, std::uint64_t>& into) const;
  // From a frame with messages to their answer, which says SENT.
  [[nodiscard]] const LatencyHistogram& sent() const { return sent_; }

 private:
  struct Farewell {
    int reason = 0;  // v1::GoodbyeReason
    std::uint16_t code = close_code::kNormal;
    std::uint32_t retry_after_ms = 0;
    std::string detail;
  };

  // What becomes of a request is told here, as long as the gateway is there.
  struct Desk : ReplyDesk {
    explicit Desk(Gateway& g) : gateway(&g) {}
    void answer(const Request& request, v1::ServerFrame&& frame) override;
    void answer(const Request& request, std::string_view frame) override;
    void failed(const Error& error) override;
    void unanswered(const Request& request) override;
    Gateway* gateway;
  };
  // What becomes of a connection whose entry was refused.
  enum class Connection : std::uint8_t { kStays, kEnds };

  Session* find(ConnectionId id) const;
  Session* find(std::uint64_t id) const;
  void schedule(Session& session);
  void tick();
  void before_hello(Session& session, const v1::ClientFrame& frame);
  // Counts one of the few sign-ins of a connection; false: it was one too many.
  bool attempt(Session& session, std::uint64_t req_id);
  void sign_in(Session& session, const v1::SignIn& request, const Reply& reply);
  void register_account(Session& session, const v1::Register& request, const Reply& reply);
  void entered(std::uint64_t id, const Reply& reply, Result<v1::SignedIn> answer);
  [[nodiscard]] bool token_refused(Session& session, const Error& error);
  // Answers late: who tries on without a pause keeps a connection busy, and nothing else.
  void refuse_entry(Session& session, const Reply& reply, const Error& error, Connection then);
  void hello(Session& session, const v1::ClientFrame& frame, const Reply& reply);
  bool replace_older(Session& session, const Admission& admission);
  void make_room(const UserId& user);
  void admitted(std::uint64_t id, const v1::Hello& hello, const Reply& reply,
                const Result<Admission>& admission);
  void welcome(std::uint64_t id, const v1::Hello& hello, const Reply& reply, Position feed_high);
  void in_session(Session& session, v1::ClientFrame& frame);
  void in_session(Session& session, const RequestView& request, std::size_t bytes);
  static void claim_history(Session& session, v1::SyncRequest& request);
  void ping(Session& session, const v1::Ping& ping, const Reply& reply);
  void renew(Session& session, const std::string& token, const Reply& reply);
  void change_password(Session& session, const v1::ChangePassword& request, const Reply& reply);
  void delete_account(Session& session, const std::string& password, const Reply& reply);
  // A password that a session proves counts as one that is said at a sign-in; false: refused.
  bool begin_proof(Session& session, const Reply& reply, SignInAttempt& tried);
  void end_proof(const SignInAttempt& tried, const std::string& address, const Status& proven);
  [[nodiscard]] std::int64_t steady(std::int64_t wall_ms) const;
  void open_budget(Session& session);
  // Takes what it costs; if that is too much answers it with an error, and false.
  bool allow(Session& session, const RequestCost& cost, std::uint64_t req_id);
  std::uint32_t take(Session& session, const RequestCost& cost);
  void refuse(Session& session, const RequestCost& cost, std::uint64_t req_id,
              std::uint32_t wait_ms);
  void refuse_invalid(Session& session, std::uint64_t req_id, std::size_t bytes,
                      const Error& error);
  void acknowledged(Session& session, const RequestView& request, const RequestCost& cost);
  // Reads no more of it for a while, and until the debt of its account is paid.
  void hold(Session& session, std::uint32_t ms);
  void count_waiting(Session& session);
  void update_reading(Session& session);
  void tell_refusals();
  Reply replier(Session& session, std::uint64_t req_id, std::uint32_t unacked = 0,
                std::uint32_t asked_us = 0);
  // Never 0.
  [[nodiscard]] std::uint32_t now_us() const;
  void protocol_error(Session& session, std::uint64_t req_id, const std::string& detail);
  void deliver(const Delivery& delivery);
  void push(Session& session, const Push& push);
  bool send_at_once(Session& session, std::string_view frame);
  void queue(Session& session, const Push& push);
  // Its request is no longer waiting. Null: nobody is there to answer.
  Session* asking(const ReplyDesk::Request& request);
  void answer(const ReplyDesk::Request& request, v1::ServerFrame& frame);
  void answer(const ReplyDesk::Request& request, std::string_view frame);
  // In place of an answer that is missing or does not fit into a frame: nobody waits in vain.
  void answer_failed(const ReplyDesk::Request& request, const char* why);
  void unanswered(const ReplyDesk::Request& request);
  void send_answer(Session& session, DeliveryClass cls);
  void pump(Session& session);
  void end(Session& session, const Farewell& farewell);
  void leave(Session& session);
  void drain_step();

  const std::string name_;
  std::string answer_;  // the one that is being encoded: keeps its memory
  RequestView view_;    // the one that is being read: likewise
  const ServerOptions options_;
  GatewayPorts ports_;
  GatewayHooks hooks_;
  SessionTable sessions_;
  std::vector<std::vector<Session*>> by_connection_;  // by shard and index; null: none
  std::unordered_map<UserId, std::vector<std::uint64_t>> by_user_;  // ready ones
  AccountBudgets accounts_;
  AnswersWaiting waiting_;
  std::unordered_map<UserId, AccountBudget> budgets_;  // of those who have sessions
  EntryBudget entry_;
  RefusalLog refusals_;

  // Deadlines, earliest first; an entry is void unless it is the session's scheduled_ms.
  using Entry = std::pair<std::int64_t, std::uint64_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> deadlines_;
  Scheduler::TimerId tick_ = 0;

  struct Drain {
    std::vector<std::uint64_t> order;
    std::size_t next = 0;
    std::int64_t start_ms = 0;
    std::int64_t window_ms = 0;
    std::function<void()> done;
  };
  std::unique_ptr<Drain> drain_;
  std::uint64_t opened_ = 0;  // connections
  bool draining_ = false;
  std::int64_t drain_window_ms_ = 0;
  Scheduler::TimerId drain_timer_ = 0;

  struct Counters {
    std::uint64_t frames_in = 0, frames_out = 0, protocol_errors = 0, rate_limited = 0, lagging = 0,
                  slow_consumers = 0, replaced = 0, dropped = 0, answers_failed = 0;
  } counters_;
  LatencyHistogram sent_;
  std::shared_ptr<Desk> desk_ = std::make_shared<Desk>(*this);
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace kith::server
