// Acknowledgements: how far, and in how many frames.
#include "client/acknowledgements.h"

#include <algorithm>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"

namespace kith::client {

Acknowledgements::Acknowledgements(Model& model, Connection& connection, Scheduler& scheduler,
                                   const SyncSession& session)
    : model_(model), connection_(connection), scheduler_(scheduler), session_(session) {}

std::uint64_t Acknowledgements::delivered(const ConversationId& id) const {
  const ConversationRecord* record = model_.find(id);
  if (!record) return 0;
  std::uint64_t known =
      std::max(record->delivered_seq, std::max<std::uint64_t>(record->floor_seq, 1) - 1);
  if (const auto it = sent_.find(id); it != sent_.end()) known = std::max(known, it->second);
  const Ranges& ranges = model_.ranges(id);
  const std::uint64_t hole = ranges.first_hole(known + 1, ranges.top());
  return hole ? hole - 1 : std::max(known, ranges.top());
}

std::uint64_t Acknowledgements::acknowledgeable(const ConversationId& id) const {
  return std::min(delivered(id), model_.hand_marks().upto(id));
}

void Acknowledgements::note(const ConversationId& id) {
  const ConversationRecord* record = model_.find(id);
  const std::uint64_t top = acknowledgeable(id);
  if (!record || model_.ranges(id).top() == 0 || top <= record->delivered_seq) return;
  if (const auto it = sent_.find(id); it != sent_.end() && it->second >= top) return;
  waiting_.insert(id);
  if (posted_) return;
  posted_ = true;
  scheduler_.post(guard_.wrap([this] {
    posted_ = false;
    send();
  }));
}

void Acknowledgements::send() {
  if (!connection_.ready() || !session_.history_known) return;
  while (!waiting_.empty()) {
    v1::ClientFrame frame;
    v1::AckEvents& ack = *frame.mutable_ack_events();
    while (!waiting_.empty() && ack.upto_size() < static_cast<int>(limits::heads_listed_max / 2)) {
      const ConversationId id = *waiting_.begin();
      waiting_.erase(waiting_.begin());
      const std::uint64_t top = acknowledgeable(id);
      sent_[id] = top;
      v1::HeadRef& head = *ack.add_upto();
      head.set_conversation_id(id.bytes());
      head.set_seq(top);
    }
    connection_.send(frame);
  }
}

void Acknowledgements::forget() {
  waiting_.clear();
  sent_.clear();
}

}  // namespace kith::client
