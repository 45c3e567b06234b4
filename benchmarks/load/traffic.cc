// Traffic: sending, acknowledging, fetching what is missing.
#include "benchmarks/load/traffic.h"

#include <algorithm>
#include <utility>

#include "benchmarks/load/chatter.h"
#include "benchmarks/load/marking.h"
#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/error.h"
#include "src/frame_codec.h"

namespace kith::bench {
namespace {

constexpr std::size_t kTexts = 256;
constexpr Micros kLookEvery = 20'000;
constexpr Micros kRetryWait = 50'000;
constexpr Micros kHoleWait = std::chrono::microseconds(limits::gap_wait).count();
constexpr Micros kSendLimit = std::chrono::microseconds(limits::send_limit).count();

}  // namespace

Traffic::Traffic(const TrafficOptions& options)
    : options_(options),
      ids_(system_clock(), random_),
      run_(random_.next()),
      ledger_(options.keep_acknowledged) {
  texts_ = Chatter().texts(kTexts, options.bytes);
}

std::uint32_t Traffic::add_conversation(const ConversationId& id,
                                        const std::vector<std::uint32_t>& members,
                                        std::uint32_t senders, bool direct) {
  Talk talk;
  talk.id = id;
  talk.direct = direct;
  talk.first_seat = static_cast<std::uint32_t>(seats_.size());
  talk.seats = static_cast<std::uint32_t>(members.size());
  talk.first_sender = static_cast<std::uint32_t>(senders_.size());
  talk.senders = senders;
  for (std::uint32_t i = 0; i < members.size(); ++i) {
    const auto seat = static_cast<std::uint32_t>(seats_.size());
    if (members[i] >= seats_of_.size()) seats_of_.resize(members[i] + 1);
    seats_of_[members[i]].push_back(seat);
    seat_at_.emplace(Place{members[i], id}, seat);
    seats_.emplace_back();
    seats_.back().session = members[i];
    seats_.back().conversation = static_cast<std::uint32_t>(talks_.size());
    if (i >= senders) continue;
    senders_.emplace_back();
    senders_.back().seat = seat;
    ledger_.add_sender();
  }
  talks_.push_back(std::move(talk));
  return static_cast<std::uint32_t>(talks_.size() - 1);
}

Traffic::Seat* Traffic::seat_of(std::uint32_t session, std::string_view conversation) {
  const auto id = ConversationId::from_bytes(conversation);
  if (!id) return nullptr;
  const auto found = seat_at_.find(Place{session, ConversationId(*id)});
  return found == seat_at_.end() ? nullptr : &seats_[found->second];
}

Traffic::Sender* Traffic::sender_of(const Seat& seat) {
  const Talk& talk = talks_[seat.conversation];
  const auto place = static_cast<std::uint32_t>(&seat - seats_.data()) - talk.first_seat;
  return place < talk.senders ? &senders_[talk.first_sender + place] : nullptr;
}

// --- sending ---

void Traffic::go(std::uint32_t from, std::uint32_t to) {
  going_ = true;
  const Micros now = now_us();
  for (std::uint32_t t = from; t < to; ++t) {
    for (std::uint32_t i = 0; i < talks_[t].senders; ++i) {
      fill(senders_[talks_[t].first_sender + i], now);
    }
  }
}

void Traffic::offer(std::uint32_t conversation, Micros intended) {
  Sender& sender = senders_[talks_[conversation].first_sender];
  sender.backlog.push_back(intended);
  ++waiting_;
  ++unfinished_;
  launch(sender, now_us());
}

void Traffic::fill(Sender& sender, Micros now) {
  while (going_ && options_.closed_loop &&
         ledger_.under_way(index_of(sender)) + sender.backlog.size() < options_.outstanding) {
    sender.backlog.push_back(now);
    ++waiting_;
    ++unfinished_;
  }
  launch(sender, now);
}

// One frame may end many messages: those that follow them leave together, not the first one alone and
// the others behind its answer.
void Traffic::fill_soon(Sender& sender) {
  if (!std::exchange(sender.fill_due, true)) fill_due_.push_back(index_of(sender));
}

void Traffic::fill_due(Micros now) {
  for (const std::uint32_t index : std::exchange(fill_due_, {})) {
    senders_[index].fill_due = false;
    fill(senders_[index], now);
  }
}

// The next batch, if none is under way: one at a time per conversation.
void Traffic::launch(Sender& sender, Micros now) {
  const Seat& seat = seats_[sender.seat];
  if (sender.request != 0 || !sender.batch.empty() || sender.backlog.empty()) return;
  if (!fleet_->is_ready(seat.session)) return;
  const std::size_t count = std::min(sender.backlog.size(), limits::batch_items_max);
  for (std::size_t i = 0; i < count; ++i) {
    const Micros intended = sender.backlog.front();
    sender.backlog.pop_front();
    --waiting_;
    const std::uint64_t n =
        ledger_.launch(index_of(sender), intended, talks_[seat.conversation].seats - 1);
    sender.batch.push_back({ids_.next(), n, intended, 0});
  }
  transmit(sender, now);
}

void Traffic::transmit(Sender& sender, Micros now) {
  const Seat& seat = seats_[sender.seat];
  const Talk& talk = talks_[seat.conversation];
  v1::ClientFrame frame;
  v1::SendBatch& send = *frame.mutable_send();
  send.set_conversation_id(talk.id.bytes());
  if (talk.direct) {
    send.set_direct_peer(fleet_->user(seats_[talk.first_seat + 1].session).bytes());
  }
  for (Out& out : sender.batch) {
    v1::OutMessage& item = *send.add_items();
    item.set_message_id(out.id.bytes());
    item.set_attempt(out.attempt++);
    item.set_content(content_of(index_of(sender), out.n, out.intended));
  }
  sender.batch_sent = now;
  sender.request = fleet_->request(seat.session, frame);
  if (!std::exchange(sender.watched, true)) under_way_.push_back(index_of(sender));
}

std::string Traffic::content_of(std::uint32_t sender, std::uint64_t n, Micros intended) const {
  return mark_content({run_, sender, n, intended}, texts_[(sender * 31 + n) % kTexts]);
}

void Traffic::on_result(std::uint32_t session, std::uint64_t request,
                        const v1::SendResult& result) {
  Seat* seat = seat_of(session, result.conversation_id());
  Sender* sender = seat == nullptr ? nullptr : sender_of(*seat);
  if (sender == nullptr || sender->request != request) return;
  const Micros now = now_us();
  const auto batch = std::exchange(sender->batch, {});
  std::uint32_t wait_ms = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto index = static_cast<int>(i);
    if (index >= result.items_size()) {
      fleet_->fail(
          make_error(ErrorCode::kProtocol, "a SendResult with fewer items than its batch"));
      return;
    }
    const v1::ItemResult& item = result.items(index);
    if (item.has_placed()) {
      placed(*sender, batch[i], item.placed().seq(), now);
      continue;
    }
    const Error error = from_wire(item.error());
    if (error.retry() == Retry::kNever) return fleet_->fail(error);
    wait_ms = std::max(wait_ms, error.retry_after_ms);
    sender->batch.push_back(batch[i]);
  }
  sender->request = 0;
  if (sender->batch.empty()) return fill_soon(*sender);
  ++retries_;
  sender->retry_at = now + std::max<Micros>(kRetryWait, Micros{wait_ms} * 1000);
  retrying_.push_back(index_of(*sender));
}

// A whole request was refused.
void Traffic::on_error(std::uint32_t session, const v1::ServerFrame& frame) {
  const Error error = from_wire(frame.error());
  if (frame.reply_to() == 0 || session >= seats_of_.size()) return;
  const Micros now = now_us();
  for (const std::uint32_t index : seats_of_[session]) {
    Seat& seat = seats_[index];
    if (seat.fetch_request == frame.reply_to()) {
      seat.fetch_request = 0;
      if (seat.hole_since == 0) holed_.push_back(index);
      seat.hole_since = now;
      return;
    }
    Sender* sender = sender_of(seat);
    if (sender == nullptr || sender->request != frame.reply_to()) continue;
    if (error.retry() == Retry::kNever) return fleet_->fail(error);
    sender->request = 0;
    ++retries_;
    sender->retry_at = now + std::max<Micros>(kRetryWait, Micros{error.retry_after_ms} * 1000);
    retrying_.push_back(index_of(*sender));
    return;
  }
  if (error.retry() == Retry::kNever) fleet_->fail(error);
}

std::uint32_t Traffic::index_of(const Sender& sender) const {
  return static_cast<std::uint32_t>(&sender - senders_.data());
}

void Traffic::placed(Sender& sender, const Out& out, std::uint64_t seq, Micros now) {
  Seat& seat = seats_[sender.seat];
  if (!seat.based) base(seat, seq - 1);
  seat.held.add(seq);
  seat.known_head = std::max(seat.known_head, seq);
  Ledger::Flight* flight = ledger_.acknowledge(index_of(sender), out.n, seq);
  if (flight == nullptr) return;
  if (!std::exchange(talks_[seat.conversation].used, true)) ++used_;
  if (measures(out.intended)) meter_.sent.record(now - out.intended);
  settle(sender, *flight);
}

void Traffic::settle(Sender& sender, Ledger::Flight& flight) {
  const bool delivered = flight.delivered || options_.until != Until::kDelivered;
  if (flight.done || flight.seq == 0 || flight.receivers_left != 0 || !delivered) return;
  ledger_.finish(index_of(sender), flight);
  --unfinished_;
  ++done_;
  if (measuring_) ++meter_.done;
  fill_soon(sender);
  if (on_done) on_done(seats_[sender.seat].conversation);
}

// --- receiving ---

void Traffic::on_frame(std::uint32_t session, const v1::ServerFrame& frame) {
  using F = v1::ServerFrame;
  const Micros now = now_us();
  switch (frame.body_case()) {
    case F::kEventPush:
      for (const v1::Event& event : frame.event_push().events()) {
        if (Seat* seat = seat_of(session, event.conversation_id())) on_event(*seat, event, now);
      }
      return;
    case F::kSendResult:
      return on_result(session, frame.reply_to(), frame.send_result());
    case F::kReceiptPush:
      for (const v1::ReceiptState& state : frame.receipt_push().states()) {
        Seat* seat = seat_of(session, state.conversation_id());
        if (seat != nullptr) on_delivered(*seat, state.delivered_all_seq(), now);
      }
      return;
    case F::kEventsPage:
      return on_page(session, frame, now);
    case F::kHeadPush: {
      Seat* seat = seat_of(session, frame.head_push().conversation_id());
      if (seat != nullptr) want(*seat, frame.head_push().last_seq());
      return;
    }
    case F::kError:
      return on_error(session, frame);
    default:
      return;
  }
}

void Traffic::on_event(Seat& seat, const v1::Event& event, Micros now) {
  if (!seat.based) base(seat, event.seq() - 1);
  seat.known_head = std::max(seat.known_head, event.seq());
  if (!seat.held.add(event.seq())) return;  // a push and a page may overlap
  const auto index = static_cast<std::uint32_t>(&seat - seats_.data());
  if (!std::exchange(seat.ack_due, true)) ack_due_.push_back(index);
  if (seat.held.has_holes() && seat.hole_since == 0) {
    seat.hole_since = now;
    holed_.push_back(index);
  }
  witness(seat, event.seq(), event.kind() == v1::EVENT_KIND_MESSAGE ? event.body() : "", now);
}

void Traffic::witness(Seat& seat, std::uint64_t seq, std::string_view body, Micros now) {
  Talk& talk = talks_[seat.conversation];
  const bool first = talk.witnessed.add(seq);
  const auto mark = read_mark(body);
  if (!mark || mark->run != run_) return;
  if (mark->sender < talk.first_sender || mark->sender >= talk.first_sender + talk.senders) {
    ++misplaced_;
    return;
  }
  Sender& sender = senders_[mark->sender];
  const bool for_reader = seats_[sender.seat].session != seat.session;
  Ledger::Flight* flight = ledger_.see(mark->sender, mark->n, seq, first, for_reader);
  if (!for_reader) return;
  if (measures(mark->intended)) meter_.received.record(now - mark->intended);
  if (measuring_) ++meter_.deliveries;
  if (flight == nullptr) return;
  if (flight->receivers_left == 0 && measures(mark->intended)) {
    meter_.last.record(now - mark->intended);
  }
  settle(sender, *flight);
}

void Traffic::on_delivered(Seat& seat, std::uint64_t upto, Micros now) {
  Sender* sender = sender_of(seat);
  if (sender == nullptr) return;
  std::uint64_t n = 0;
  while (Ledger::Flight* flight = ledger_.find(index_of(*sender), n)) {
    if (flight->seq == 0 || flight->seq > upto) return;
    n = flight->n + 1;
    if (std::exchange(flight->delivered, true)) continue;
    if (measures(flight->intended)) meter_.delivered.record(now - flight->intended);
    settle(*sender, *flight);
  }
}

void Traffic::send_acks() {
  for (const std::uint32_t index : std::exchange(ack_due_, {})) {
    Seat& seat = seats_[index];
    seat.ack_due = false;
    if (seat.held.top() <= seat.acked || !fleet_->is_ready(seat.session)) continue;
    seat.acked = seat.held.top();
    v1::ClientFrame frame;
    v1::HeadRef& head = *frame.mutable_ack_events()->add_upto();
    head.set_conversation_id(talks_[seat.conversation].id.bytes());
    head.set_seq(seat.acked);
    fleet_->tell(seat.session, frame);
  }
}

// --- sync and holes ---

// Events of earlier runs, up to `seq`, count as held. The number comes from sync, or, if the cache
// knew it before, from the first place of this run: a message that is lost before it stays lost.
void Traffic::base(Seat& seat, std::uint64_t seq) {
  seat.based = true;
  seat.base = seat.known_head = seat.acked = seq;
  seat.held = NumberSet(seq);
  NumberSet& witnessed = talks_[seat.conversation].witnessed;
  if (witnessed.top() < seq) witnessed = NumberSet(seq);
}

void Traffic::on_state(std::uint32_t session, const v1::ConversationState& state) {
  Seat* seat = seat_of(session, state.conversation_id());
  if (seat == nullptr) return;
  if (seat->based) return want(*seat, state.last_seq());
  // A conversation made in this run: its own first event is the base.
  if (options_.known_before && fleet_->is_ready(session)) return;
  base(*seat, state.last_seq());
  seat->acked = state.delivered_seq();
  if (!std::exchange(seat->ack_due, true)) {
    ack_due_.push_back(static_cast<std::uint32_t>(seat - seats_.data()));
  }
}

void Traffic::on_ready(std::uint32_t session) {
  if (session >= seats_of_.size()) return;
  const Micros now = now_us();
  for (const std::uint32_t index : seats_of_[session]) {
    Seat& seat = seats_[index];
    if (!options_.known_before) seat.based = true;
    if (seat.held.top() < seat.known_head) fetch(seat, seat.held.top() + 1, seat.known_head);
    if (seat.held.top() > seat.acked && !std::exchange(seat.ack_due, true)) {
      ack_due_.push_back(index);
    }
    Sender* sender = sender_of(seat);
    if (sender == nullptr) continue;
    if (sender->batch.empty()) {
      fill(*sender, now);
    } else if (sender->request == 0) {
      ++retries_;
      transmit(*sender, now);
    }
  }
}

void Traffic::on_lost(std::uint32_t session) {
  if (session >= seats_of_.size()) return;
  for (const std::uint32_t index : seats_of_[session]) {
    Seat& seat = seats_[index];
    seat.fetch_request = 0;
    seat.acked = std::min(seat.acked, seat.base);  // the last ack may not have arrived
    if (Sender* sender = sender_of(seat)) sender->request = 0;
  }
}

void Traffic::want(Seat& seat, std::uint64_t head) {
  seat.known_head = std::max(seat.known_head, head);
  if (seat.held.top() >= seat.known_head || seat.hole_since != 0) return;
  seat.hole_since = now_us();
  holed_.push_back(static_cast<std::uint32_t>(&seat - seats_.data()));
}

void Traffic::fetch(Seat& seat, std::uint64_t from, std::uint64_t to) {
  if (seat.fetch_request != 0) return;
  v1::ClientFrame frame;
  v1::GetEvents& get = *frame.mutable_get_events();
  get.set_conversation_id(talks_[seat.conversation].id.bytes());
  get.set_from(from);
  get.set_to(to);
  get.set_limit(limits::page_events_max);
  seat.fetch_request = fleet_->request(seat.session, frame);
}

void Traffic::on_page(std::uint32_t session, const v1::ServerFrame& frame, Micros now) {
  const v1::EventsPage& page = frame.events_page();
  Seat* seat = seat_of(session, page.conversation_id());
  if (seat == nullptr || seat->fetch_request != frame.reply_to()) return;
  seat->fetch_request = 0;
  if (seat->audit_next != 0) return on_audit_page(*seat, frame);
  // A member who joined later never sees earlier events.
  if (page.floor_seq() > 0) seat->held.raise(page.floor_seq() - 1);
  for (const v1::Event& event : page.events()) on_event(*seat, event, now);
  seat->known_head = std::max(seat->known_head, page.last_seq());
  const bool more = page.events_size() != 0 && seat->held.top() < seat->known_head;
  if (more) fetch(*seat, seat->held.top() + 1, seat->known_head);
}

void Traffic::look_after(Micros now) {
  std::erase_if(holed_, [&](std::uint32_t index) {
    Seat& seat = seats_[index];
    const bool auditing = seat.audit_next != 0;
    const bool filled = !auditing && seat.held.top() >= seat.known_head;
    if (filled) {
      seat.hole_since = 0;
    } else if (now - seat.hole_since > kHoleWait && fleet_->is_ready(seat.session)) {
      auditing ? fetch(seat, seat.audit_next, 0)
               : fetch(seat, seat.held.top() + 1, seat.known_head);
    }
    return filled;
  });
  std::erase_if(retrying_, [&](std::uint32_t index) {
    Sender& sender = senders_[index];
    if (sender.request != 0 || sender.batch.empty()) return true;
    if (now < sender.retry_at || !fleet_->is_ready(seats_[sender.seat].session)) return false;
    transmit(sender, now);
    return true;
  });
  if (now / kSecond == looked_ / kSecond) return;
  std::erase_if(under_way_, [&](std::uint32_t index) {
    Sender& sender = senders_[index];
    sender.watched = sender.request != 0;
    if (sender.watched && now - sender.batch_sent >= kSendLimit) {
      ++retries_;
      transmit(sender, now);
    }
    return !sender.watched;
  });
}

Micros Traffic::on_turn(Micros now) {
  const Micros paced = pace ? pace(now) : now + kSecond;
  fill_due(now);
  send_acks();
  if (now - looked_ >= kLookEvery) {
    look_after(now);
    looked_ = now;
  }
  return std::min(paced, now + kLookEvery);
}

// --- what came of it ---

bool Traffic::measures(Micros intended) const {
  return measuring_ && intended >= meter_.began;
}

void Traffic::measure(bool on) {
  measuring_ = on;
  (on ? meter_.began : meter_.ended) = now_us();
}

bool Traffic::known(std::uint32_t from, std::uint32_t to) const {
  for (std::uint32_t t = from; t < to; ++t) {
    for (std::uint32_t i = 0; i < talks_[t].seats; ++i) {
      if (seats_[talks_[t].first_seat + i].held.top() == 0) return false;
    }
  }
  return true;
}

void Traffic::audit() {
  auditing_ = true;
  ledger_.begin_audit();
  for (Talk& talk : talks_) {
    Seat& seat = seats_[talk.first_seat + talk.seats - 1];
    seat.audit_next = seat.base + 1;
    ++audits_open_;
    seat.hole_since = 1;  // begun, and begun again after a failure, by look_after()
    holed_.push_back(static_cast<std::uint32_t>(&seat - seats_.data()));
  }
}

void Traffic::on_audit_page(Seat& seat, const v1::ServerFrame& frame) {
  const v1::EventsPage& page = frame.events_page();
  for (const v1::Event& event : page.events()) {
    seat.audit_next = event.seq() + 1;
    const auto mark = read_mark(event.body());
    if (mark && mark->run == run_) ledger_.found(mark->sender, mark->n, event.seq());
  }
  if (page.events_size() != 0 && seat.audit_next <= page.last_seq()) {
    return fetch(seat, seat.audit_next, 0);
  }
  seat.audit_next = 0;
  --audits_open_;
}

}  // namespace kith::bench
