// Searchable: one rule for the index, the scan of a simulated disk and what is shown.
#include "client/searchable.h"

#include <algorithm>

#include "kith/v1/frame.pb.h"

namespace kith::client {
namespace {

// Of the 63 bits of a row's number: milliseconds until 2109 (later ones stand there), then 8 bits of
// the conversation, then the end of the place within it.
constexpr std::uint64_t kTimeMax = (std::uint64_t{1} << 42) - 1;
constexpr int kTimeShift = 20;
constexpr int kConversationShift = 12;
constexpr std::uint64_t kSeqMask = 0xfff;

}  // namespace

std::optional<std::string> plain_text(const std::string& content_bytes) {
  v1::Content content;
  if (!content.ParseFromString(content_bytes) || !content.has_plain()) return std::nullopt;
  return std::move(*content.mutable_plain()->mutable_text());
}

std::optional<Searchable> searchable(const StoredEvent& stored) {
  v1::Event event;
  if (!event.ParseFromString(stored.bytes) || event.kind() != v1::EVENT_KIND_MESSAGE)
    return std::nullopt;
  auto text = plain_text(event.body());
  if (!text) return std::nullopt;
  const std::uint64_t time = std::min<std::uint64_t>(event.server_ts_ms(), kTimeMax);
  const std::uint64_t conversation = stored.conversation.array().back();
  const std::uint64_t place =
      (time << kTimeShift) | (conversation << kConversationShift) | (stored.seq & kSeqMask);
  return Searchable{std::move(*text), std::max<std::uint64_t>(place, 1)};
}

}  // namespace kith::client
