// LostMessages: which of them, in which order, and what they answer.
#include "client/lost_messages.h"

#include <algorithm>
#include <utility>

#include "client/wire_ids.h"
#include "kith/core/limits.h"
#include "kith/v1/event.pb.h"
#include "kith/v1/send.pb.h"

namespace kith::client {
namespace {

// The clocks of two runs of a server may differ a little; a message that is sent again in vain is recognised.
constexpr std::int64_t kSlackMs = 60'000;

// A number stands for the same message only where the two histories are the same.
bool kept_there(const StoredEvent& stored, std::int64_t kept_until_ms) {
  v1::Event event;
  return event.ParseFromString(stored.bytes) &&
         static_cast<std::int64_t>(event.server_ts_ms()) < kept_until_ms - kSlackMs;
}

}  // namespace

Status LostMessages::send_again(std::int64_t kept_until_ms) {
  auto lost = rows(kept_until_ms);
  if (!lost) return lost.error();
  const bool renumber = !lost->empty();
  std::vector<OutboxRow> waiting = outbox_.rows().all();
  std::sort(waiting.begin(), waiting.end(),
            [](const OutboxRow& a, const OutboxRow& b) { return a.order < b.order; });
  lost->insert(lost->end(), waiting.begin(), waiting.end());
  std::set<MessageId> ahead;
  std::vector<OutboxRow> changed;
  for (OutboxRow& row : *lost) {
    const bool mended = mend_answer(row, ahead, kept_until_ms);
    if (renumber) row.order = outbox_.next_order();
    if (!row.failed) ahead.insert(row.id);
    if (mended || renumber) changed.push_back(std::move(row));
  }
  return changed.empty() ? Status() : outbox_.put(changed);
}

// The newest, in their order, as many as the outbox takes.
Result<std::vector<OutboxRow>> LostMessages::rows(std::int64_t kept_until_ms) {
  const std::int64_t newest = server_time_.ms() - Millis(limits::outbox_item_life).count() / 2;
  const std::int64_t from = std::max(kept_until_ms - kSlackMs, newest);
  std::vector<OutboxRow> lost;
  for (const auto& [id, record] : model_.conversations()) {
    auto events =
        model_.store().events(id, 0, record.last_seq + 1, limits::resent_of_conversation_max);
    if (!events) return events.error();
    for (const StoredEvent& stored : *events) {
      if (auto row = row_of(record, stored, from)) lost.push_back(*std::move(row));
    }
  }
  // Those of one moment stay in the order of their conversation.
  std::stable_sort(lost.begin(), lost.end(), [](const OutboxRow& a, const OutboxRow& b) {
    return a.server_ms < b.server_ms;
  });
  const std::size_t most = std::min(limits::resent_max, outbox_.rows().room());
  if (lost.size() > most) lost.erase(lost.begin(), lost.end() - static_cast<std::ptrdiff_t>(most));
  return lost;
}

std::optional<OutboxRow> LostMessages::row_of(const ConversationRecord& record,
                                              const StoredEvent& stored, std::int64_t from_ms) {
  v1::Event event;
  if (!event.ParseFromString(stored.bytes) || event.kind() != v1::EVENT_KIND_MESSAGE) return {};
  const auto placed_ms = static_cast<std::int64_t>(event.server_ts_ms());
  const bool own = event.sender() == model_.self().bytes();
  if (!own || placed_ms < from_ms || outbox_.rows().message(record.id, stored.message) != nullptr)
    return {};
  v1::OutMessage out;
  out.set_message_id(event.message_id());
  out.set_attempt(1);
  out.set_content(event.body());
  out.set_client_ts_ms(event.client_ts_ms());
  for (const std::string& mention : event.mentions()) out.add_mentions(mention);
  out.set_reply_to_seq(event.reply_to_seq());
  OutboxRow row;
  row.conversation = record.id;
  row.id = stored.message;
  row.peer = record.type == ConversationType::kDirect ? record.peer : UserId();
  row.payload = out.SerializeAsString();
  row.created_ms = placed_ms;
  row.server_ms = placed_ms;
  row.attempt = 1;
  return row;
}

// Names the message that the row answers by its number where that is still its own, by its id if it goes out `ahead` of
// the row, and else not at all: the number would be another message's, or refuse the row for good. Returns true if the
// row has changed.
bool LostMessages::mend_answer(OutboxRow& row, const std::set<MessageId>& ahead,
                               std::int64_t kept_until_ms) {
  v1::OutMessage out;
  if (row.kind != OutboxKind::kMessage || !out.ParseFromString(row.payload)) return false;
  MessageId answered = id_of<MessageId>(out.reply_to_message_id());
  if (const std::uint64_t seq = out.reply_to_seq(); seq != 0) {
    const auto stored = model_.store().events(row.conversation, seq, seq + 1, 1);
    if (stored && !stored->empty()) {
      if (kept_there(stored->front(), kept_until_ms)) return false;
      answered = stored->front().message;
    }
  } else {
    if (answered.empty() || ahead.count(answered) > 0) return false;
    const auto stored = model_.store().find_message(row.conversation, answered);
    if (!stored || kept_there(*stored, kept_until_ms)) return false;
  }
  out.clear_reply_to_seq();
  out.clear_reply_to_message_id();
  if (ahead.count(answered) > 0) out.set_reply_to_message_id(answered.bytes());
  row.payload = out.SerializeAsString();
  return true;
}

}  // namespace kith::client
