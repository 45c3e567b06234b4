// Engine: what becomes of a device's history when the server's is another one.
#include <algorithm>
#include <utility>
#include <vector>

#include "client/engine.h"
#include "kith/core/limits.h"
#include "kith/v1/event.pb.h"
#include "kith/v1/send.pb.h"

namespace kith::client {
namespace {

// The clocks of two runs of a server may differ a little; a message that is sent again in vain is recognised.
constexpr std::int64_t kSlackMs = 60'000;

}  // namespace

// Before anything of the run's history is kept: a device that dies in between says the new run with its old cursor,
// which is true.
Status Engine::keep_run_id() {
  if (run_id_ == run_of_server_) return {};
  CacheChange change;
  change.kv["run"] = run_of_server_;
  if (Status s = store_.commit(change); !s) return s;
  run_id_ = run_of_server_;
  return {};
}

Status Engine::on_other_history(std::int64_t kept_until_ms) {
  if (Status s = send_lost_again(kept_until_ms); !s) return s;
  std::vector<ConversationId> marks;
  for (const auto& [id, seq] : read_marks_) marks.push_back(id);
  if (Status s = model_.forget_history(marks); !s) return s;
  read_marks_.clear();
  outbox_->forget_places();
  for (const OutboxRow& row : outbox_->all_rows()) imagine(row);
  told(CacheRecovered{"the server was restored from an older copy"});
  return keep_run_id();
}

// Messages of this device's owner that the server may have lost go back to the outbox under their ids: what it still
// has it recognises, and what it has lost is placed anew.
Status Engine::send_lost_again(std::int64_t kept_until_ms) {
  const std::int64_t newest =
      connection_->server_ms() - Millis(limits::outbox_item_life).count() / 2;
  const std::int64_t from = std::max(kept_until_ms - kSlackMs, newest);
  std::vector<OutboxRow> lost;
  for (const auto& [id, record] : model_.conversations()) {
    auto events = store_.events(id, 0, record.last_seq + 1, limits::resent_of_conversation_max);
    if (!events) return events.error();
    for (const StoredEvent& stored : *events) {
      if (auto row = lost_row(record, stored, from, kept_until_ms)) lost.push_back(*std::move(row));
    }
  }
  // Those of one moment stay in the order of their conversation.
  std::stable_sort(lost.begin(), lost.end(), [](const OutboxRow& a, const OutboxRow& b) {
    return a.server_ms < b.server_ms;
  });
  if (lost.size() > limits::resent_max) {
    lost.erase(lost.begin(), lost.end() - static_cast<std::ptrdiff_t>(limits::resent_max));
  }
  for (OutboxRow& row : lost) {
    row.order = static_cast<std::int64_t>(outbox_->next_order());
    const Status added = outbox_->add(row);
    if (!added && added.error().code == ErrorCode::kOutboxFull) return {};
    if (!added) return added;
  }
  return {};
}

std::optional<OutboxRow> Engine::lost_row(const ConversationRecord& record,
                                          const StoredEvent& stored, std::int64_t from_ms,
                                          std::int64_t kept_until_ms) {
  v1::Event event;
  if (!event.ParseFromString(stored.bytes) || event.kind() != v1::EVENT_KIND_MESSAGE) return {};
  const auto placed_ms = static_cast<std::int64_t>(event.server_ts_ms());
  const bool own = event.sender() == model_.self().bytes();
  if (!own || placed_ms < from_ms || outbox_->message(record.id, stored.message) != nullptr)
    return {};
  v1::OutMessage out;
  out.set_message_id(event.message_id());
  out.set_attempt(1);
  out.set_content(event.body());
  out.set_client_ts_ms(event.client_ts_ms());
  for (const std::string& mention : event.mentions()) out.add_mentions(mention);
  // A number stands for the same message only where the two histories are the same.
  const auto answered =
      event.reply_to_seq() == 0
          ? Result<std::vector<StoredEvent>>(std::vector<StoredEvent>())
          : store_.events(record.id, event.reply_to_seq(), event.reply_to_seq() + 1, 1);
  v1::Event before;
  if (answered && !answered->empty() && before.ParseFromString(answered->front().bytes) &&
      static_cast<std::int64_t>(before.server_ts_ms()) < kept_until_ms - kSlackMs) {
    out.set_reply_to_seq(event.reply_to_seq());
  }
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

}  // namespace kith::client
