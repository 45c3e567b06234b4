// ConversationService: what a session may ask about conversations. Checks, appends to the log,
// answers, and pushes what was decided.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "kith/core/limits.h"
#include "server/services/conversation_cache.h"
#include "server/services/fanout.h"
#include "server/services/frame_buffer.h"
#include "server/services/id_map.h"
#include "server/services/large_audience.h"
#include "server/services/page_tokens.h"
#include "server/services/pending_creations.h"
#include "server/services/pending_receipts.h"
#include "server/services/send_batches.h"
#include "server/services/service_types.h"
#include "server/services/users.h"
#include "src/request_view.h"
#include "src/token_bucket.h"

namespace kith::v1 {
class ClientFrame;
class CreateConversation;
class EventsPage;
class GetEvents;
class GetMembers;
class GetReaders;
class MarkRead;
class MemberChange;
class SyncRequest;
class UpdateMeta;
}  // namespace kith::v1

namespace kith::server {

struct GatheredPush;
struct OwedPush;

class ConversationService {
 public:
  // `large_pushes_per_s`: see ServerOptions.
  ConversationService(ConversationCache& cache, Users& users, Fanout& fanout, Scheduler& scheduler,
                      std::uint32_t large_pushes_per_s = limits::large_pushes_per_s);
  ~ConversationService();

  // Page tokens are good for all that have the same secret. Before the first request.
  void set_secret(std::string_view secret) { page_tokens_ = PageTokens(secret); }

  void session_opened(const Caller& caller);
  void session_closed(const Caller& caller);
  // Told how many acknowledged heads are of conversations that are not in memory: each may cost a visit
  // of the store.
  void on_cold_heads(std::function<void(const Caller&, std::uint32_t)> told) {
    cold_heads_ = std::move(told);
  }
  // People who are asked for by an id that may be guessed: `wait` answers the milliseconds until the caller may look
  // up more, `charge` is told how many a refusal was about. Who is let through costs nothing more.
  struct LookupCosts {
    std::function<std::uint32_t(const Caller&)> wait;
    std::function<void(const Caller&, std::uint32_t people)> charge;
  };
  void set_lookup_costs(LookupCosts costs) { lookup_costs_ = std::move(costs); }
  // False if the body is not about conversations. The frame has passed validate().
  // The frame's body may be moved from.
  // The reply may be, too; not if the answer is false.
  bool handle(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply);
  bool handle(const Caller& caller, const v1::ClientFrame& frame, const Reply& reply);
  void handle(const Caller& caller, const RequestView& request, Reply&& reply);

 private:
  using Batch = SendBatches::Batch;
  struct Listing;

  LogRecord record(const Caller& caller, const ConversationId& id) const;
  // After a restart, what a request does not find may be in the log and wait for its decision: then
  // it comes again.
  static Error not_decided_yet();
  // One answer, whether the conversation exists or not.
  static Error not_a_member();
  // `error`, unless something waits that might make the user, who is no member, one.
  Error refusal(const ConversationId& id, const UserId& user, const Error& error) const;
  void send(const Caller& caller, const RequestView& request, Reply&& reply);
  void send_from(Batch& batch, const UserRecord* me);
  void send_in(Batch& batch, const Conversation* c);
  void send_direct(Batch& batch, bool create_first, const UserRecord& other);
  void send_items(Batch& batch, std::size_t index);
  void answer_former(Batch& batch, std::size_t index, const Error& refused);
  void append_item(Batch& batch, std::size_t index);
  void item_decided(Batch& batch, std::size_t index, const Result<Outcome>& outcome);
  void create(const Caller& caller, const v1::CreateConversation& request, const Reply& answer);
  void change_members(const Caller& caller, const v1::MemberChange& request, const Reply& reply);
  void change_meta(const Caller& caller, const v1::UpdateMeta& request, const Reply& reply);
  void with_member(const LogRecord& record, const Reply& reply,
                   std::function<void(const Conversation&, const Member&)> then);
  void append_if_willing(const Caller& caller, LogRecord record, std::vector<UserId> joining,
                         const Reply& reply);
  // Nothing if the caller may ask for people.
  std::optional<Error> too_many_lookups(const Caller& caller) const;
  // The refusal, which tells who exists or does not let one.
  const Error& charged(const Caller& caller, std::size_t people, const Error& refusal) const;
  void answer_earlier_or(const LogRecord& record, const Error& error, const Reply& reply);
  void append_placed(LogRecord record, const Reply& reply);

  void get_events(const Caller& caller, const v1::GetEvents& request, const Reply& reply);
  void get_members(const Caller& caller, const v1::GetMembers& request, const Reply& reply);
  void get_readers(const Caller& caller, const v1::GetReaders& request, const Reply& reply);
  void sync(const Caller& caller, const v1::SyncRequest& request, const Reply& reply);
  void list_more(const std::shared_ptr<Listing>& listing, std::size_t index);
  void finish_listing(const std::shared_ptr<Listing>& listing);
  void list_user_state(const std::shared_ptr<Listing>& listing, std::size_t from);

  void ack(const Caller& caller, const RequestView& request);
  void mark_read(const Caller& caller, const v1::MarkRead& request, const Reply& reply);
  void mark_member_read(const Caller& caller, const ConversationId& id, std::uint64_t upto,
                        const Reply& reply);
  void append_receipt(const Caller& caller, const ConversationId& id, const ReceiptOp& op,
                      Done<void> done);
  void log_receipt(const Caller& caller, const ConversationId& id, const ReceiptOp& op,
                   Done<void> done);
  void log_receipt(const Caller& caller, const ConversationId& id, const ReceiptOp& op,
                   bool publish_read, Done<void> done);
  void flush_receipts_soon();
  void flush_receipts();

  void decided(const LogEntry& entry, const Outcome& outcome, const Conversation& conversation);
  void push_to_large(const LogEntry& entry, const Outcome& outcome,
                     const Conversation& conversation);
  void tell_listeners(const Event& event, const std::vector<std::uint64_t>& listeners,
                      const Push& push);
  std::uint32_t take_pushes(const std::vector<std::uint64_t>& listeners, const std::string& frame);
  void pay_after(const ConversationId& id, Millis wait);
  void pay(const ConversationId& id);
  void push_head(const ConversationId& id, const std::vector<std::uint64_t>& listeners);
  void gather_events(const LogEntry& entry, const Outcome& outcome);
  void push_gathered();
  void push_receipts_soon(const Conversation& conversation, const UserId& mover);
  void push_receipts(const ConversationId& id, const UserId& mover);
  void push_receipts_to(const ConversationId& id, const UserId& reader, std::array<Push, 2>& made);
  Push receipt_push(const Conversation& conversation, bool reads);
  void rest_receipts(const ConversationId& id, std::size_t kind);
  void time_rests(std::size_t kind);
  void end_rests(std::size_t kind, std::size_t most);

  ConversationCache& cache_;
  Users& users_;
  Fanout& fanout_;
  Scheduler& scheduler_;
  SendBatches batches_;
  PendingCreations creations_;
  PendingReceipts receipts_{limits::receipts_gathered_max};
  Scheduler::TimerId receipts_timer_ = 0;
  std::size_t receipts_new_ = 0;  // gathered since the last flush
  std::function<void(const Caller&, std::uint32_t)> cold_heads_;
  LookupCosts lookup_costs_;
  std::size_t receipt_loads_ = 0;
  // Conversations whose receipts were told a moment ago.
  struct ReceiptRest {
    bool moved = false;  // again, since then
    UserId mover;        // by this person only; empty: by several
    UserId untold;       // who moved them then, and was not told
  };
  IdMap<ConversationId, ReceiptRest> receipt_rests_;
  // Their ends, in order of time: one timer for all pauses of the same length.
  struct RestQueue {
    Millis pause;
    std::deque<std::pair<std::int64_t, ConversationId>> ends;
    Scheduler::TimerId timer = 0;  // looks at it
  };
  std::array<RestQueue, 2> rest_queues_{RestQueue{Millis(limits::receipt_coalesce_direct), {}, 0},
                                        RestQueue{Millis(limits::receipt_coalesce_group), {}, 0}};
  std::array<FrameBuffer, 2> receipt_frames_;  // without what others have read, and with it
  // The messages of one SendBatch leave in one push, when the last of them is decided.
  std::unique_ptr<GatheredPush> gathered_;
  LargeAudience large_;
  PageTokens page_tokens_{{}};
  const bool spare_pushes_;         // there are any for those who only listen
  const BucketRate listener_rate_;  // how many
  TokenBucket listener_pushes_;
  std::map<ConversationId, std::unique_ptr<OwedPush>> owed_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace kith::server
