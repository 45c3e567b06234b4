// Messages as the cache keeps them, and a plain scan to compare the index with.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "client/cache_store.h"
#include "client/searchable.h"
#include "kith/v1/frame.pb.h"
#include "src/search_terms.h"

namespace kith::client {

inline ConversationId numbered_room(std::uint64_t number) {
  std::array<std::uint8_t, ConversationId::kSize> bytes{};
  for (std::size_t i = 0; i < 8; ++i) bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return ConversationId(bytes);
}

inline MessageId numbered_message(const ConversationId& room, std::uint64_t seq) {
  std::array<std::uint8_t, MessageId::kSize> bytes = room.array();
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(seq >> (8 * i));
  return MessageId(bytes);
}

inline v1::Event message_event(const ConversationId& room, std::uint64_t seq, std::int64_t time_ms,
                               const std::string& text) {
  v1::Content content;
  content.mutable_plain()->set_text(text);
  v1::Event e;
  e.set_conversation_id(room.bytes());
  e.set_seq(seq);
  e.set_kind(v1::EVENT_KIND_MESSAGE);
  e.set_message_id(numbered_message(room, seq).bytes());
  e.set_sender(UserId::of("bob").bytes());
  e.set_server_ts_ms(static_cast<std::uint64_t>(time_ms));
  e.set_ordinal(seq);
  e.set_body(content.SerializeAsString());
  return e;
}

inline StoredEvent stored(const ConversationId& room, const v1::Event& e) {
  return {room, e.seq(), numbered_message(room, e.seq()), e.ordinal(), e.SerializeAsString()};
}
inline StoredEvent stored_message(const ConversationId& room, std::uint64_t seq,
                                  std::int64_t time_ms, const std::string& text) {
  return stored(room, message_event(room, seq, time_ms, text));
}

using Key = std::pair<ConversationId, std::uint64_t>;

// The messages to be found, newest first.
inline std::vector<Key> scan(const std::vector<StoredEvent>& events, const SearchRequest& request) {
  std::vector<std::tuple<std::uint64_t, ConversationId, std::uint64_t>> hits;
  for (const StoredEvent& e : events) {
    const auto found = searchable(e);
    const bool here = request.conversation.empty() || request.conversation == e.conversation;
    if (here && found && !search::find(request.pattern, found->text).empty())
      hits.emplace_back(found->place, e.conversation, e.seq);
  }
  std::sort(hits.rbegin(), hits.rend());
  std::vector<Key> keys;
  for (const auto& [place, room, seq] : hits) keys.emplace_back(room, seq);
  return keys;
}

}  // namespace kith::client
