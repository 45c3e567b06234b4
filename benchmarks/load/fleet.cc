// Fleet: signing in, sync, heartbeats, coming back.
#include "benchmarks/load/fleet.h"

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"
#include "kith/server/hooks.h"
#include "kith/v1/frame.pb.h"
#include "src/error.h"
#include "src/frame_codec.h"
#include "src/handshake.h"
#include "src/hash.h"

namespace kith::bench {
namespace {

constexpr Micros kHeartbeat = std::chrono::microseconds(limits::heartbeat).count();
constexpr Micros kPongLimit = std::chrono::microseconds(limits::pong_limit).count();
constexpr Micros kSyncGap = kSecond;    // notices that come faster are one sync
constexpr Micros kRound = 2 * kSecond;  // every session is looked at once in this time
constexpr std::int64_t kTokenLifeMs = 86'400'000;

// A session's device is the same in every run: no run leaves new ones behind.
DeviceId device_of(const std::string& handle) {
  return DeviceId(hash16("kith-bench-device:" + handle));
}

bool is_refusal(ErrorCode code) {
  return retry_of(code) == Retry::kNever || retry_of(code) == Retry::kAfterReauth;
}

}  // namespace

Fleet::Fleet(FleetOptions options, FleetEvents& events)
    : options_(std::move(options)), events_(events), all_(options_.sessions) {
  for (One& one : all_) one.cursor = options_.cursor;
}
Fleet::~Fleet() = default;

Result<std::unique_ptr<Fleet>> Fleet::create(FleetOptions options, FleetEvents& events) {
  std::unique_ptr<Fleet> self(new Fleet(std::move(options), events));
  auto sockets =
      Sockets::create(self->options_.url, self->options_.ca_pem, self->options_.sessions, *self);
  if (!sockets) return sockets.error();
  self->sockets_ = std::move(*sockets);
  return self;
}

std::string Fleet::handle(std::uint32_t session) const {
  return options_.prefix + "-" + std::to_string(session);
}

bool Fleet::is_ready(std::uint32_t session) const {
  return all_[session].state == State::kReady;
}

std::string Fleet::token_of(std::uint32_t session) const {
  if (!options_.token.empty()) return options_.token;
  server::Identity who;
  who.handle = handle(session);
  who.issued_ms = system_clock().wall().ms;
  who.expires_ms = who.issued_ms + kTokenLifeMs;
  return server::make_jwt(options_.token_secret, who);
}

void Fleet::fail(const Error& error) {
  if (!fatal_) fatal_ = error;
}

Status Fleet::bring_up(std::uint32_t from, std::uint32_t to, Micros patience) {
  const auto all_ready = [&](std::uint32_t end) {
    for (std::uint32_t i = from; i < end; ++i) {
      if (all_[i].state != State::kReady) return false;
    }
    return true;
  };
  const auto begin = [&](std::uint32_t i) {
    if (all_[i].state != State::kAway) return;
    all_[i].state = State::kWaiting;
    to_connect_.push(i);
  };
  const Micros until = now_us() + patience;
  if (signed_in == 0 && from < to) {
    probing_ = true;
    begin(from);
    run(until, [&] { return all_ready(from + 1); });
    probing_ = false;
    if (fatal_) return *fatal_;
  }
  for (std::uint32_t i = from; i < to; ++i) begin(i);
  std::uint32_t first = from;  // the first that is not up
  run(until, [&] {
    while (first < to && all_[first].state == State::kReady) ++first;
    if (first == to && !all_ready(to)) first = from;
    return first == to;
  });
  if (fatal_) return *fatal_;
  if (all_ready(to)) return {};
  return make_error(ErrorCode::kTimeout, std::to_string(ready_) + " sessions are up, not " +
                                             std::to_string(to - from) + ", after " +
                                             std::to_string(patience / kSecond) + " s");
}

Status Fleet::open_sockets(std::uint32_t from, std::uint32_t to, Micros patience) {
  opened_ = 0;
  for (std::uint32_t i = from; i < to; ++i) {
    all_[i].hold_hello = true;
    all_[i].state = State::kWaiting;
    to_connect_.push(i);
  }
  run(now_us() + patience, [&] { return opened_ == to - from; });
  if (fatal_) return *fatal_;
  if (opened_ == to - from) return {};
  return make_error(ErrorCode::kTimeout, "only " + std::to_string(opened_) + " sockets opened");
}

void Fleet::leave(std::uint32_t from, std::uint32_t to) {
  for (std::uint32_t i = from; i < to; ++i) {
    One& one = all_[i];
    if (one.state == State::kReady) --ready_;
    if (one.state == State::kConnecting) --connecting_;
    if (one.state == State::kReady || one.state == State::kSyncing) {
      v1::ClientFrame frame;
      frame.mutable_goodbye()->set_reason(v1::GOODBYE_REASON_NORMAL);
      tell(i, frame);
    }
    one.state = State::kAway;
    one.syncing = false;
    sockets_->close(i);
  }
}

void Fleet::cut_all(bool jitter) {
  at_once_ = !jitter;
  for (std::uint32_t i = 0; i < all_.size(); ++i) {
    if (all_[i].state == State::kAway || all_[i].state == State::kWaiting) continue;
    sockets_->cut(i);
    lost(i, make_error(ErrorCode::kUnavailable, "cut"));
  }
  if (std::exchange(at_once_, false)) options_.connecting_max = options_.sessions;
}

void Fleet::connect_some() {
  while (!to_connect_.empty() && connecting_ < options_.connecting_max) {
    const std::uint32_t i = to_connect_.front();
    to_connect_.pop();
    if (all_[i].state != State::kWaiting) continue;
    all_[i].state = State::kConnecting;
    all_[i].began = now_us();
    ++connecting_;
    sockets_->connect(i);
  }
}

void Fleet::on_open(std::uint32_t session) {
  One& one = all_[session];
  one.state = State::kOpen;
  ++opened_;
  if (one.hold_hello) {
    --connecting_;
  } else {
    hello(session);
  }
}

void Fleet::hello(std::uint32_t session) {
  One& one = all_[session];
  if (one.state != State::kOpen) return;
  if (std::exchange(one.hold_hello, false)) {
    ++connecting_;
    one.began = now_us();
  }
  v1::ClientFrame frame;
  v1::Hello& hello = *frame.mutable_hello();
  handshake::offer(hello);
  hello.set_device_id(device_of(handle(session)).bytes());
  hello.set_cursor(one.cursor);
  hello.set_state(v1::CLIENT_STATE_FOREGROUND);
  hello.set_agent("kith-bench");
  if (!one.ticket.empty() && !one.ticket_refused) {
    hello.set_resume_ticket(one.ticket);
  } else {
    hello.set_access_token(token_of(session));
  }
  one.state = State::kHello;
  one.said = now_us();
  frame.set_req_id(one.hello_request = ++one.last_request);
  emit(session, frame);
}

void Fleet::on_message(std::uint32_t session, std::string_view message) {
  const auto frame = decode_server_frame(message);
  if (!frame) return fail(frame.error());
  One& one = all_[session];
  using F = v1::ServerFrame;
  const F::BodyCase body = frame->body_case();
  if (body == F::kPong) {
    return on_pong(session, frame->pong().feed_high(), frame->pong().resync());
  }
  if (body == F::kFeedNotice) return on_notice(session, frame->feed_notice().ver());
  if (one.state == State::kHello && frame->reply_to() == one.hello_request) {
    if (body == F::kWelcome) return welcomed(session, frame->welcome());
    if (body == F::kError) return refused(session, from_wire(frame->error()));
  }
  if (one.syncing && frame->reply_to() == one.sync_request) return on_sync(session, *frame);
  events_.on_frame(session, *frame);
}

void Fleet::welcomed(std::uint32_t session, const v1::Welcome& welcome) {
  if (const Status fits = handshake::check_welcome(welcome); !fits) return fail(fits.error());
  One& one = all_[session];
  const Micros now = now_us();
  connect_times.record(now - one.began);
  hello_times.record(now - one.said);
  ++signed_in;
  --connecting_;
  one.ticket = welcome.resume_ticket();
  one.ticket_refused = false;
  one.state = State::kSyncing;
  sync(session, "");
}

void Fleet::refused(std::uint32_t session, const Error& error) {
  One& one = all_[session];
  if (is_refusal(error.code)) {
    if (one.ticket.empty() || one.ticket_refused) return fail(error);
    one.ticket_refused = true;  // the token still counts
    one.state = State::kOpen;
    return hello(session);
  }
  sockets_->cut(session);
  lost(session, error);
}

void Fleet::sync(std::uint32_t session, const std::string& page_token) {
  One& one = all_[session];
  v1::ClientFrame frame;
  v1::SyncRequest& request = *frame.mutable_sync();
  request.set_cursor(one.snapshot ? 0 : one.cursor);
  request.set_snapshot(one.snapshot);
  request.set_page_token(page_token);
  one.syncing = true;
  one.wants_sync = false;
  one.synced = now_us();
  one.sync_request = this->request(session, frame);
}

void Fleet::on_sync(std::uint32_t session, const v1::ServerFrame& frame) {
  One& one = all_[session];
  if (frame.has_sync_reset()) {
    one.snapshot = true;
    one.snapshot_cursor = frame.sync_reset().snapshot_cursor();
    return sync(session, "");
  }
  if (!frame.has_sync_page()) {  // an error: asked again when the session is looked at
    one.syncing = false;
    one.wants_sync = true;
    return;
  }
  const v1::SyncPage& page = frame.sync_page();
  for (const v1::ConversationState& state : page.changed()) events_.on_state(session, state);
  if (page.more()) return sync(session, page.page_token());
  if (std::exchange(one.snapshot, false)) {
    one.cursor = one.snapshot_cursor;
    return sync(session, "");
  }
  one.cursor = std::max<std::uint64_t>(one.cursor, page.next_cursor());
  one.syncing = false;
  synced(session);
}

void Fleet::synced(std::uint32_t session) {
  One& one = all_[session];
  if (one.state != State::kSyncing) return;
  one.state = State::kReady;
  ++ready_;
  if (one.backoff) one.backoff->synced(now_us() / 1000);
  events_.on_ready(session);
}

void Fleet::on_pong(std::uint32_t session, std::uint64_t feed_high, bool resync) {
  One& one = all_[session];
  one.pinged = 0;
  if (resync || feed_high > one.cursor) one.wants_sync = true;
}

void Fleet::on_notice(std::uint32_t session, std::uint64_t version) {
  One& one = all_[session];
  if (version > one.cursor) one.wants_sync = true;
}

void Fleet::on_close(std::uint32_t session, const Error& error) {
  const bool was_up = all_[session].state >= State::kSyncing;
  if (was_up) {
    ++disconnects;
  } else {
    ++connect_failures;
    // No server, or no certificate to trust: fails at once, not after a minute of trying.
    if (probing_ || error.code == ErrorCode::kTlsCertificate) fail(error);
  }
  lost(session, error);
}

void Fleet::lost(std::uint32_t session, const Error& error) {
  One& one = all_[session];
  const State before = std::exchange(one.state, State::kAway);
  if (before == State::kConnecting || before == State::kHello ||
      (before == State::kOpen && !one.hold_hello)) {
    --connecting_;
  }
  if (before == State::kReady) --ready_;
  one.syncing = false;
  one.snapshot = false;
  one.pinged = 0;
  if (before == State::kReady) events_.on_lost(session);
  if (!come_back_) return;
  const Micros now = now_us();
  if (!one.backoff) one.backoff = std::make_unique<Backoff>(random_);
  one.backoff->lost(now / 1000);
  const Millis wait =
      at_once_ ? Millis{0} : one.backoff->next(now / 1000, Millis(error.retry_after_ms));
  one.state = State::kWaiting;
  retries_.emplace(now + wait.count() * 1000, session);
}

void Fleet::emit(std::uint32_t session, const v1::ClientFrame& frame) {
  const auto bytes = encode(frame);
  if (!bytes) return fail(bytes.error());
  sockets_->send(session, *bytes);
}

std::uint64_t Fleet::request(std::uint32_t session, v1::ClientFrame& frame) {
  One& one = all_[session];
  if (one.state != State::kReady && one.state != State::kSyncing) return 0;
  frame.set_req_id(++one.last_request);
  tell(session, frame);
  return one.last_request;
}

void Fleet::tell(std::uint32_t session, v1::ClientFrame& frame) {
  all_[session].said = now_us();
  emit(session, frame);
}

// Looks at every session once a round: pings those that were silent for a heartbeat.
void Fleet::keep_alive(Micros now) {
  const double share = std::min(1.0, static_cast<double>(now - looked_) / kRound);
  const auto count = static_cast<std::uint32_t>(share * static_cast<double>(all_.size()));
  if (count == 0) return;
  looked_ = now;
  for (std::uint32_t k = 0; k < count; ++k) {
    const std::uint32_t i = next_look_;
    next_look_ = (next_look_ + 1) % static_cast<std::uint32_t>(all_.size());
    One& one = all_[i];
    if (one.state != State::kReady && one.state != State::kSyncing) continue;
    if (one.pinged != 0 && now - one.pinged > kPongLimit) {
      sockets_->cut(i);
      on_close(i, make_error(ErrorCode::kTimeout, "no Pong"));
      continue;
    }
    if (one.wants_sync && !one.syncing && now - one.synced > kSyncGap) sync(i, "");
    if (one.pinged == 0 && now - one.said > kHeartbeat - kRound) {
      v1::ClientFrame frame;
      frame.mutable_ping()->set_t(static_cast<std::uint64_t>(now));
      frame.mutable_ping()->set_cursor(one.cursor);
      frame.mutable_ping()->set_state(v1::CLIENT_STATE_FOREGROUND);
      one.pinged = now;
      request(i, frame);
    }
  }
}

bool Fleet::run(Micros until, const std::function<bool()>& done) {
  Micros wanted = 0;
  for (;;) {
    Micros now = now_us();
    while (!retries_.empty() && retries_.top().first <= now) {
      to_connect_.push(retries_.top().second);
      retries_.pop();
    }
    connect_some();
    keep_alive(now);
    wanted = events_.on_turn(now);
    if (every_second && now - second_ >= kSecond) {
      second_ = now;
      every_second(now);
    }
    if (done()) return true;
    if (fatal_ || now >= until) return false;
    Micros wake = std::min({until, wanted, now + kSecond / 10});
    if (!retries_.empty()) wake = std::min(wake, retries_.top().first);
    sockets_->turn(std::max<Micros>(0, wake - now));
  }
}

}  // namespace kith::bench
