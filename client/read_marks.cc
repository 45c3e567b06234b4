// ReadMarks: kept first, sent when there is a session, forgotten when the server has answered.
#include "client/read_marks.h"

#include <algorithm>

#include "kith/v1/frame.pb.h"

namespace kith::client {
namespace {

constexpr std::uint32_t kAgainMs = 2000;

}  // namespace

Status ReadMarks::mark(const ConversationId& id, Seq upto) {
  const ConversationRecord* known = model_.find(id);
  if (!known) return make_error(ErrorCode::kNotFound, "no such conversation");
  const std::uint64_t seq = upto ? std::min(upto.value, known->last_seq) : known->last_seq;
  if (seq <= known->read_seq) return {};
  ConversationRecord record = *known;
  record.read_seq = seq;
  if (seq == known->last_seq) {
    record.read_ordinal = known->last_ordinal;
  } else {
    const auto events = model_.store().events(id, seq, seq + 1, 1);
    if (!events) return events.error();
    if (!events->empty())
      record.read_ordinal = std::max(record.read_ordinal, events->front().ordinal);
  }
  CacheChange change;
  change.read_marks_put[id] = seq;
  if (Status s = model_.store().commit(change); !s) return s;
  waiting_[id] = seq;
  if (Status s = model_.put(record); !s) return s;
  send(id);
  return {};
}

std::vector<ConversationId> ReadMarks::waiting() const {
  std::vector<ConversationId> ids;
  for (const auto& [id, seq] : waiting_) ids.push_back(id);
  return ids;
}

void ReadMarks::open() {
  open_ = true;
  for (const ConversationId& id : waiting()) send(id);
}

void ReadMarks::send(const ConversationId& id) {
  const auto it = waiting_.find(id);
  if (it == waiting_.end() || !connection_.ready() || !open_) return;
  v1::ClientFrame frame;
  frame.mutable_mark_read()->set_conversation_id(id.bytes());
  frame.mutable_mark_read()->set_upto_seq(it->second);
  connection_.request(
      frame, [this, id, seq = it->second](const v1::ServerFrame* answer, const Error& error) {
        const auto mark = waiting_.find(id);
        if (mark == waiting_.end() || mark->second != seq) return;
        if (!answer && error.retry() != Retry::kNever) {
          if (error.code == ErrorCode::kOffline) return;
          scheduler_.after(Millis(std::max(error.retry_after_ms, kAgainMs)),
                           guard_.wrap([this, id] { send(id); }));
          return;
        }
        CacheChange change;
        change.read_marks_remove.push_back(id);
        if (model_.store().commit(change)) waiting_.erase(mark);
      });
}

}  // namespace kith::client
