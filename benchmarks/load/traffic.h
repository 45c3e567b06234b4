// Traffic: messages through the sessions of a Fleet, by the rules of the protocol, with a check
// that each acknowledged one arrives everywhere, once.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "benchmarks/load/clock.h"
#include "benchmarks/load/fleet.h"
#include "benchmarks/load/histogram.h"
#include "benchmarks/load/ledger.h"
#include "benchmarks/load/number_set.h"
#include "benchmarks/load/queue.h"
#include "kith/core/ids.h"
#include "src/uuid.h"

namespace kith::v1 {
class Event;
class OutMessage;
class SendResult;
}  // namespace kith::v1

namespace kith::bench {

// When a message is done, and a closed loop sends the next one.
enum class Until : std::uint8_t {
  kReceived,   // its sender has SENT, and every receiver the message
  kDelivered,  // and its sender DELIVERED
};

struct TrafficOptions {
  std::uint32_t outstanding = 1;  // closed loop: messages of a sender that are on their way
  std::uint32_t bytes = 100;      // of text
  bool closed_loop = true;
  Until until = Until::kDelivered;
  bool keep_acknowledged = false;  // for audit()
  bool known_before = false;       // sync does not tell what stands in a conversation: see base()
};

// Counts between measure(true) and measure(false).
struct Meter {
  Histogram sent;       // intended → SendResult
  Histogram received;   // intended → each receiver's push
  Histogram last;       // intended → the last receiver's push
  Histogram delivered;  // intended → the sender sees DELIVERED
  std::uint64_t done = 0, deliveries = 0;
  Micros began = 0, ended = 0;
};

class Traffic : public FleetEvents {
 public:
  explicit Traffic(const TrafficOptions& options);
  void use(Fleet& fleet) { fleet_ = &fleet; }

  // Before its members are brought up. Members are sessions; the first `senders` of them send.
  // `direct`: a 1:1, which its first message creates.
  std::uint32_t add_conversation(const ConversationId& id,
                                 const std::vector<std::uint32_t>& members, std::uint32_t senders,
                                 bool direct);

  // Closed loop: every sender of conversations [from, to) gets going and goes on until pause().
  void go(std::uint32_t from, std::uint32_t to);
  void pause() { going_ = false; }
  // One more message of one sender (conversation's first). Open loop and queues.
  void offer(std::uint32_t conversation, Micros intended);

  void measure(bool on);
  [[nodiscard]] const Meter& meter() const { return meter_; }
  void reset_meter() { meter_ = Meter(); }

  // Messages that are not done yet, and those that have not even left.
  [[nodiscard]] std::uint64_t unfinished() const { return unfinished_; }
  [[nodiscard]] std::uint64_t waiting() const { return waiting_; }
  [[nodiscard]] std::uint64_t done() const { return done_; }

  // Acknowledged messages that some receiver has not got.
  [[nodiscard]] std::uint64_t lost() const { return ledger_.lost(); }
  [[nodiscard]] std::uint64_t duplicated() const { return ledger_.duplicated(); }
  // Arrived at another place than was acknowledged, or in another conversation.
  [[nodiscard]] std::uint64_t wrong() const { return ledger_.wrong() + misplaced_; }
  [[nodiscard]] std::uint64_t retries() const { return retries_; }
  [[nodiscard]] std::uint64_t acknowledged() const { return ledger_.acknowledged(); }
  // Conversations in which something of this run was placed.
  [[nodiscard]] std::uint64_t conversations_used() const { return used_; }

  // Every receiver reads its conversations again from the start of this run; audited() when all
  // have. Then audit_lost() counts the acknowledged messages that the server no longer has.
  void audit();
  [[nodiscard]] bool audited() const { return auditing_ && audits_open_ == 0; }
  [[nodiscard]] std::uint64_t audit_lost() const { return ledger_.missing(); }

  // Every member of conversations [from, to) knows that they are there.
  [[nodiscard]] bool known(std::uint32_t from, std::uint32_t to) const;

  Micros on_turn(Micros now) override;
  std::function<Micros(Micros)> pace;  // called once a turn; answers when it wants to be again
  // A message of this conversation is done; may offer() the next one, anywhere.
  std::function<void(std::uint32_t)> on_done;

 private:
  struct Out {  // a message of the batch in flight
    MessageId id;
    std::uint64_t n = 0;
    Micros intended = 0;
    std::uint32_t attempt = 0;
  };
  struct Sender {
    std::uint32_t seat = 0;
    Queue<Micros> backlog;  // intended times of what has not left
    std::vector<Out> batch;
    std::uint64_t request = 0;  // 0 = the batch is not under way
    bool watched = false;       // in under_way_
    bool fill_due = false;      // in fill_due_
    Micros batch_sent = 0;
    Micros retry_at = 0;
  };
  struct Seat {  // one member's place in one conversation
    std::uint32_t session = 0;
    std::uint32_t conversation = 0;
    bool based = false;
    bool is_receiver = false;
    std::uint64_t base = 0;  // where this run begins
    NumberSet held;
    std::uint64_t fetch_request = 0;
    std::uint64_t known_head = 0;
    std::uint64_t acked = 0;
    Micros hole_since = 0;
    bool ack_due = false;
    std::uint64_t audit_next = 0;  // 0 = no audit, or done
    std::uint64_t audit_head = 0;
  };
  struct Talk {
    ConversationId id;
    bool direct = false;
    std::uint32_t first_seat = 0;
    std::uint32_t seats = 0;
    std::uint32_t first_sender = 0;
    std::uint32_t senders = 0;
    bool used = false;    // something of this run was placed in it
    NumberSet witnessed;  // seq that some receiver has seen
  };

  struct Place {
    std::uint32_t session = 0;
    ConversationId conversation;
    friend bool operator==(const Place&, const Place&) = default;
  };
  struct PlaceHash {
    std::size_t operator()(const Place& place) const {
      return std::hash<ConversationId>{}(place.conversation) + place.session * 0x9E3779B97F4A7C15U;
    }
  };

  void on_state(std::uint32_t session, const v1::ConversationState& state) override;
  void on_ready(std::uint32_t session) override;
  void on_lost(std::uint32_t session) override;
  void on_frame(std::uint32_t session, const v1::ServerFrame& frame) override;

  Seat* seat_of(std::uint32_t session, std::string_view conversation);
  Sender* sender_of(const Seat& seat);
  void base(Seat& seat, std::uint64_t seq);
  void fill(Sender& sender, Micros now);
  void fill_soon(Sender& sender);
  void fill_due(Micros now);
  void launch(Sender& sender, Micros now);
  void transmit(Sender& sender, Micros now);
  void on_result(std::uint32_t session, std::uint64_t request, const v1::SendResult& result);
  void on_error(std::uint32_t session, const v1::ServerFrame& frame);
  void placed(Sender& sender, const Out& out, std::uint64_t seq, Micros now);
  void on_event(Seat& seat, const v1::Event& event, Micros now);
  void witness(Seat& seat, std::uint64_t seq, std::string_view body, Micros now);
  void on_page(std::uint32_t session, const v1::ServerFrame& frame, Micros now);
  void on_audit_page(Seat& seat, const v1::ServerFrame& frame);
  void on_delivered(Seat& seat, std::uint64_t upto, Micros now);
  [[nodiscard]] std::uint32_t index_of(const Sender& sender) const;
  void settle(Sender& sender, Ledger::Flight& flight);
  void fetch(Seat& seat, std::uint64_t from, std::uint64_t to);
  void want(Seat& seat, std::uint64_t head);
  void send_acks();
  void look_after(Micros now);
  [[nodiscard]] std::string content_of(std::uint32_t sender, std::uint64_t n,
                                       Micros intended) const;
  [[nodiscard]] bool measures(Micros intended) const;

  TrafficOptions options_;
  Fleet* fleet_ = nullptr;
  FastRandom random_;
  UuidGenerator ids_;
  std::uint64_t run_ = 0;           // marks the messages of this run
  std::vector<std::string> texts_;  // of its messages
  Ledger ledger_;
  std::vector<Talk> talks_;
  std::vector<Seat> seats_;
  std::vector<Sender> senders_;
  std::vector<std::vector<std::uint32_t>> seats_of_;  // by session
  std::unordered_map<Place, std::uint32_t, PlaceHash> seat_at_;
  std::vector<std::uint32_t> under_way_;  // senders whose batch may be unanswered
  std::vector<std::uint32_t> fill_due_;   // senders
  std::vector<std::uint32_t> ack_due_;    // seats
  std::vector<std::uint32_t> holed_;      // seats
  std::vector<std::uint32_t> retrying_;   // senders
  bool going_ = false;
  bool measuring_ = false;
  bool auditing_ = false;
  std::uint64_t audits_open_ = 0;
  Micros looked_ = 0;
  Meter meter_;
  std::uint64_t unfinished_ = 0, waiting_ = 0, done_ = 0, misplaced_ = 0, retries_ = 0, used_ = 0;
};

}  // namespace kith::bench
