// EventChunk: written field by field, read by the generated code.
#include "server/adapters/embedded/event_chunk.h"

#include <utility>

#include "kith/v1/cluster.pb.h"
#include "server/adapters/embedded/id_list.h"
#include "src/wire_writer.h"

namespace kith::server {
namespace {

template <class T>
T id_or_none(const std::string& bytes) {
  const auto id = T::from_bytes(bytes);
  return id ? T(*id) : T();
}

template <class T>
void write_id(WireWriter& to, int field, const T& id) {
  if (!id.empty()) to.bytes(field, id.view());
}

}  // namespace

void EventChunk::add(const Event& e) {
  using V = v1::StoredEvent;
  if (events_++ == 0) first_seq_ = e.seq;
  WireWriter to(bytes_);
  const std::size_t begin = to.open(v1::EventChunk::kEventsFieldNumber);
  to.number(V::kSeqFieldNumber, e.seq);
  to.number(V::kKindFieldNumber, static_cast<std::uint64_t>(e.kind));
  write_id(to, V::kMessageIdFieldNumber, e.message_id);
  write_id(to, V::kSenderFieldNumber, e.sender);
  write_id(to, V::kSenderDeviceFieldNumber, e.sender_device);
  to.number(V::kServerTsMsFieldNumber, static_cast<std::uint64_t>(e.server_ts_ms));
  to.number(V::kOrdinalFieldNumber, e.ordinal);
  to.number(V::kCountableFieldNumber, e.countable ? 1 : 0);
  to.number(V::kSenderOnlyFieldNumber, e.sender_only ? 1 : 0);
  to.bytes(V::kBodyFieldNumber, e.body);
  to.number(V::kReplyToSeqFieldNumber, e.reply_to_seq);
  if (!e.mentions.empty()) to.bytes(V::kMentionsFieldNumber, join_ids(e.mentions));
  to.number(V::kClientTsMsFieldNumber, static_cast<std::uint64_t>(e.client_ts_ms));
  to.number(V::kPositionFieldNumber, e.position);
  to.number(V::kSenderOrdinalFieldNumber, e.sender_ordinal);
  to.close(begin);
}

std::optional<std::vector<Event>> events_of(const ConversationId& conversation,
                                            std::string_view bytes) {
  v1::EventChunk chunk;
  if (!chunk.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
  std::vector<Event> events;
  events.reserve(static_cast<std::size_t>(chunk.events_size()));
  for (v1::StoredEvent& from : *chunk.mutable_events()) {
    Event e;
    e.conversation = conversation;
    e.seq = from.seq();
    e.kind = static_cast<EventKind>(from.kind());
    e.message_id = id_or_none<MessageId>(from.message_id());
    e.sender = id_or_none<UserId>(from.sender());
    e.sender_device = id_or_none<DeviceId>(from.sender_device());
    e.server_ts_ms = static_cast<std::int64_t>(from.server_ts_ms());
    e.ordinal = from.ordinal();
    e.countable = from.countable() != 0;
    e.sender_only = from.sender_only() != 0;
    e.body = std::move(*from.mutable_body());
    e.reply_to_seq = from.reply_to_seq();
    e.mentions = split_ids(from.mentions());
    e.client_ts_ms = static_cast<std::int64_t>(from.client_ts_ms());
    e.position = from.position();
    e.sender_ordinal = from.sender_ordinal();
    events.push_back(std::move(e));
  }
  return events;
}

}  // namespace kith::server
