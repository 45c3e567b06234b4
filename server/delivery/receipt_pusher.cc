// Receipts on their way to sessions.
#include "server/delivery/receipt_pusher.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "kith/v1/frame.pb.h"
#include "src/wire_writer.h"

namespace kith::server {
namespace {

constexpr std::size_t kCooldownsAlong = 4;

}  // namespace

ReceiptPusher::~ReceiptPusher() {
  for (const CooldownQueue& queue : cooldown_queues_) scheduler_.cancel(queue.timer);
}

void ReceiptPusher::decided(const LogEntry& entry, const Outcome& outcome,
                            const Conversation& conversation) {
  const auto* receipt = std::get_if<ReceiptOp>(&entry.record.op);
  if (outcome.receipts_moved) {
    // A user's receiving or sending says nothing about that user's own messages.
    const bool own = receipt != nullptr ? receipt->read_seq == 0
                                        : std::holds_alternative<SendOp>(entry.record.op);
    push_soon(conversation, own ? entry.record.sender : UserId());
    // Of those that end by now a few go along with each that begins: one by one, not in a wave.
    for (std::size_t kind = 0; kind < cooldown_queues_.size(); ++kind)
      end_cooldowns(kind, kCooldownsAlong);
  }
}

// At once after a pause; within it, when it is over. The user who ended the pause has got no push yet,
// and does not wait for the first receipt of their message.
void ReceiptPusher::push_soon(const Conversation& conversation, const UserId& mover) {
  const Head& head = conversation.head;
  if (head.member_count > limits::receipt_detail_members_max) return;
  const auto [cooldown, begun] = cooldowns_.try_emplace(head.id);
  if (!begun) {
    Cooldown& known = cooldown.value();
    if (!known.unnotified.empty() && known.unnotified != mover) {
      const UserId reader = std::exchange(known.unnotified, UserId());
      const Member* member = find_member(conversation, reader);
      if (member != nullptr && member->active()) fanout_.to_user(reader, receipt_push(head));
      // In a 1:1 nobody else needs a push of this person's marks.
      if (head.type == ConversationType::kDirect && !mover.empty()) return;
    }
    if (known.moved && known.mover != mover) known.mover = UserId();
    if (!known.moved) known.mover = mover;
    known.moved = true;
    return;
  }
  cooldown.value().unnotified = mover;
  begin_cooldown(head.id, head.type == ConversationType::kDirect ? 0 : 1);
  push(head.id, mover);
}

void ReceiptPusher::begin_cooldown(const ConversationId& id, std::size_t kind) {
  CooldownQueue& queue = cooldown_queues_[kind];
  queue.ends.emplace_back(scheduler_.clock().steady_ms() + queue.pause.count(), id);
  arm(kind);
}

void ReceiptPusher::arm(std::size_t kind) {
  CooldownQueue& queue = cooldown_queues_[kind];
  if (queue.timer != 0 || queue.ends.empty()) return;
  const std::int64_t wait = queue.ends.front().first - scheduler_.clock().steady_ms();
  queue.timer = scheduler_.after(Millis(std::max<std::int64_t>(0, wait)), [this, kind] {
    cooldown_queues_[kind].timer = 0;
    end_cooldowns(kind, cooldown_queues_[kind].ends.size());
    arm(kind);
  });
}

void ReceiptPusher::end_cooldowns(std::size_t kind, std::size_t most) {
  CooldownQueue& queue = cooldown_queues_[kind];
  if (queue.ends.empty()) return;
  const std::int64_t now = scheduler_.clock().steady_ms();
  for (; most > 0 && !queue.ends.empty() && queue.ends.front().first <= now; --most) {
    const ConversationId id = queue.ends.front().second;
    queue.ends.pop_front();
    const auto cooldown = cooldowns_.find(id);
    if (!cooldown->second.moved) {
      cooldowns_.erase(cooldown);
      continue;
    }
    const UserId mover = std::exchange(cooldown.value(), Cooldown{}).mover;
    cooldown.value().unnotified = mover;
    queue.ends.emplace_back(now + queue.pause.count(), id);
    push(id, mover);
  }
}

// Not to who moved them: only others' messages have another status now.
void ReceiptPusher::push(const ConversationId& id, const UserId& mover) {
  const Conversation* c = shard_.cached(id);
  if (c == nullptr) return;
  UserList readers;
  for (const Member& m : c->members) {
    if (m.active() && m.user != mover) readers.push_back(m.user);
  }
  fanout_.to_users(span_of(readers), receipt_push(c->head));
}

// A person who keeps their own reading private does not see others'.
Push ReceiptPusher::receipt_push(const Head& head) {
  Push push;
  push.frame = receipt_frame(head, true);
  if (head.read_all_seq != 0 || head.read_any_seq != 0) push.redacted = receipt_frame(head, false);
  push.cls = DeliveryClass::kReceipt;
  push.conversation = head.id;  // so that what waits for a socket already is merged
  return push;
}

std::shared_ptr<const std::string> ReceiptPusher::receipt_frame(const Head& head, bool reads) {
  using State = v1::ReceiptState;
  FrameBuffer& buffer = frames_[reads ? 1 : 0];
  WireWriter out(buffer.begin());
  const std::size_t frame = out.open(v1::ServerFrame::kReceiptPushFieldNumber);
  const std::size_t state = out.open(v1::ReceiptPush::kStatesFieldNumber);
  out.bytes(State::kConversationIdFieldNumber, head.id.view());
  out.number(State::kDeliveredAllSeqFieldNumber, head.delivered_all_seq);
  if (reads) {
    out.number(State::kReadAllSeqFieldNumber, head.read_all_seq);
    out.number(State::kReadAnySeqFieldNumber, head.read_any_seq);
  }
  out.close(state);
  out.close(frame);
  return buffer.share();
}

}  // namespace kith::server
