// Commands and receipts: from the request into the log, and back as an answer.
#include "server/services/conversation_service.h"

#include <algorithm>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "server/services/consent.h"
#include "server/services/gathered_push.h"
#include "server/services/owed_push.h"
#include "server/services/receipts_off.h"
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

// Ascending, each once.
std::vector<UserId> user_ids(const google::protobuf::RepeatedPtrField<std::string>& list) {
  std::vector<UserId> ids;
  ids.reserve(static_cast<std::size_t>(list.size()));
  for (const std::string& bytes : list) {
    if (const auto id = user_id(bytes)) ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
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

ConversationService::ConversationService(ConversationCache& cache, Users& users, Fanout& fanout,
                                         Scheduler& scheduler, std::uint32_t large_pushes_per_s)
    : cache_(cache),
      users_(users),
      fanout_(fanout),
      scheduler_(scheduler),
      creations_(scheduler),
      gathered_(std::make_unique<GatheredPush>()),
      spare_pushes_(large_pushes_per_s > 0),
      listener_rate_(BucketRate::per_s(large_pushes_per_s, kListenerBurstS * large_pushes_per_s)) {
  cache_.on_decided([this](const LogEntry& entry, const Outcome& outcome, const Conversation& c) {
    decided(entry, outcome, c);
  });
}

ConversationService::~ConversationService() {
  *alive_ = false;
  scheduler_.cancel(receipts_timer_);
  for (const RestQueue& queue : rest_queues_) scheduler_.cancel(queue.timer);
  cache_.on_decided(nullptr);
}

bool ConversationService::handle(const Caller& caller, const v1::ClientFrame& frame,
                                 const Reply& reply) {
  return handle(caller, v1::ClientFrame(frame), Reply(reply));
}

bool ConversationService::handle(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply) {
  switch (frame.body_case()) {
    case v1::ClientFrame::kSend:
    case v1::ClientFrame::kAckEvents: {
      RequestView request;
      request.read(frame);
      handle(caller, request, std::move(reply));
      return true;
    }
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

void ConversationService::handle(const Caller& caller, const RequestView& request, Reply&& reply) {
  if (request.kind == RequestView::Kind::kSend) return send(caller, request, std::move(reply));
  ack(caller, request);
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

void ConversationService::send(const Caller& caller, const RequestView& request, Reply&& reply) {
  Batch& batch = batches_.begin(caller, request, std::move(reply));
  const SendBatches::Hold hold(batches_, batch);
  const Conversation* known = cache_.peek(batch.conversation);
  if (batch.peer == caller.user) {
    return reply_error(
        batch.reply, make_error(ErrorCode::kInvalidArgument, "a 1:1 with oneself does not exist"));
  }
  if (batch.peer && !is_direct(known, batch.conversation, caller.user, *batch.peer)) {
    return reply_error(batch.reply, make_error(ErrorCode::kInvalidArgument,
                                               "conversation_id is not the 1:1 with direct_peer"));
  }
  if (const UserRecord* me = users_.at_hand(caller.user)) return send_from(batch, me);
  ++batch.holds;
  users_.with(caller.user, [this, alive = alive_, place = batch.place](Result<Users::Record> me) {
    if (!*alive) return;
    Batch& loaded = batches_.at(place);
    const SendBatches::Hold held(batches_, loaded);
    if (!me) return reply_error(loaded.reply, me.error());
    send_from(loaded, me->get());
  });
}

void ConversationService::send_from(Batch& batch, const UserRecord* me) {
  batch.receipts_off = !shares_receipts(me);
  if (const Conversation* known = cache_.peek(batch.conversation)) return send_in(batch, known);
  ++batch.holds;
  cache_.with(batch.conversation,
              [this, alive = alive_, place = batch.place](Result<const Conversation*> found) {
                if (!*alive) return;
                Batch& loaded = batches_.at(place);
                const SendBatches::Hold held(batches_, loaded);
                if (!found) return reply_error(loaded.reply, found.error());
                send_in(loaded, *found);
              });
}

Error ConversationService::not_decided_yet() {
  return make_error(ErrorCode::kUnavailable, "earlier commands wait for their decision");
}

Error ConversationService::not_a_member() {
  return make_error(ErrorCode::kNotMember, "not a member of the conversation");
}

Error ConversationService::refusal(const ConversationId& id, const UserId& user,
                                   const Error& error) const {
  const bool waits = cache_.admission_undecided(id, user) || creations_.pending(id, user);
  return waits ? not_decided_yet() : error;
}

// `c`: null if there is no such conversation yet.
void ConversationService::send_in(Batch& batch, const Conversation* c) {
  if (creations_.pending(batch.conversation, batch.caller.user)) {
    ++batch.holds;
    const bool waits = creations_.defer(batch.conversation, batch.caller.user,
                                        [this, alive = alive_, place = batch.place] {
                                          if (!*alive) return;
                                          Batch& waited = batches_.at(place);
                                          const SendBatches::Hold held(batches_, waited);
                                          send_in(waited, cache_.peek(waited.conversation));
                                        });
    if (waits) return;
    --batch.holds;
    return reply_error(batch.reply, not_decided_yet());
  }
  if (c == nullptr && !batch.peer) {
    return reply_error(batch.reply, refusal(batch.conversation, batch.caller.user, not_a_member()));
  }
  UserId other = batch.peer.value_or(UserId());
  if (c != nullptr) {
    const Member* me = find_member(*c, batch.caller.user);
    if (me == nullptr) {
      return reply_error(batch.reply,
                         refusal(batch.conversation, batch.caller.user, not_a_member()));
    }
    if (!me->active()) {
      if (cache_.admission_undecided(batch.conversation, batch.caller.user)) {
        return reply_error(batch.reply, not_decided_yet());
      }
      return answer_former(batch, 0, not_a_member());
    }
    if (c->head.type == ConversationType::kDirect) other = direct_peer(*c, me->user);
  }
  const bool create_first = c == nullptr;
  if (other.empty() && !create_first) return send_items(batch, 0);  // a group
  if (create_first) {
    if (const auto wait = too_many_lookups(batch.caller)) return reply_error(batch.reply, *wait);
  }
  if (const UserRecord* user = users_.at_hand(other)) {
    return send_direct(batch, create_first, *user);
  }
  ++batch.holds;
  users_.with(other, [this, alive = alive_, place = batch.place, create_first,
                      other](Result<Users::Record> user) {
    if (!*alive) return;
    Batch& loaded = batches_.at(place);
    const SendBatches::Hold held(batches_, loaded);
    if (!user) return reply_error(loaded.reply, user.error());
    if (*user) return send_direct(loaded, create_first, **user);
    const Error nobody = no_such_users({other});
    if (create_first) return reply_error(loaded.reply, charged(loaded.caller, 1, nobody));
    answer_former(loaded, 0, nobody);  // the account was deleted
  });
}

void ConversationService::send_direct(Batch& batch, bool create_first, const UserRecord& other) {
  const Consent consent = consent_of(other, batch.caller.user);
  batch.sender_only = consent.blocked;
  if (create_first) {
    if (const auto refused = check_first_message(consent)) {
      return reply_error(batch.reply, refusal(batch.conversation, batch.caller.user,
                                              charged(batch.caller, 1, *refused)));
    }
    // In the log before the messages; if the other side was first, it changes nothing.
    LogRecord r = record(batch.caller, batch.conversation);
    r.command_id = *MessageId::from_bytes(batch.conversation.view());
    r.receipts_off = batch.receipts_off;
    CreateOp create{ConversationType::kDirect, "", {other.id}, {}};
    if (!other.privacy.receipts) create.receipts_off.push_back(other.id);
    r.op = std::move(create);
    ++batch.holds;
    cache_.append(std::move(r),
                  [this, alive = alive_, place = batch.place](const Result<Outcome>& made) {
                    if (!*alive) return;
                    const SendBatches::Hold held(batches_, batches_.at(place));
                    if (!made) batches_.at(place).stopped = temporary(made.error());
                  });
  }
  send_items(batch, 0);
}

// Who has left may not send, nor does anybody to an account that is gone; but what was placed before
// stays placed, also for a repetition.
void ConversationService::answer_former(Batch& batch, std::size_t index, const Error& refused) {
  if (index == batch.items.size()) return;
  ++batch.holds;
  cache_.find(batch.conversation, batch.caller.user, batch.items[index].id,
              [this, alive = alive_, place = batch.place, index,
               refused](const Result<std::optional<Placement>>& earlier) {
                if (!*alive) return;
                Batch& found = batches_.at(place);
                const SendBatches::Hold held(batches_, found);
                if (!earlier) {
                  found.refuse_item(index, temporary(earlier.error()));
                } else if (*earlier) {
                  found.place_item(index, **earlier, true);
                } else {
                  found.refuse_item(index, refused);
                }
                answer_former(found, index + 1, refused);
              });
}

void ConversationService::send_items(Batch& batch, std::size_t index) {
  for (; index < batch.items.size(); ++index) {
    const auto& answered = batch.items[index].answers;
    if (batch.stopped || !answered) {
      append_item(batch, index);
      continue;
    }
    // Answers a message of one's own that had no place yet when this was written; it may be earlier
    // in this very batch.
    if (batch.in_log > 0) {
      batch.held = index;
      return;
    }
    ++batch.holds;
    // After a restart what is answered may be in the log and wait for its decision.
    const bool undecided = cache_.undecided(batch.conversation);
    cache_.find(batch.conversation, batch.caller.user, *answered,
                [this, alive = alive_, place = batch.place, index,
                 undecided](const Result<std::optional<Placement>>& found) {
                  if (!*alive) return;
                  Batch& asking = batches_.at(place);
                  const SendBatches::Hold held(batches_, asking);
                  asking.late = true;
                  if (!found) asking.stopped = temporary(found.error());
                  if (found && !*found && undecided) asking.stopped = not_decided_yet();
                  if (found && !*found && !undecided) {
                    asking.refuse_item(index, unknown_reply());
                  } else {
                    asking.items[index].op.reply_to_seq = found && *found ? (*found)->seq : 0;
                    append_item(asking, index);
                  }
                  send_items(asking, index + 1);
                });
    return;
  }
}

void ConversationService::append_item(Batch& batch, std::size_t index) {
  if (batch.stopped) return batch.refuse_item(index, *batch.stopped);
  Batch::Item& item = batch.items[index];
  LogRecord r = record(batch.caller, batch.conversation);
  r.command_id = item.id;
  r.attempt = batch.late ? std::max(item.attempt, 1U) : item.attempt;
  r.sender_only = batch.sender_only;
  r.receipts_off = batch.receipts_off;
  r.op = std::move(item.op);             // it is appended once
  r.reply_token = batch.caller.session;  // which must not get its own push
  ++batch.in_log;
  ++batch.holds;
  cache_.append(std::move(r),
                [this, alive = alive_, place = batch.place, index](const Result<Outcome>& outcome) {
                  if (*alive) item_decided(batches_.at(place), index, outcome);
                });
}

void ConversationService::item_decided(Batch& batch, std::size_t index,
                                       const Result<Outcome>& outcome) {
  const SendBatches::Hold hold(batches_, batch);
  if (--batch.in_log == 0) push_gathered();
  if (!outcome) {
    if (!batch.stopped) batch.stopped = temporary(outcome.error());
    batch.refuse_item(index, *batch.stopped);
  } else if (outcome->placed) {
    batch.place_item(index, *outcome->placed, outcome->duplicate);
  } else if (batch.stopped) {
    batch.refuse_item(index, *batch.stopped);  // refused for want of what was stopped
  } else {
    batch.refuse_item(index,
                      outcome->error.value_or(make_error(ErrorCode::kInternal, "not decided")));
  }
  if (batch.in_log == 0 && batch.held) {
    batch.late = true;
    send_items(batch, *std::exchange(batch.held, std::nullopt));
  }
}

void ConversationService::append_placed(LogRecord r, const Reply& reply) {
  const UserId sender = r.sender;
  users_.with(sender, [this, alive = alive_, r = std::move(r),
                       reply](const Result<Users::Record>& me) mutable {
    if (!*alive) return;
    if (!me) return reply_error(reply, me.error());
    r.receipts_off = !shares_receipts(me->get());
    cache_.append(std::move(r), [reply](Result<Outcome> outcome) {
      if (!outcome) return reply_error(reply, outcome.error());
      if (outcome->error) return reply_error(reply, *outcome->error);
      v1::ServerFrame frame;
      to_wire(outcome->placed.value_or(Placement{}), outcome->duplicate, frame.mutable_placed());
      reply(std::move(frame));
    });
  });
}

// Who is no member costs no record. Who was one may have asked before leaving: a repetition is answered with
// its place.
void ConversationService::with_member(
    const LogRecord& r, const Reply& reply,
    std::function<void(const Conversation&, const Member&)> then) {
  cache_.with(r.conversation, [this, alive = alive_, r, reply,
                               then = std::move(then)](Result<const Conversation*> found) {
    if (!*alive) return;
    if (!found) return reply_error(reply, found.error());
    if (creations_.pending(r.conversation, r.sender)) {
      const bool waits = creations_.defer(r.conversation, r.sender, [this, alive, r, reply, then] {
        if (*alive) with_member(r, reply, then);
      });
      if (!waits) reply_error(reply, not_decided_yet());
      return;
    }
    const Member* me = *found == nullptr ? nullptr : find_member(**found, r.sender);
    if (me != nullptr && me->active()) return then(**found, *me);
    if (cache_.admission_undecided(r.conversation, r.sender)) {
      return reply_error(reply, not_decided_yet());
    }
    if (me == nullptr) return reply_error(reply, not_a_member());
    answer_earlier_or(r, not_a_member(), reply);
  });
}

void ConversationService::answer_earlier_or(const LogRecord& r, const Error& error,
                                            const Reply& reply) {
  cache_.find(r.conversation, r.sender, r.command_id,
              [error, reply](const Result<std::optional<Placement>>& earlier) {
                if (!earlier) return reply_error(reply, temporary(earlier.error()));
                if (!*earlier) return reply_error(reply, error);
                v1::ServerFrame frame;
                to_wire(**earlier, true, frame.mutable_placed());
                reply(std::move(frame));
              });
}

// `joining`: those whom the record makes members, ascending. They are asked for before the log: what it has
// is decided without the directory.
void ConversationService::append_if_willing(const Caller& caller, LogRecord r,
                                            std::vector<UserId> joining, const Reply& reply) {
  if (const auto wait = too_many_lookups(caller)) return reply_error(reply, *wait);
  const UserId sender = r.sender;
  users_.consents(joining, sender,
                  [this, alive = alive_, caller, r = std::move(r), joining,
                   reply](const Result<std::vector<Consent>>& known) mutable {
                    if (!*alive) return;
                    if (!known) return reply_error(reply, temporary(known.error()));
                    if (const auto refused = check_group_adds(joining, *known)) {
                      return answer_earlier_or(r, charged(caller, joining.size(), *refused), reply);
                    }
                    std::vector<UserId> off;
                    for (const Consent& one : *known) {
                      if (!one.privacy.receipts) off.push_back(one.user);
                    }
                    if (auto* create = std::get_if<CreateOp>(&r.op))
                      create->receipts_off = std::move(off);
                    if (auto* change = std::get_if<MembershipOp>(&r.op))
                      change->receipts_off = std::move(off);
                    append_placed(std::move(r), reply);
                  });
}

std::optional<Error> ConversationService::too_many_lookups(const Caller& caller) const {
  const std::uint32_t wait = lookup_costs_.wait ? lookup_costs_.wait(caller) : 0;
  if (wait == 0) return std::nullopt;
  return make_error(ErrorCode::kRateLimited, "too many people were asked for", wait);
}

const Error& ConversationService::charged(const Caller& caller, std::size_t people,
                                          const Error& refusal) const {
  if (lookup_costs_.charge) lookup_costs_.charge(caller, static_cast<std::uint32_t>(people));
  return refusal;
}

void ConversationService::create(const Caller& caller, const v1::CreateConversation& request,
                                 const Reply& answer) {
  LogRecord r = record(caller, *conversation_id(request.conversation_id()));
  r.command_id = *message_id(request.command_id());
  r.attempt = request.attempt();
  std::vector<UserId> others = user_ids(request.members());
  std::erase(others, caller.user);
  r.op = CreateOp{ConversationType::kGroup, request.title(), others, {}};
  const Reply reply = creations_.begin(r.conversation, caller.user, answer);
  cache_.with(r.conversation,
              [this, alive = alive_, caller, r, others, reply](Result<const Conversation*> found) {
                if (!*alive) return;
                if (!found) return reply_error(reply, found.error());
                if (*found == nullptr) {
                  if (cache_.undecided(r.conversation))
                    return reply_error(reply, not_decided_yet());
                  return append_if_willing(caller, r, others, reply);
                }
                // A repetition, or a group of others.
                if (find_member(**found, r.sender) == nullptr)
                  return reply_error(reply, not_a_member());
                append_placed(r, reply);
              });
}

void ConversationService::change_members(const Caller& caller, const v1::MemberChange& request,
                                         const Reply& reply) {
  LogRecord r = record(caller, *conversation_id(request.conversation_id()));
  r.command_id = *message_id(request.command_id());
  r.attempt = request.attempt();
  MembershipOp op{static_cast<MemberChangeKind>(request.kind()),
                  user_ids(request.users()),
                  static_cast<MemberRole>(request.role()),
                  {}};
  r.op = op;
  with_member(
      r, reply, [this, caller, r, op, reply](const Conversation& c, const Member& me) mutable {
        if (op.kind != MemberChangeKind::kAdd) return append_placed(r, reply);
        // Refused before anybody is looked up: adding without the right to tells nobody who exists.
        if (me.role < MemberRole::kAdmin) {
          if (cache_.undecided(r.conversation)) return reply_error(reply, not_decided_yet());
          return answer_earlier_or(
              r, make_error(ErrorCode::kPermissionDenied, "only admins may add members"), reply);
        }
        // Members are left out: if one leaves before the decision, it must not bring them back unasked.
        std::erase_if(op.users, [&](const UserId& user) {
          const Member* there = find_member(c, user);
          return there != nullptr && there->active();
        });
        r.op = op;
        append_if_willing(caller, r, op.users, reply);
      });
}

void ConversationService::change_meta(const Caller& caller, const v1::UpdateMeta& request,
                                      const Reply& reply) {
  LogRecord r = record(caller, *conversation_id(request.conversation_id()));
  r.command_id = *message_id(request.command_id());
  r.attempt = request.attempt();
  r.op = MetaOp{request.title()};
  with_member(r, reply,
              [this, r, reply](const Conversation&, const Member&) { append_placed(r, reply); });
}

// --- receipts ---

void ConversationService::ack(const Caller& caller, const RequestView& request) {
  std::uint32_t cold = 0;
  for (const RequestView::Head& head : request.upto) {
    const ConversationId id = *conversation_id(head.conversation);
    const Conversation* c = cache_.peek(id);
    const Member* me = c == nullptr ? nullptr : find_member(*c, caller.user);
    if (c == nullptr) ++cold;
    if (me != nullptr && me->delivered_seq >= head.seq) continue;  // another device was first
    if (receipts_.note({id, caller.user, caller.device, head.seq})) ++receipts_new_;
  }
  if (cold > 0 && cold_heads_) cold_heads_(caller, cold);
  if (receipts_new_ >= kReceiptsAtOnce) flush_receipts();
  flush_receipts_soon();
}

void ConversationService::flush_receipts_soon() {
  if (receipts_.empty() || receipts_timer_ != 0) return;
  receipts_timer_ = scheduler_.after(kReceiptGather, [this] {
    receipts_timer_ = 0;
    flush_receipts();
    flush_receipts_soon();
  });
}

// What is not in memory waits for its turn: whoever names ten thousand conversations at once must
// not keep the store from everybody else.
void ConversationService::flush_receipts() {
  receipts_new_ = 0;
  receipts_.take_each([this](const PendingReceipt& receipt) {
    const bool cold = cache_.peek(receipt.conversation) == nullptr;
    if (cold && receipt_loads_ >= limits::receipt_loads_max) return false;
    ReceiptOp op;
    op.delivered_seq = receipt.delivered_seq;
    Done<void> done;
    if (cold) {
      ++receipt_loads_;
      done = [this, alive = alive_](const Status&) {
        if (*alive) --receipt_loads_;
      };
    }
    append_receipt({receipt.reader, receipt.device, 0}, receipt.conversation, op, std::move(done));
    return true;
  });
}

void ConversationService::mark_read(const Caller& caller, const v1::MarkRead& request,
                                    const Reply& reply) {
  const ConversationId id = *conversation_id(request.conversation_id());
  cache_.with(id, [this, alive = alive_, caller, id, upto = request.upto_seq(),
                   reply](Result<const Conversation*> found) {
    if (!*alive) return;
    if (!found) return reply_error(reply, found.error());
    const Member* me = *found != nullptr ? find_member(**found, caller.user) : nullptr;
    if (me != nullptr && me->active()) return mark_member_read(caller, id, upto, reply);
    reply_error(reply, refusal(id, caller.user, not_a_member()));
  });
}

void ConversationService::mark_member_read(const Caller& caller, const ConversationId& id,
                                           std::uint64_t upto, const Reply& reply) {
  EventQuery query{id, 1, upto, 1, true};
  cache_.events(query,
                [this, alive = alive_, caller, id, upto, reply](Result<std::vector<Event>> found) {
                  if (!*alive) return;
                  if (!found) return reply_error(reply, found.error());
                  const bool all = !found->empty() && found->back().seq >= upto;
                  if (!all && cache_.undecided(id)) return reply_error(reply, not_decided_yet());
                  ReceiptOp op;
                  op.read_seq = found->empty() ? 0 : std::min(upto, found->back().seq);
                  op.read_ordinal = found->empty() ? 0 : ordinal_for(found->back(), caller.user);
                  // What has been gathered for the same reader goes along.
                  if (const auto waiting = receipts_.extract(id, caller.user)) {
                    op.delivered_seq = waiting->delivered_seq;
                  }
                  large_.touch(id, caller.session, scheduler_.clock().steady_ms());
                  append_receipt(caller, id, op, [reply](const Status& status) {
                    status ? reply_ack(reply) : reply_error(reply, status.error());
                  });
                });
}

// `done`: null if nobody waits.
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
    const bool member = me != nullptr && me->active();
    if (found && !member && !cache_.admission_undecided(id, caller.user)) {
      if (done) done(not_a_member());
      return;
    }
    log_receipt(caller, id, op, done);
  });
}

void ConversationService::log_receipt(const Caller& caller, const ConversationId& id,
                                      const ReceiptOp& op, Done<void> done) {
  if (const UserRecord* known = users_.at_hand(caller.user)) {
    return log_receipt(caller, id, op, known->privacy.receipts, std::move(done));
  }
  users_.with(caller.user, [this, alive = alive_, caller, id, op,
                            done = std::move(done)](Result<Users::Record> who) {
    if (*alive) log_receipt(caller, id, op, who && shares_receipts(who->get()), done);
  });
}

void ConversationService::log_receipt(const Caller& caller, const ConversationId& id,
                                      const ReceiptOp& op, bool publish_read, Done<void> done) {
  LogRecord r = record(caller, id);
  r.op.emplace<ReceiptOp>(op).publish_read = publish_read;
  if (!done) return cache_.append(std::move(r), [](const Result<Outcome>&) {});
  cache_.append(std::move(r), [told = std::move(done)](const Result<Outcome>& outcome) {
    if (!outcome) return told(temporary(outcome.error()));
    told(outcome->error ? Status(*outcome->error) : Status());
  });
}

}  // namespace kith::server
