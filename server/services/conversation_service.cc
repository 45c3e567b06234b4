// Commands and receipts: from the request into the log, and back as an answer.
#include "server/services/conversation_service.h"

#include <algorithm>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "server/services/gathered_push.h"
#include "server/services/owed_push.h"
#include "server/services/wire.h"
#include "src/error.h"
#include "src/frame_codec.h"

namespace kith::server {
namespace {

// Deliveries that arrive within this are one record per conversation and reader; nobody waits for
// them.
constexpr Millis kReceiptGather{2};
// That many do not wait for others.
constexpr std::size_t kReceiptsAtOnce = 64;
// Pushes to listeners of large groups that have gathered while there was little to tell.
constexpr std::uint32_t kListenerBurstS = 2;

std::vector<UserId> user_ids(const google::protobuf::RepeatedPtrField<std::string>& list) {
  std::vector<UserId> ids;
  ids.reserve(static_cast<std::size_t>(list.size()));
  for (const std::string& bytes : list) {
    if (const auto id = user_id(bytes)) ids.push_back(*id);
  }
  return ids;
}

UserId direct_peer(const Conversation& c, const UserId& user) {
  for (const Member& m : c.members) {
    if (m.user != user) return m.user;
  }
  return {};
}

// Is `id` the 1:1 of these two? What is known of it saves deriving the id again.
bool is_direct(const Conversation* known, const ConversationId& id, const UserId& a,
               const UserId& b) {
  if (a == b) return false;
  if (known != nullptr && known->head.type == ConversationType::kDirect) {
    return find_member(*known, a) != nullptr && find_member(*known, b) != nullptr;
  }
  return ConversationId::direct(a, b) == id;
}

// The log or the store did not take it for now: the same request is worth another try.
Error temporary(const Error& error) {
  if (error.retry() != Retry::kNever) return error;
  return make_error(ErrorCode::kUnavailable, error.message);
}

Error unknown_reply() {
  return make_error(ErrorCode::kNotFound, "the answered message does not exist");
}

}  // namespace

struct ConversationService::Placed {
  Placement placement;
  bool duplicate = false;
};

// One SendBatch on its way: items are appended in order, answered together. It holds what is needed
// of the request and nothing of the frame, which is gone when the log has the messages.
struct ConversationService::Batch {
  struct Item {
    MessageId id;
    std::optional<MessageId> answers;  // a message that had no place when this was written
    SendOp op;
    std::uint32_t attempt = 0;
    Placed placed;
    std::unique_ptr<Error> error;  // instead of `placed`
  };
  Caller caller;
  ConversationId conversation;
  std::optional<UserId> peer;
  bool sender_only = false;
  std::vector<Item> items;
  std::size_t waiting = 0;          // items without an outcome
  std::size_t in_log = 0;           // appended, not decided
  std::optional<std::size_t> held;  // item that waits for those before it
  // An item did not get into the log for now: those behind it must not either, or the repetition
  // of the first would land behind them.
  std::optional<Error> stopped;
  Reply reply;

  Batch(const Caller& by, v1::SendBatch& request, Reply to)
      : caller(by),
        conversation(*conversation_id(request.conversation_id())),
        peer(user_id(request.direct_peer())),
        waiting(static_cast<std::size_t>(request.items_size())),
        reply(std::move(to)) {
    items.reserve(waiting);
    for (v1::OutMessage& from : *request.mutable_items()) {
      Item& item = items.emplace_back();
      item.id = *message_id(from.message_id());
      item.attempt = from.attempt();
      item.op.body = std::move(*from.mutable_content());
      item.op.reply_to_seq = from.reply_to_seq();
      item.op.mentions = user_ids(from.mentions());
      item.op.client_ts_ms = static_cast<std::int64_t>(from.client_ts_ms());
      if (item.op.reply_to_seq == 0) item.answers = message_id(from.reply_to_message_id());
    }
  }

  void answer() {
    v1::ServerFrame frame;
    auto* result = frame.mutable_send_result();
    result->set_conversation_id(conversation.bytes());
    for (const Item& item : items) {
      auto* out = result->add_items();
      out->set_message_id(item.id.bytes());
      if (item.error) {
        *out->mutable_error() = kith::to_wire(*item.error);
      } else {
        to_wire(item.placed.placement, item.placed.duplicate, out->mutable_placed());
      }
    }
    reply(std::move(frame));
  }
};

ConversationService::ConversationService(ConversationCache& cache, Users& users, Fanout& fanout,
                                         Scheduler& scheduler, std::uint32_t large_pushes_per_s)
    : cache_(cache),
      users_(users),
      fanout_(fanout),
      scheduler_(scheduler),
      gathered_(std::make_unique<GatheredPush>()),
      spare_pushes_(large_pushes_per_s > 0),
      listener_pushes_(std::max(1U, large_pushes_per_s), kListenerBurstS * large_pushes_per_s) {
  cache_.on_decided([this](const LogEntry& entry, const Outcome& outcome, const Conversation& c) {
    decided(entry, outcome, c);
  });
}

ConversationService::~ConversationService() {
  *alive_ = false;
  cache_.on_decided(nullptr);
}

bool ConversationService::handle(const Caller& caller, const v1::ClientFrame& frame,
                                 const Reply& reply) {
  return handle(caller, v1::ClientFrame(frame), Reply(reply));
}

bool ConversationService::handle(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply) {
  switch (frame.body_case()) {
    case v1::ClientFrame::kSend:
      send(caller, std::move(*frame.mutable_send()), std::move(reply));
      return true;
    case v1::ClientFrame::kAckEvents:
      ack(caller, frame.ack_events());
      return true;
    case v1::ClientFrame::kMarkRead:
      mark_read(caller, frame.mark_read(), reply);
      return true;
    case v1::ClientFrame::kSync:
      sync(caller, frame.sync(), reply);
      return true;
    case v1::ClientFrame::kGetEvents:
      get_events(caller, frame.get_events(), reply);
      return true;
    case v1::ClientFrame::kGetReaders:
      get_readers(caller, frame.get_readers(), reply);
      return true;
    case v1::ClientFrame::kCreateConversation:
      create(caller, frame.create_conversation(), reply);
      return true;
    case v1::ClientFrame::kMemberChange:
      change_members(caller, frame.member_change(), reply);
      return true;
    case v1::ClientFrame::kUpdateMeta:
      change_meta(caller, frame.update_meta(), reply);
      return true;
    case v1::ClientFrame::kGetMembers:
      get_members(caller, frame.get_members(), reply);
      return true;
    default:
      return false;
  }
}

LogRecord ConversationService::record(const Caller& caller, const ConversationId& id) const {
  LogRecord r;
  r.conversation = id;
  r.sender = caller.user;
  r.sender_device = caller.device;
  r.gateway_ts_ms = scheduler_.clock().wall().ms;
  r.rules_version = kRulesVersion;
  return r;
}

void ConversationService::send(const Caller& caller, v1::SendBatch&& request, Reply reply) {
  const auto batch = std::make_shared<Batch>(caller, request, std::move(reply));
  const Conversation* known = cache_.peek(batch->conversation);
  if (batch->peer && !is_direct(known, batch->conversation, caller.user, *batch->peer)) {
    return reply_error(batch->reply, make_error(ErrorCode::kInvalidArgument,
                                                "conversation_id is not the 1:1 with direct_peer"));
  }
  if (known != nullptr) return send_in(batch, known);
  cache_.with(batch->conversation, [this, batch](Result<const Conversation*> found) {
    if (!found) return reply_error(batch->reply, found.error());
    send_in(batch, *found);
  });
}

// `c`: null if there is no such conversation yet.
void ConversationService::send_in(const std::shared_ptr<Batch>& batch, const Conversation* c) {
  if (c == nullptr && !batch->peer) {
    return reply_error(batch->reply, make_error(ErrorCode::kNotFound, "no such conversation"));
  }
  UserId other = batch->peer.value_or(UserId());
  if (c != nullptr) {
    const Member* me = find_member(*c, batch->caller.user);
    if (me == nullptr) {
      return reply_error(batch->reply, make_error(ErrorCode::kNotMember, "not a member"));
    }
    if (!me->active()) return answer_former(batch, 0);
    if (c->head.type == ConversationType::kDirect) other = direct_peer(*c, me->user);
  }
  if (other.empty()) return send_items(batch, 0);  // a group
  const bool create_first = c == nullptr;
  if (const Users::Record user = users_.peek(other)) {
    return send_direct(batch, create_first, *user);
  }
  users_.with(other, [this, alive = alive_, batch, create_first](Result<Users::Record> user) {
    if (!*alive) return;
    if (!user) return reply_error(batch->reply, user.error());
    if (*user) return send_direct(batch, create_first, **user);
    reply_error(batch->reply, make_error(ErrorCode::kNotFound, "no such user"));
  });
}

void ConversationService::send_direct(const std::shared_ptr<Batch>& batch, bool create_first,
                                      const UserRecord& other) {
  batch->sender_only =
      std::binary_search(other.blocked.begin(), other.blocked.end(), batch->caller.user);
  if (create_first) {
    // In the log before the messages; if the other side was first, it changes nothing.
    LogRecord r = record(batch->caller, batch->conversation);
    r.command_id = *MessageId::from_bytes(batch->conversation.bytes());
    r.op = CreateOp{ConversationType::kDirect, "", {other.id}};
    cache_.append(std::move(r), [batch](const Result<Outcome>& made) {
      if (!made) batch->stopped = temporary(made.error());
    });
  }
  send_items(batch, 0);
}

// Who has left may not send, but what was placed before stays placed, also for a repetition.
void ConversationService::answer_former(const std::shared_ptr<Batch>& batch, std::size_t index) {
  if (index == batch->items.size()) return;
  cache_.find(batch->conversation, batch->caller.user, batch->items[index].id,
              [this, alive = alive_, batch, index](Result<std::optional<Placement>> earlier) {
                if (!*alive) return;
                Result<Placed> outcome = make_error(ErrorCode::kNotMember, "not a member");
                if (!earlier) outcome = temporary(earlier.error());
                if (earlier && *earlier) outcome = Placed{**earlier, true};
                answer_item(*batch, index, outcome);
                answer_former(batch, index + 1);
              });
}

void ConversationService::send_items(const std::shared_ptr<Batch>& batch, std::size_t index) {
  for (; index < batch->items.size(); ++index) {
    const auto& answered = batch->items[index].answers;
    if (batch->stopped || !answered) {
      append_item(batch, index);
      continue;
    }
    // Answers a message of one's own that had no place yet when this was written; it may be earlier
    // in this very batch.
    if (batch->in_log > 0) {
      batch->held = index;
      return;
    }
    cache_.find(batch->conversation, batch->caller.user, *answered,
                [this, alive = alive_, batch, index](Result<std::optional<Placement>> found) {
                  if (!*alive) return;
                  if (!found) batch->stopped = temporary(found.error());
                  if (found && !*found) {
                    answer_item(*batch, index, unknown_reply());
                  } else {
                    batch->items[index].op.reply_to_seq = found ? (*found)->seq : 0;
                    append_item(batch, index);
                  }
                  send_items(batch, index + 1);
                });
    return;
  }
}

void ConversationService::append_item(const std::shared_ptr<Batch>& batch, std::size_t index) {
  if (batch->stopped) return answer_item(*batch, index, *batch->stopped);
  Batch::Item& item = batch->items[index];
  LogRecord r = record(batch->caller, batch->conversation);
  r.command_id = item.id;
  r.attempt = item.attempt;
  r.sender_only = batch->sender_only;
  r.op = std::move(item.op);              // it is appended once
  r.reply_token = batch->caller.session;  // which must not get its own push
  ++batch->in_log;
  cache_.append(std::move(r), [this, alive = alive_, batch, index](Result<Outcome> outcome) {
    if (!*alive) return;
    if (--batch->in_log == 0) push_gathered();
    if (!outcome) {
      if (!batch->stopped) batch->stopped = temporary(outcome.error());
      answer_item(*batch, index, *batch->stopped);
    } else if (outcome->placed) {
      answer_item(*batch, index, Placed{*outcome->placed, outcome->duplicate});
    } else if (batch->stopped) {
      answer_item(*batch, index, *batch->stopped);  // refused for want of what was stopped
    } else {
      answer_item(*batch, index,
                  outcome->error.value_or(make_error(ErrorCode::kInternal, "not decided")));
    }
    if (batch->in_log == 0 && batch->held) {
      const std::size_t next = *std::exchange(batch->held, std::nullopt);
      send_items(batch, next);
    }
  });
}

void ConversationService::answer_item(Batch& batch, std::size_t index,
                                      const Result<Placed>& outcome) {
  Batch::Item& item = batch.items[index];
  if (outcome) {
    item.placed = *outcome;
  } else {
    item.error = std::make_unique<Error>(outcome.error());
  }
  if (--batch.waiting == 0) batch.answer();
}

void ConversationService::append_placed(LogRecord r, const Reply& reply) {
  cache_.append(std::move(r), [reply](Result<Outcome> outcome) {
    if (!outcome) return reply_error(reply, outcome.error());
    if (outcome->error) return reply_error(reply, *outcome->error);
    v1::ServerFrame frame;
    to_wire(outcome->placed.value_or(Placement{}), outcome->duplicate, frame.mutable_placed());
    reply(std::move(frame));
  });
}

void ConversationService::create(const Caller& caller, const v1::CreateConversation& request,
                                 const Reply& reply) {
  LogRecord r = record(caller, *conversation_id(request.conversation_id()));
  r.command_id = *message_id(request.command_id());
  r.attempt = request.attempt();
  r.op = CreateOp{ConversationType::kGroup, request.title(), user_ids(request.members())};
  append_placed(std::move(r), reply);
}

void ConversationService::change_members(const Caller& caller, const v1::MemberChange& request,
                                         const Reply& reply) {
  LogRecord r = record(caller, *conversation_id(request.conversation_id()));
  r.command_id = *message_id(request.command_id());
  r.attempt = request.attempt();
  r.op = MembershipOp{static_cast<MemberChangeKind>(request.kind()), user_ids(request.users()),
                      static_cast<MemberRole>(request.role())};
  append_placed(std::move(r), reply);
}

void ConversationService::change_meta(const Caller& caller, const v1::UpdateMeta& request,
                                      const Reply& reply) {
  LogRecord r = record(caller, *conversation_id(request.conversation_id()));
  r.command_id = *message_id(request.command_id());
  r.attempt = request.attempt();
  r.op = MetaOp{request.title()};
  append_placed(std::move(r), reply);
}

// --- receipts ---

void ConversationService::ack(const Caller& caller, const v1::AckEvents& request) {
  for (const v1::HeadRef& head : request.upto()) {
    const ConversationId id = *conversation_id(head.conversation_id());
    const Conversation* c = cache_.peek(id);
    const Member* me = c == nullptr ? nullptr : find_member(*c, caller.user);
    if (me != nullptr && me->delivered_seq >= head.seq()) continue;  // another device was first
    const auto known = receipts_.find({id, caller.user});
    if (known == receipts_.end() && receipts_.size() >= limits::receipts_gathered_max) continue;
    if (known == receipts_.end()) ++receipts_new_;
    PendingReceipt& pending = receipts_[{id, caller.user}];
    pending.device = caller.device;
    pending.delivered_seq = std::max(pending.delivered_seq, head.seq());
  }
  if (receipts_new_ >= kReceiptsAtOnce) flush_receipts();
  flush_receipts_soon();
}

void ConversationService::flush_receipts_soon() {
  if (receipts_.empty() || receipts_scheduled_) return;
  receipts_scheduled_ = true;
  scheduler_.after(kReceiptGather, [this, alive = alive_] {
    if (!*alive) return;
    receipts_scheduled_ = false;
    flush_receipts();
    flush_receipts_soon();
  });
}

// What is not in memory waits for its turn: whoever names ten thousand conversations at once must
// not keep the store from everybody else.
void ConversationService::flush_receipts() {
  receipts_new_ = 0;
  for (const auto& [key, receipt] : std::exchange(receipts_, {})) {
    const bool cold = cache_.peek(key.first) == nullptr;
    if (cold && receipt_loads_ >= limits::receipt_loads_max) {
      receipts_.emplace(key, receipt);
      continue;
    }
    receipt_loads_ += cold ? 1 : 0;
    ReceiptOp op;
    op.delivered_seq = receipt.delivered_seq;
    append_receipt({key.second, receipt.device, 0}, key.first, op,
                   [this, alive = alive_, cold](const Status&) {
                     if (*alive && cold) --receipt_loads_;
                   });
  }
}

void ConversationService::mark_read(const Caller& caller, const v1::MarkRead& request,
                                    const Reply& reply) {
  const ConversationId id = *conversation_id(request.conversation_id());
  EventQuery query{id, 1, request.upto_seq(), 1, true};
  cache_.events(query, [this, alive = alive_, caller, id, upto = request.upto_seq(),
                        reply](Result<std::vector<Event>> found) {
    if (!*alive) return;
    if (!found) return reply_error(reply, found.error());
    ReceiptOp op;
    op.read_seq = found->empty() ? 0 : std::min(upto, found->back().seq);
    op.read_ordinal = found->empty() ? 0 : found->back().ordinal;
    // What has been gathered for the same reader goes along.
    if (const auto waiting = receipts_.extract({id, caller.user})) {
      op.delivered_seq = waiting.mapped().delivered_seq;
    }
    large_.touch(id, caller.session, scheduler_.clock().steady_ms());
    append_receipt(caller, id, op, [reply](const Status& status) {
      status ? reply_ack(reply) : reply_error(reply, status.error());
    });
  });
}

void ConversationService::append_receipt(const Caller& caller, const ConversationId& id,
                                         const ReceiptOp& op, Done<void> done) {
  // Strangers cost no record. While records of the conversation wait for their decision it may be
  // one of them that makes the caller a member: then the decision on the receipt finds out.
  if (const Conversation* c = cache_.peek(id); c != nullptr) {
    const Member* me = find_member(*c, caller.user);
    if (me != nullptr && me->active()) return log_receipt(caller, id, op, std::move(done));
  }
  cache_.with(id, [this, alive = alive_, caller, id, op,
                   done = std::move(done)](Result<const Conversation*> found) {
    if (!*alive) return;
    // While the store fails nobody is proven a stranger.
    const Conversation* c = found ? *found : nullptr;
    const Member* me = c != nullptr ? find_member(*c, caller.user) : nullptr;
    if (found && (me == nullptr || !me->active()) && !cache_.undecided(id)) {
      return done(make_error(ErrorCode::kNotMember, "not a member of the conversation"));
    }
    log_receipt(caller, id, op, done);
  });
}

void ConversationService::log_receipt(const Caller& caller, const ConversationId& id,
                                      const ReceiptOp& op, Done<void> done) {
  const auto log = [this, caller, id](ReceiptOp shown, bool publish_read, Done<void> told) {
    LogRecord r = record(caller, id);
    shown.publish_read = publish_read;
    r.op = shown;
    cache_.append(std::move(r), [told = std::move(told)](const Result<Outcome>& outcome) {
      if (!outcome) return told(temporary(outcome.error()));
      told(outcome->error ? Status(*outcome->error) : Status());
    });
  };
  if (const Users::Record known = users_.peek(caller.user)) {
    return log(op, known->privacy.receipts, std::move(done));
  }
  users_.with(caller.user,
              [alive = alive_, log, op, done = std::move(done)](Result<Users::Record> who) mutable {
                if (*alive) log(op, who && *who && (*who)->privacy.receipts, std::move(done));
              });
}

}  // namespace kith::server
