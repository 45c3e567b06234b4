// Gateway: what goes out, and how sessions end.
#include <algorithm>
#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "server/gateway/gateway.h"
#include "src/error.h"
#include "src/frame_codec.h"
#include "src/wire_writer.h"

namespace kith::server {
namespace {

constexpr auto kTick = std::chrono::seconds(1);
constexpr std::size_t kKeptAnswer = 4 * 1024;
constexpr const char* kAnswerTooLarge = "the answer does not fit into a frame";
constexpr auto kDrainStep = std::chrono::milliseconds(20);

}  // namespace

void Gateway::deliver(const Delivery& delivery) {
  for (const std::uint64_t id : delivery.sessions) {
    Session* session = find(id);
    if (session == nullptr || !session->ready()) continue;
    if (session->background && delivery.cls == DeliveryClass::kEphemeral) continue;
    if (send_at_once(*session, *delivery.frame)) continue;
    queue(*session, {delivery.frame, delivery.cls, delivery.conversation, delivery.last_seq,
                     delivery.ordinal});
  }
}

// Mostly nothing waits, and nobody needs to keep the frame.
bool Gateway::send_at_once(Session& session, std::string_view frame) {
  const bool waits = !session.queue.empty() || session.queue.lagging() ||
                     ports_.connections.buffered(session.connection()) >= limits::write_ahead_bytes;
  if (waits) return false;
  ++counters_.frames_out;
  ports_.connections.send(session.connection(), frame);
  return true;
}

void Gateway::push(Session& session, const Push& made) {
  if (session.state() == Session::State::kClosing) return;
  if (!send_at_once(session, *made.frame)) queue(session, made);
}

void Gateway::queue(Session& session, const Push& made) {
  const bool was_lagging = session.queue.lagging();
  const std::int64_t now = ports_.scheduler.clock().steady_ms();
  session.queue.push(made, now);
  if (!was_lagging && session.queue.lagging()) {
    ++counters_.lagging;
    schedule(session);
  }
  pump(session);
  const bool of_many =
      session.ready() && session.waiting > 0 && waiting_.too_much(session.admission().user);
  if (session.queue.hopeless() || of_many) {
    ++counters_.slow_consumers;
    end(session, {v1::GOODBYE_REASON_SLOW_CONSUMER, close_code::kNormal, 0, ""});
  }
}

void Gateway::Desk::answer(const Request& request, v1::ServerFrame&& frame) {
  if (gateway != nullptr) gateway->answer(request, frame);
}

void Gateway::Desk::answer(const Request& request, std::string_view frame) {
  if (gateway != nullptr) gateway->answer(request, frame);
}

void Gateway::Desk::failed(const Error& error) {
  if (gateway != nullptr && gateway->hooks_.failed) gateway->hooks_.failed(error);
}

void Gateway::Desk::unanswered(const Request& request) {
  if (gateway != nullptr) gateway->unanswered(request);
}

// Told from the destructor of whatever held the reply: answered in a turn of its own.
void Gateway::unanswered(const ReplyDesk::Request& request) {
  ports_.scheduler.post([this, alive = alive_, request] {
    if (!*alive || asking(request) == nullptr || request.req_id == 0) return;
    answer_failed(request, "the server has lost this request");
  });
}

void Gateway::answer_failed(const ReplyDesk::Request& request, const char* why) {
  Session* session = find(request.session);
  if (session == nullptr || session->state() == Session::State::kClosing) return;
  ++counters_.answers_failed;
  v1::ServerFrame frame;
  frame.set_reply_to(request.req_id);
  *frame.mutable_error() = to_wire(make_error(ErrorCode::kInternal, why));
  if (encode_into(frame, answer_)) send_answer(*session, DeliveryClass::kReply);
}

Session* Gateway::asking(const ReplyDesk::Request& request) {
  if (request.asked_us != 0) sent_.observe(now_us() - request.asked_us);
  Session* session = find(request.session);
  if (session == nullptr) return nullptr;
  session->unacked -= std::min(session->unacked, request.unacked);
  return session->state() == Session::State::kClosing ? nullptr : session;
}

void Gateway::answer(const ReplyDesk::Request& request, v1::ServerFrame& frame) {
  Session* session = asking(request);
  if (session == nullptr) return;
  if (request.req_id == 0 && !frame.has_pong()) return;  // no reply wanted
  if (frame.has_sync_reset() && session->foreign) {
    frame.mutable_sync_reset()->set_kept_until_ms(
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, session->kept_until_ms)));
  }
  frame.set_reply_to(request.req_id);
  if (!encode_into(frame, answer_)) return answer_failed(request, kAnswerTooLarge);
  send_answer(*session, frame.has_pong() ? DeliveryClass::kControl : DeliveryClass::kReply);
}

void Gateway::answer(const ReplyDesk::Request& request, std::string_view frame) {
  Session* session = asking(request);
  if (session == nullptr || request.req_id == 0) return;
  answer_.clear();
  WireWriter(answer_).number(v1::ServerFrame::kReplyToFieldNumber, request.req_id);
  answer_.append(frame);
  if (answer_.size() > limits::frame_bytes_max) return answer_failed(request, kAnswerTooLarge);
  send_answer(*session, DeliveryClass::kReply);
}

// For one session alone, so mostly without a frame of its own on the heap.
void Gateway::send_answer(Session& session, DeliveryClass cls) {
  if (!send_at_once(session, answer_)) {
    queue(session, {std::make_shared<const std::string>(answer_), cls, {}, 0, 0});
  }
  if (answer_.capacity() > kKeptAnswer) std::string().swap(answer_);
}

void Gateway::pump(Session& session) {
  const ConnectionId connection = session.connection();
  const auto room = [&] {
    return ports_.connections.buffered(connection) < limits::write_ahead_bytes;
  };
  while (room()) {
    if (const auto frame = session.queue.pop()) {
      ++counters_.frames_out;
      ports_.connections.send(connection, *frame);
      continue;
    }
    const auto heads = session.queue.catch_up();
    if (heads.empty()) break;
    for (const auto& head : heads) {
      v1::ServerFrame frame;
      frame.mutable_head_push()->set_conversation_id(head.conversation.bytes());
      frame.mutable_head_push()->set_last_seq(head.last_seq);
      frame.mutable_head_push()->set_ordinal(head.ordinal);
      Push made = make_push(frame, DeliveryClass::kEvent);
      made.conversation = head.conversation;
      made.last_seq = head.last_seq;
      made.ordinal = head.ordinal;
      session.queue.push(made, ports_.scheduler.clock().steady_ms());
    }
  }
  count_waiting(session);
  update_reading(session);
}

// Where answers wait the socket's own buffer is full, too.
void Gateway::count_waiting(Session& session) {
  const std::size_t answers = session.ready() ? session.queue.answers() : 0;
  const std::size_t now = answers == 0 ? 0 : answers + limits::write_ahead_bytes;
  waiting_.count(session.admission().user, std::exchange(session.waiting, now), now);
}

// Answers may not be dropped, so a peer that does not take them may not ask for more.
void Gateway::update_reading(Session& session) {
  const bool pause = session.queue.over_soft() || session.held;
  if (pause == session.reading_paused) return;
  session.reading_paused = pause;
  ports_.connections.pause_reading(session.connection(), pause);
}

void Gateway::on_drained(ConnectionId id) {
  Session* session = find(id);
  if (session != nullptr && session->state() != Session::State::kClosing) pump(*session);
}

void Gateway::on_close(ConnectionId id) {
  Session* session = find(id);
  if (session == nullptr) return;
  const std::uint64_t number = session->id();
  leave(*session);
  counters_.dropped += session->queue.dropped();
  sessions_.erase(number);
  by_connection_[id.shard][id.index] = nullptr;
  if (drain_ && sessions_.empty()) drain_step();
}

void Gateway::end(Session& session, const Farewell& farewell) {
  if (session.state() == Session::State::kClosing) return;
  v1::ServerFrame frame;
  v1::Goodbye& goodbye = *frame.mutable_goodbye();
  goodbye.set_reason(static_cast<v1::GoodbyeReason>(farewell.reason));
  goodbye.set_retry_after_ms(farewell.retry_after_ms);
  goodbye.set_detail(farewell.detail.substr(0, limits::detail_bytes_max));
  const Push made = make_push(frame, DeliveryClass::kControl);
  pump(session);
  if (session.reading_paused) ports_.connections.pause_reading(session.connection(), false);
  if (made.frame) ports_.connections.send(session.connection(), *made.frame);
  ports_.connections.close(session.connection(), farewell.code, "");
  leave(session);
  session.closing();
  session.queue.clear();
}

// Out of the registry and the lists; the socket may still be closing.
void Gateway::leave(Session& session) {
  waiting_.count(session.admission().user, std::exchange(session.waiting, 0), 0);
  const auto found = by_user_.find(session.admission().user);
  if (found == by_user_.end()) return;
  const auto removed = std::erase(found->second, session.id());
  if (found->second.empty()) {
    by_user_.erase(found);
    if (const auto budget = budgets_.find(session.admission().user); budget != budgets_.end()) {
      accounts_.leave(budget->first, budget->second, ports_.scheduler.clock().steady_ms());
      budgets_.erase(budget);
    }
  }
  if (removed == 0) return;
  ports_.registry.remove(session.admission().user,
                         {name_, session.id(), session.admission().device});
  hooks_.closed(session.caller());
}

void Gateway::schedule(Session& session) {
  const std::int64_t at = session.deadline();
  if (session.scheduled_ms != 0 && session.scheduled_ms <= at) return;  // looked at early enough
  session.scheduled_ms = at;
  deadlines_.emplace(at, session.id());
}

void Gateway::tick() {
  tick_ = ports_.scheduler.after(kTick, [this] { tick(); });
  tell_refusals();
  const std::int64_t now = ports_.scheduler.clock().steady_ms();
  while (!deadlines_.empty() && deadlines_.top().first <= now) {
    const auto [at, id] = deadlines_.top();
    deadlines_.pop();
    Session* session = find(id);
    if (session == nullptr || session->scheduled_ms != at) continue;
    session->scheduled_ms = 0;
    switch (session->due(now)) {
      case Session::Due::kNothing:
        if (session->state() != Session::State::kClosing) schedule(*session);
        break;
      case Session::Due::kHello:
        end(*session, {v1::GOODBYE_REASON_IDLE, close_code::kNormal, 0, "no Hello in time"});
        break;
      case Session::Due::kIdle:
        end(*session, {v1::GOODBYE_REASON_IDLE, close_code::kNormal, 0, ""});
        break;
      case Session::Due::kTokenExpired:
        end(*session, {v1::GOODBYE_REASON_TOKEN_EXPIRED, close_code::kNormal, 0, ""});
        break;
      case Session::Due::kSlow:
        ++counters_.slow_consumers;
        end(*session, {v1::GOODBYE_REASON_SLOW_CONSUMER, close_code::kNormal, 0, ""});
        break;
    }
  }
}

void Gateway::drain(std::chrono::milliseconds window, std::function<void()> done) {
  draining_ = true;
  drain_window_ms_ = std::max<std::int64_t>(0, window.count());
  auto previous = std::move(drain_);
  drain_ = std::make_unique<Drain>();
  sessions_.each([this](const Session& session) { drain_->order.push_back(session.id()); });
  std::sort(drain_->order.begin(), drain_->order.end());
  drain_->start_ms = ports_.scheduler.clock().steady_ms();
  drain_->window_ms = drain_window_ms_;
  drain_->done = std::move(done);
  if (previous && previous->done) previous->done();
  drain_step();
}

void Gateway::drain_step() {
  ports_.scheduler.cancel(std::exchange(drain_timer_, 0));
  if (!drain_) return;
  const std::int64_t passed = ports_.scheduler.clock().steady_ms() - drain_->start_ms;
  const auto count = static_cast<std::int64_t>(drain_->order.size());
  // The goodbye of number i is due at window * i / count: evenly spread, the first one now.
  const auto turn = [&](std::size_t i) {
    return drain_->window_ms * static_cast<std::int64_t>(i) / std::max<std::int64_t>(1, count);
  };
  while (drain_->next < drain_->order.size() && turn(drain_->next) <= passed) {
    Session* session = find(drain_->order[drain_->next++]);
    if (session == nullptr) continue;
    const auto wait = ports_.random.below(static_cast<std::uint64_t>(drain_->window_ms) + 1);
    end(*session,
        {v1::GOODBYE_REASON_DRAIN, close_code::kDrain, static_cast<std::uint32_t>(wait), ""});
  }
  if (sessions_.empty() || (passed >= drain_->window_ms && drain_->next == drain_->order.size())) {
    const auto finished = std::move(drain_);
    if (finished->done) finished->done();
    return;
  }
  drain_timer_ = ports_.scheduler.after(kDrainStep, [this] { drain_step(); });
}

void Gateway::end_revoked(const UserId& user, const DeviceId* device, const DeviceId* spared) {
  const auto found = by_user_.find(user);
  if (found == by_user_.end()) return;
  const auto ids = found->second;
  for (const std::uint64_t id : ids) {
    Session* session = find(id);
    if (session == nullptr) continue;
    if (device != nullptr && session->admission().device != *device) continue;
    if (spared != nullptr && session->admission().device == *spared) continue;
    end(*session, {v1::GOODBYE_REASON_REVOKED, close_code::kRevoked, 0, ""});
  }
}

bool Gateway::online(const UserId& user, const DeviceId& device) const {
  const auto found = by_user_.find(user);
  if (found == by_user_.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(), [&](std::uint64_t id) {
    const Session* session = sessions_.find(id);
    return session != nullptr && session->admission().device == device;
  });
}

void Gateway::add_stats(std::map<std::string, std::uint64_t>& into) const {
  std::uint64_t bytes = 0;
  std::uint64_t dropped = counters_.dropped;
  std::uint64_t ready = 0;
  sessions_.each([&](const Session& session) {
    bytes += session.queue.bytes();
    dropped += session.queue.dropped();
    ready += session.ready() ? 1 : 0;
  });
  into["connections"] = sessions_.size();
  into["sessions"] = ready;
  into["send_queue_bytes"] = bytes;
  into["send_queue_dropped"] = dropped;
  into["frames_in"] = counters_.frames_in;
  into["frames_out"] = counters_.frames_out;
  into["protocol_errors"] = counters_.protocol_errors;
  into["answers_failed"] = counters_.answers_failed;
  into["rate_limited"] = counters_.rate_limited;
  into["sessions_lagging"] = counters_.lagging;
  into["slow_consumers"] = counters_.slow_consumers;
  into["sessions_replaced"] = counters_.replaced;
  into["budget_bytes"] = accounts_.bytes() + entry_.bytes();
}

}  // namespace kith::server
