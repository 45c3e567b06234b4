// Receipts on their way into the log.
#include "server/commands/receipt_intake.h"

#include <algorithm>
#include <utility>

#include "kith/v1/frame.pb.h"
#include "server/commands/command.h"
#include "server/conversation/refusals.h"
#include "src/frame_codec.h"

namespace kith::server {
namespace {

// Deliveries that arrive within this are one record per conversation and reader; nobody waits for
// them.
constexpr Millis kGather{2};
// That many do not wait for others.
constexpr std::size_t kAtOnce = 64;

}  // namespace

void ReceiptIntake::ack(const Caller& caller, const RequestView& request) {
  std::uint32_t cold = 0;
  for (const RequestView::Head& head : request.upto) {
    const ConversationId id = *conversation_id(head.conversation);
    const Conversation* c = shard_.cached(id);
    const Member* me = c == nullptr ? nullptr : find_member(*c, caller.user);
    if (c == nullptr) ++cold;
    if (me != nullptr && me->delivered_seq >= head.seq) continue;  // another device was first
    if (pending_.note({id, caller.user, caller.device, head.seq, caller.receipts})) ++fresh_;
  }
  if (cold > 0) relations_.charge_loads(caller, cold);
  if (fresh_ >= kAtOnce) flush();
  flush_soon();
}

void ReceiptIntake::flush_soon() {
  if (!pending_.empty() && !timer_.waits()) timer_.start(kGather);
}

// Conversations that are not in memory wait for their turn: a request that names ten thousand of them
// must not keep the store from everybody else.
void ReceiptIntake::flush() {
  fresh_ = 0;
  pending_.take_each([this](const PendingReceipt& receipt) {
    const bool cold = shard_.cached(receipt.conversation) == nullptr;
    if (cold && loads_ >= limits::receipt_loads_max) return false;
    ReceiptOp op;
    op.delivered_seq = receipt.delivered_seq;
    Done<void> done;
    if (cold) {
      ++loads_;
      done = guard_.wrap([this](const Status&) { --loads_; });
    }
    append_receipt({receipt.reader, receipt.device, 0, receipt.receipts}, receipt.conversation, op,
                   std::move(done));
    return true;
  });
}

void ReceiptIntake::mark_read(const Caller& caller, const v1::MarkRead& request,
                              const Reply& reply) {
  const ConversationId id = *conversation_id(request.conversation_id());
  shard_.with(id, guard_.wrap([this, caller, id, upto = request.upto_seq(),
                               reply](Result<const Conversation*> found) {
    if (!found) return reply_error(reply, found.error());
    const Member* me = *found != nullptr ? find_member(**found, caller.user) : nullptr;
    if (me != nullptr && me->active()) return mark_member_read(caller, id, upto, reply);
    reply_error(reply, refusal(shard_, creations_, id, caller.user, not_a_member()));
  }));
}

void ReceiptIntake::mark_member_read(const Caller& caller, const ConversationId& id,
                                     std::uint64_t upto, const Reply& reply) {
  EventQuery query{id, 1, upto, 1, true};
  shard_.events(query,
                guard_.wrap([this, caller, id, upto, reply](Result<std::vector<Event>> found) {
                  if (!found) return reply_error(reply, found.error());
                  const bool all = !found->empty() && found->back().seq >= upto;
                  if (!all && shard_.undecided(id)) return reply_error(reply, not_decided_yet());
                  ReceiptOp op;
                  op.read_seq = found->empty() ? 0 : std::min(upto, found->back().seq);
                  op.read_ordinal = found->empty() ? 0 : ordinal_for(found->back(), caller.user);
                  // Receipts gathered for the same reader go along.
                  if (const auto waiting = pending_.extract(id, caller.user)) {
                    op.delivered_seq = waiting->delivered_seq;
                  }
                  pusher_.touch(id, caller.session);
                  append_receipt(caller, id, op, [reply](const Status& status) {
                    status ? reply_ack(reply) : reply_error(reply, status.error());
                  });
                }));
}

// `done`: null if nobody waits.
void ReceiptIntake::append_receipt(const Caller& caller, const ConversationId& id,
                                   const ReceiptOp& op, Done<void> done) {
  // Strangers cost no record. While records of the conversation wait for their decision it may be
  // one of them that makes the caller a member: then the decision on the receipt finds out.
  if (const Conversation* c = shard_.cached(id); c != nullptr) {
    const Member* me = find_member(*c, caller.user);
    if (me != nullptr && me->active()) return log_receipt(caller, id, op, std::move(done));
  }
  shard_.with(id, guard_.wrap([this, caller, id, op,
                               done = std::move(done)](Result<const Conversation*> found) {
    // While the store fails nobody is proven a stranger.
    const Conversation* c = found ? *found : nullptr;
    const Member* me = c != nullptr ? find_member(*c, caller.user) : nullptr;
    const bool member = me != nullptr && me->active();
    if (found && !member && !shard_.admission_undecided(id, caller.user)) {
      if (done) done(not_a_member());
      return;
    }
    log_receipt(caller, id, op, done);
  }));
}

void ReceiptIntake::log_receipt(const Caller& caller, const ConversationId& id, const ReceiptOp& op,
                                Done<void> done) {
  LogRecord r = new_record(caller, id, scheduler_.clock());
  r.op.emplace<ReceiptOp>(op).publish_read = caller.receipts;
  if (!done) return shard_.append(std::move(r), [](const Result<Outcome>&) {});
  shard_.append(std::move(r), [done = std::move(done)](const Result<Outcome>& outcome) {
    if (!outcome) return done(temporary(outcome.error()));
    done(outcome->error ? Status(*outcome->error) : Status());
  });
}

}  // namespace kith::server
