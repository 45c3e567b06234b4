// Dispatcher: validate, cost, limit, service.
#include "server/dispatch/dispatcher.h"

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"

namespace kith::server {
namespace {

constexpr auto kReportEvery = std::chrono::seconds(1);
constexpr std::uint32_t kUnackedWaitMs = 100;
constexpr std::uint32_t kExcessPauseMs = 250;

Verdict pause(std::uint32_t ms) {
  return ms == 0 ? Verdict() : Verdict{Verdict::Next::kPause, ms};
}

Reply replier(const Requester& who, std::uint64_t req_id, std::uint32_t unacked = 0,
              std::uint32_t asked_us = 0) {
  return {who.door->sink(), {who.caller.session, req_id, unacked, asked_us}};
}

}  // namespace

Dispatcher::Dispatcher(const ServerOptions& options, SignIn& sign_in, Services& services,
                       Scheduler& scheduler, Random& random)
    : services_(services),
      scheduler_(scheduler),
      log_(options.log),
      addresses_(options, random),
      accounts_(options, random, addresses_, refusals_, scheduler.clock()),
      entry_({sign_in, addresses_, refusals_, services, scheduler}),
      report_(scheduler, [this] { report_refusals(); }) {
  report_.start(kReportEvery);
}

std::uint32_t Dispatcher::open(Requester& who, bool active, const std::string& agent) {
  const std::uint32_t pause_ms = accounts_.open(who);
  services_.session_opened(who.caller, active, agent);
  return pause_ms;
}

void Dispatcher::close(Requester& who) {
  accounts_.close(who);
  services_.session_closed(who.caller);
}

Verdict Dispatcher::handle(Requester& who, const RequestView& request, std::size_t bytes) {
  if (const Status valid = validate(request); !valid)
    return refuse_invalid(who, request.req_id, bytes, valid.error());
  const RequestCost cost = cost_of(request);
  if (request.kind == RequestView::Kind::kAck) return acknowledge(who, request, cost);
  Verdict verdict;
  if (!allow(who, cost, request.req_id, verdict)) return verdict;
  const std::uint32_t unacked = request.req_id == 0 ? 0 : cost.unacked;
  who.unacked += unacked;
  services_.fast_path(who.caller, request, replier(who, request.req_id, unacked, now_us()));
  return verdict;
}

// As many as others send; one that is dropped would hold back DELIVERED. A session that has said too much is read
// later.
Verdict Dispatcher::acknowledge(Requester& who, const RequestView& request,
                                const RequestCost& cost) {
  accounts_.charge(who, Spend::kAck, cost.units);
  services_.fast_path(who.caller, request, Reply());
  return pause(accounts_.debt_ms(who, Spend::kAck));
}

Verdict Dispatcher::handle(Requester& who, v1::ClientFrame& frame, std::size_t bytes) {
  if (const Status valid = validate(frame); !valid) {
    if (valid.error().code == ErrorCode::kProtocol)
      return {Verdict::Next::kProtocolError, 0, valid.error().message};
    return refuse_invalid(who, frame.req_id(), bytes, valid.error());
  }
  const RequestCost cost = cost_of(frame);
  Verdict verdict;
  if (!allow(who, cost, frame.req_id(), verdict)) return verdict;
  const std::uint32_t unacked = frame.req_id() == 0 ? 0 : cost.unacked;
  who.unacked += unacked;
  Reply reply = cost.answered ? replier(who, frame.req_id(), unacked) : Reply();
  if (who.door->handle(who, frame, reply)) return verdict;
  if (!services_.handle(who.caller, frame, reply) && reply) {
    reply_error(reply, make_error(ErrorCode::kUnimplemented, "the server does not know this"));
  }
  if (cost.answered || cost.lookups == 0) return verdict;
  return pause(accounts_.debt_ms(who, Spend::kLookup));
}

bool Dispatcher::allow(Requester& who, const RequestCost& cost, std::uint64_t req_id,
                       Verdict& verdict) {
  const bool crowded =
      req_id != 0 && cost.unacked > 0 && who.unacked + cost.unacked > limits::unacked_items_max;
  const std::uint32_t wait = crowded ? kUnackedWaitMs : accounts_.take(who, cost);
  if (wait == 0) return true;
  verdict = refuse(who, cost, req_id, wait);
  return false;
}

// A session that does not wait is read later and, if it goes on all the same, ended.
Verdict Dispatcher::refuse(Requester& who, const RequestCost& cost, std::uint64_t req_id,
                           std::uint32_t wait_ms) {
  ++rate_limited_;
  refusals_.note(cost.lookups > 0 ? RefusalClass::kLookup : RefusalClass::kRequest, who.address);
  const std::uint32_t excess = accounts_.take_excess(who);
  if (cost.answered) {
    reply_error(replier(who, req_id),
                make_error(ErrorCode::kRateLimited, "too many requests", wait_ms));
  }
  if (excess > 0) {
    refusals_.note(RefusalClass::kExcess, who.address);
    return {Verdict::Next::kEnd, std::max(wait_ms, excess)};
  }
  // The answer may have been one too many for the socket.
  if (who.budget == nullptr || accounts_.patient(who)) return {};
  return pause(kExcessPauseMs);
}

Verdict Dispatcher::refuse_invalid(Requester& who, std::uint64_t req_id, std::size_t bytes,
                                   const Error& error) {
  const RequestCost cost{Spend::kQuery, cost_of_refusal(bytes), 0, true, 0};
  Verdict verdict;
  if (allow(who, cost, req_id, verdict)) reply_error(replier(who, req_id), error);
  return verdict;
}

void Dispatcher::answered(Requester* who, const ReplySink::Request& request) {
  if (request.asked_us != 0) sent_.observe(now_us() - request.asked_us);
  if (who != nullptr) who->unacked -= std::min(who->unacked, request.unacked);
}

std::uint32_t Dispatcher::now_us() const {
  return static_cast<std::uint32_t>(scheduler_.clock().steady_us()) | 1U;
}

void Dispatcher::report_refusals() {
  report_.start(kReportEvery);
  refusals_.tick(scheduler_.clock().steady_ms(), [this](const Refusals& refusals) {
    if (!log_) return;
    log_({LogLevel::kWarning,
          std::string(event_of(refusals.cls)),
          std::string(sentence_of(refusals.cls)),
          {{"address", refusals.address.empty() ? "others" : refusals.address},
           {"count", std::to_string(refusals.count)}}});
  });
}

void Dispatcher::add_stats(std::map<std::string, std::uint64_t>& into) const {
  into["rate_limited"] = rate_limited_ + entry_.rate_limited();
  into["budget_bytes"] = accounts_.bytes() + addresses_.bytes();
}

}  // namespace kith::server
