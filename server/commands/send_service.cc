// Messages on their way into the log.
#include "server/commands/send_service.h"

#include <algorithm>
#include <utility>

#include "server/commands/command.h"
#include "server/conversation/refusals.h"
#include "server/requests/consent.h"

namespace kith::server {
namespace {

UserId direct_peer(const Conversation& c, const UserId& user) {
  for (const Member& m : c.members) {
    if (m.user != user) return m.user;
  }
  return {};
}

// Whether `id` is the 1:1 of these two. The known state of it saves deriving the id again.
bool is_direct(const Conversation* known, const ConversationId& id, const UserId& a,
               const UserId& b) {
  if (known != nullptr && known->head.type == ConversationType::kDirect) {
    return find_member(*known, a) != nullptr && find_member(*known, b) != nullptr;
  }
  return ConversationId::direct(a, b) == id;
}

Error unknown_reply() {
  return make_error(ErrorCode::kNotFound, "the answered message does not exist");
}

}  // namespace

void SendService::send(const Caller& caller, const RequestView& request, Reply&& reply) {
  Batch& batch = batches_.begin(caller, request, std::move(reply));
  const SendBatches::Hold hold(batches_, batch);
  const Conversation* known = shard_.cached(batch.conversation);
  if (batch.peer == caller.user) {
    return reply_error(
        batch.reply, make_error(ErrorCode::kInvalidArgument, "a 1:1 with oneself does not exist"));
  }
  if (batch.peer && !is_direct(known, batch.conversation, caller.user, *batch.peer)) {
    return reply_error(batch.reply, make_error(ErrorCode::kInvalidArgument,
                                               "conversation_id is not the 1:1 with direct_peer"));
  }
  if (known != nullptr) return send_in(batch, known);
  ++batch.holds;
  shard_.with(batch.conversation,
              guard_.wrap([this, place = batch.place](Result<const Conversation*> found) {
                Batch& loaded = batches_.at(place);
                const SendBatches::Hold held(batches_, loaded);
                if (!found) return reply_error(loaded.reply, found.error());
                send_in(loaded, *found);
              }));
}

// `c`: null if there is no such conversation yet.
void SendService::send_in(Batch& batch, const Conversation* c) {
  if (creations_.pending(batch.conversation, batch.caller.user)) {
    ++batch.holds;
    const bool waits = creations_.defer(batch.conversation, batch.caller.user,
                                        guard_.wrap([this, place = batch.place] {
                                          Batch& waited = batches_.at(place);
                                          const SendBatches::Hold held(batches_, waited);
                                          send_in(waited, shard_.cached(waited.conversation));
                                        }));
    if (waits) return;
    --batch.holds;
    return reply_error(batch.reply, not_decided_yet());
  }
  if (c == nullptr && !batch.peer) {
    return reply_error(batch.reply, refusal(shard_, creations_, batch.conversation,
                                            batch.caller.user, not_a_member()));
  }
  UserId other = batch.peer.value_or(UserId());
  if (c != nullptr) {
    const Member* me = find_member(*c, batch.caller.user);
    if (me == nullptr) {
      return reply_error(batch.reply, refusal(shard_, creations_, batch.conversation,
                                              batch.caller.user, not_a_member()));
    }
    if (!me->active()) {
      if (shard_.admission_undecided(batch.conversation, batch.caller.user)) {
        return reply_error(batch.reply, not_decided_yet());
      }
      return answer_former(batch, 0, not_a_member());
    }
    if (c->head.type == ConversationType::kDirect) other = direct_peer(*c, me->user);
  }
  if (c == nullptr) return send_first(batch, other);
  const bool group = other.empty();
  if (group || blocks_.known(batch.conversation, other, batch.caller.user)) {
    return send_items(batch, 0);
  }
  settle_block(batch, other);
}

void SendService::send_first(Batch& batch, const UserId& other) {
  ++batch.holds;
  relations_.consents(
      batch.caller, {other},
      guard_.wrap([this, place = batch.place, other](const Result<std::vector<Consent>>& known) {
        Batch& asking = batches_.at(place);
        const SendBatches::Hold held(batches_, asking);
        if (!known) return reply_error(asking.reply, known.error());
        if (!known->empty()) return create_direct(asking, known->front());
        relations_.charge(asking.caller, 1);
        reply_error(asking.reply, no_such_users({other}));
      }));
}

// The log does not say then whether the other blocks the caller: the next batch asks.
void SendService::create_direct(Batch& batch, const Consent& consent) {
  if (const auto refused = check_first_message(consent)) {
    relations_.charge(batch.caller, 1);
    return reply_error(
        batch.reply, refusal(shard_, creations_, batch.conversation, batch.caller.user, *refused));
  }
  // In the log before the messages; if the other side was first, it changes nothing.
  LogRecord r = new_record(batch.caller, batch.conversation, scheduler_.clock());
  r.command_id = *MessageId::from_bytes(batch.conversation.view());
  CreateOp create{ConversationType::kDirect, "", {consent.user}, {}};
  if (!consent.privacy.receipts) create.receipts_off.push_back(consent.user);
  r.op = std::move(create);
  ++batch.holds;
  shard_.append(std::move(r), guard_.wrap([this, place = batch.place](const Result<Outcome>& made) {
    const SendBatches::Hold held(batches_, batches_.at(place));
    if (!made) batches_.at(place).stopped = temporary(made.error());
  }));
  send_items(batch, 0);
}

void SendService::settle_block(Batch& batch, const UserId& other) {
  ++batch.holds;
  blocks_.settle(batch.conversation, other, batch.caller.user,
                 guard_.wrap([this, place = batch.place](const Status& settled) {
                   Batch& asking = batches_.at(place);
                   const SendBatches::Hold held(batches_, asking);
                   if (settled) return send_items(asking, 0);
                   if (settled.error().code != ErrorCode::kNotFound) {
                     return reply_error(asking.reply, settled.error());
                   }
                   answer_former(asking, 0, settled.error());  // the account was deleted
                 }));
}

// Refuses a former member, and everybody who writes to an account that is gone; but what was placed
// before stays placed, also for a repetition.
void SendService::answer_former(Batch& batch, std::size_t index, const Error& refused) {
  if (index == batch.items.size()) return;
  ++batch.holds;
  shard_.find(batch.conversation, batch.caller.user, batch.items[index].id,
              guard_.wrap([this, place = batch.place, index,
                           refused](const Result<std::optional<Placement>>& earlier) {
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
              }));
}

void SendService::send_items(Batch& batch, std::size_t index) {
  for (; index < batch.items.size(); ++index) {
    const auto& answered = batch.items[index].answers;
    if (batch.stopped || !answered) {
      append_item(batch, index);
      continue;
    }
    // A reply to a message of the same sender that had no place yet when the reply was written; it
    // may be earlier in this batch.
    if (batch.in_log > 0) {
      batch.held = index;
      return;
    }
    ++batch.holds;
    // After a restart what is answered may be in the log and wait for its decision.
    const bool undecided = shard_.undecided(batch.conversation);
    shard_.find(batch.conversation, batch.caller.user, *answered,
                guard_.wrap([this, place = batch.place, index,
                             undecided](const Result<std::optional<Placement>>& found) {
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
                }));
    return;
  }
}

void SendService::append_item(Batch& batch, std::size_t index) {
  if (batch.stopped) return batch.refuse_item(index, *batch.stopped);
  Batch::Item& item = batch.items[index];
  LogRecord r = new_record(batch.caller, batch.conversation, scheduler_.clock());
  r.command_id = item.id;
  r.attempt = batch.late ? std::max(item.attempt, 1U) : item.attempt;
  r.op = std::move(item.op);                // it is appended once
  r.origin_session = batch.caller.session;  // which must not get its own push
  ++batch.in_log;
  ++batch.holds;
  shard_.append(std::move(r),
                guard_.wrap([this, place = batch.place, index](const Result<Outcome>& outcome) {
                  item_decided(batches_.at(place), index, outcome);
                }));
}

void SendService::item_decided(Batch& batch, std::size_t index, const Result<Outcome>& outcome) {
  const SendBatches::Hold hold(batches_, batch);
  if (--batch.in_log == 0) pusher_.flush();
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

}  // namespace kith::server
