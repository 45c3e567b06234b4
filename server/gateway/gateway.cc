// Gateway: connections, and the classes of their sessions joined.
#include "server/gateway/gateway.h"

#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"

namespace kith::server {
namespace {

constexpr auto kTick = std::chrono::seconds(1);

}  // namespace

Gateway::Gateway(std::string name, const ServerOptions& options, const GatewayPorts& ports)
    : ports_(ports),
      sessions_({Millis(limits::hello_limit).count(), options.idle_limit.count(),
                 options.lagging_limit.count()},
                {options.send_queue_soft_bytes, options.send_queue_hard_bytes}, ports.home.number),
      reading_(sessions_, ports.dispatcher, ports.connections, ports.scheduler),
      output_(ports.connections, reading_, deadlines_, ports.scheduler.clock(),
              [this](Session& session) { goodbyes_.end_slow(session); }),
      registration_(
          {std::move(name), sessions_, output_, ports.registry, ports.scheduler, ports.random}),
      goodbyes_({sessions_, output_, reading_, ports.dispatcher, registration_, ports.connections}),
      sink_(std::make_shared<AnswerSink>(sessions_, output_, ports.dispatcher, ports.scheduler)),
      requests_({sessions_, deadlines_, goodbyes_, ports.dispatcher, ports.scheduler, sink_}),
      opening_(options, {sessions_, deadlines_, reading_, goodbyes_, ports.dispatcher,
                         registration_, ports.connections, ports.scheduler, ports.random,
                         ports.runs, ports.home, [this](Session& session) { forget(session); }}),
      early_(
          {sessions_, deadlines_, goodbyes_, ports.dispatcher, opening_, ports.scheduler, sink_}),
      drain_(sessions_, goodbyes_, ports.scheduler, ports.random),
      tick_(ports.scheduler, [this] { tick(); }) {
  ports_.bus.subscribe(
      registration_.gateway(), [this](const Delivery& delivery) { deliver(delivery); },
      [this] { registration_.bus_lost(); });
  tick_.start(kTick);
}

Gateway::~Gateway() {
  sink_->close();
  sessions_.each([this](Session& session) { ports_.dispatcher.abandon(session.requester); });
  tick_.stop();
  ports_.bus.unsubscribe(registration_.gateway());
}

void Gateway::on_open(ConnectionId connection, const PeerInfo& peer) {
  Session& session = sessions_.add(connection, peer.group, ports_.scheduler.clock().steady_ms());
  session.requester.door = &requests_;
  deadlines_.schedule(session);
  drain_.opened(session);
}

void Gateway::on_message(ConnectionId id, std::string_view message) {
  Session* session = sessions_.find(id);
  if (session == nullptr || session->state() == Session::State::kClosing) return;
  ++frames_in_;
  session->heard(ports_.scheduler.clock().steady_ms());
  if (session->ready() && view_.read(message)) {
    const Verdict verdict = ports_.dispatcher.handle(session->requester, view_, message.size());
    return apply(*session, view_.req_id, verdict);
  }
  auto frame = decode_client_frame(message);
  if (!frame) return goodbyes_.end_protocol_error(*session, 0, frame.error().message);
  if (frame->has_goodbye()) {
    session->closing();
    ports_.connections.close(id, close_code::kNormal, "goodbye");
  } else if (session->ready()) {
    in_session(*session, *frame, message.size());
  } else {
    early_.handle(*session, *frame);
  }
}

void Gateway::in_session(Session& session, v1::ClientFrame& frame, std::size_t bytes) {
  const std::uint64_t req_id = frame.req_id();
  if (EarlyRequests::begins_session(frame))
    return goodbyes_.end_protocol_error(session, req_id, "the session is open already");
  const Verdict verdict = view_.read(frame)
                              ? ports_.dispatcher.handle(session.requester, view_, bytes)
                              : ports_.dispatcher.handle(session.requester, frame, bytes);
  apply(session, req_id, verdict);
}

void Gateway::apply(Session& session, std::uint64_t req_id, const Verdict& verdict) {
  switch (verdict.next) {
    case Verdict::Next::kGoOn:
      return;
    case Verdict::Next::kPause:
      return reading_.hold(session, verdict.ms);
    case Verdict::Next::kEnd:
      return goodbyes_.end(session, {v1::GOODBYE_REASON_RATE_LIMITED, close_code::kPolicy,
                                     verdict.ms, "requests went on over budget"});
    case Verdict::Next::kProtocolError:
      return goodbyes_.end_protocol_error(session, req_id, verdict.detail);
  }
}

void Gateway::on_drained(ConnectionId id) {
  Session* session = sessions_.find(id);
  if (session != nullptr && session->state() != Session::State::kClosing) output_.pump(*session);
}

void Gateway::on_close(ConnectionId id) {
  if (Session* session = sessions_.find(id)) forget(*session);
}

void Gateway::forget(Session& session) {
  goodbyes_.leave(session);
  output_.note_gone(session);
  sessions_.erase(session);
  drain_.closed();
}

void Gateway::deliver(const Delivery& delivery) {
  for (const std::uint64_t id : delivery.sessions) {
    Session* session = sessions_.find(id);
    if (session == nullptr || !session->ready()) continue;
    const bool redacted =
        delivery.redacted && !ports_.dispatcher.shares_receipts(session->requester);
    output_.deliver(*session, delivery, redacted ? delivery.redacted : delivery.frame);
  }
}

void Gateway::tick() {
  tick_.start(kTick);
  const std::int64_t now = ports_.scheduler.clock().steady_ms();
  while (Session* session = deadlines_.next_due(sessions_, now)) {
    switch (session->due(now)) {
      case Session::Due::kNothing:
        if (session->state() != Session::State::kClosing) deadlines_.schedule(*session);
        break;
      case Session::Due::kHello:
        goodbyes_.end(*session,
                      {v1::GOODBYE_REASON_IDLE, close_code::kNormal, 0, "no Hello in time"});
        break;
      case Session::Due::kIdle:
        goodbyes_.end(*session, {v1::GOODBYE_REASON_IDLE});
        break;
      case Session::Due::kTokenExpired:
        goodbyes_.end(*session, {v1::GOODBYE_REASON_TOKEN_EXPIRED});
        break;
      case Session::Due::kSlow:
        goodbyes_.end_slow(*session);
        break;
    }
  }
}

std::string Gateway::token_of(std::uint64_t id) const {
  const Session* session = sessions_.find(id);
  return session == nullptr ? std::string() : session->admission().token_id;
}

void Gateway::add_stats(std::map<std::string, std::uint64_t>& into) const {
  std::uint64_t ready = 0;
  sessions_.each([&](const Session& session) { ready += session.ready() ? 1 : 0; });
  into["connections"] = sessions_.size();
  into["sessions"] = ready;
  into["frames_in"] = frames_in_;
  into["answers_failed"] = sink_->lost();
  into["sessions_replaced"] = opening_.replaced();
  registration_.add_stats(into);
  output_.add_stats(sessions_, into);
  goodbyes_.add_stats(into);
}

}  // namespace kith::server
