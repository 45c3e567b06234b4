// A SendBatch, from what was asked to what is answered.
#include "server/commands/send_batches.h"

#include "kith/v1/frame.pb.h"
#include "server/records/wire.h"
#include "src/error.h"
#include "src/frame_codec.h"
#include "src/request_view.h"
#include "src/wire_writer.h"

namespace kith::server {
void SendBatchState::begin(const Caller& by, const RequestView& request, Reply&& to) {
  caller = by;
  conversation = *conversation_id(request.conversation);
  peer = user_id(request.direct_peer);
  items.clear();
  items.reserve(request.messages.size());
  waiting = request.messages.size();
  in_log = 0;
  held.reset();
  late = false;
  stopped.reset();
  reply = std::move(to);
  for (const RequestView::Message& from : request.messages) {
    Item& item = items.emplace_back();
    item.id = *message_id(from.id);
    item.attempt = from.attempt;
    item.op.body = from.content;
    item.op.reply_to_seq = from.reply_to_seq;
    for (const std::string_view user : request.mentions_of(from)) {
      if (const auto id = user_id(user)) item.op.mentions.push_back(*id);
    }
    item.op.client_ts_ms = static_cast<std::int64_t>(from.client_ts_ms);
    if (item.op.reply_to_seq == 0) item.answers = message_id(from.reply_to_message_id);
  }
}

void SendBatchState::place_item(std::size_t index, const Placement& placement, bool duplicate) {
  items[index].placed = placement;
  items[index].duplicate = duplicate;
  answered();
}

void SendBatchState::refuse_item(std::size_t index, const Error& error) {
  items[index].error = std::make_unique<Error>(error);
  answered();
}

void SendBatchState::answered() {
  if (--waiting == 0) answer();
}

void SendBatchState::answer() {
  using Result = v1::SendResult;
  using ItemResult = v1::ItemResult;
  bytes->clear();
  WireWriter out(*bytes);
  const std::size_t result = out.open(v1::ServerFrame::kSendResultFieldNumber);
  out.bytes(Result::kConversationIdFieldNumber, conversation.view());
  for (const Item& item : items) {
    const std::size_t one = out.open(Result::kItemsFieldNumber);
    out.bytes(ItemResult::kMessageIdFieldNumber, item.id.view());
    if (item.error) {
      out.another(ItemResult::kErrorFieldNumber, to_wire(*item.error).SerializeAsString());
    } else {
      const std::size_t placed = out.open(ItemResult::kPlacedFieldNumber);
      write(item.placed, item.duplicate, out);
      out.close(placed);
    }
    out.close(one);
  }
  out.close(result);
  reply(std::string_view(*bytes));
}

SendBatchState& SendBatches::begin(const Caller& caller, const RequestView& request,
                                   Reply&& reply) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(places_.size()));
    places_.emplace_back();
  }
  const std::uint32_t place = free_.back();
  free_.pop_back();
  if (!places_[place]) places_[place] = std::make_unique<Batch>();
  Batch& batch = *places_[place];
  batch.place = place;
  batch.holds = 1;
  batch.bytes = &bytes_;
  batch.begin(caller, request, std::move(reply));
  return batch;
}

void SendBatches::forget(Batch& batch) {
  const std::uint32_t place = batch.place;
  if (free_.size() < kKept) {
    batch.items.clear();
    batch.reply = Reply();
  } else {
    places_[place].reset();
  }
  free_.push_back(place);
}

}  // namespace kith::server
