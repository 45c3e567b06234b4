// Searchable: the part of an event that can be searched: its text, and where it stands in the order of all hits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "client/cache_store.h"

namespace kith::client {

// The text of a serialized v1::Content; nothing if it is of a kind that this release does not know.
std::optional<std::string> plain_text(const std::string& content_bytes);

struct Searchable {
  std::string text;
  // Ascends with the server's time and, within a millisecond, with the place in the conversation.
  // Two events may have the same one; whoever keeps them takes the next free number then.
  std::uint64_t place = 0;
};

// Nothing for what is no message, or has no text that this release can read.
std::optional<Searchable> searchable(const StoredEvent& stored);

}  // namespace kith::client
