// PageTokens: content, then the first half of HMAC-SHA256 over what it belongs to and the content.
#include "server/requests/page_tokens.h"

#include <algorithm>
#include <array>

#include "src/hash.h"

namespace kith::server {
namespace {

constexpr std::size_t kSealBytes = 16;
constexpr std::size_t kSyncBytes = 2 + 3 * 8;

void put(std::string& out, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<char>(number >> shift));
}

std::uint64_t number_at(std::string_view bytes, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t n = 8; n > 0; --n) {
    number = number << 8 | static_cast<unsigned char>(bytes[at + n - 1]);
  }
  return number;
}

// The parts have one length each.
std::string sync_context(const UserId& caller) {
  return "sync" + caller.bytes();
}
std::string members_context(const UserId& caller, const ConversationId& of) {
  return "members" + caller.bytes() + of.bytes();
}

}  // namespace

Error PageTokens::refusal() {
  return make_error(ErrorCode::kInvalidArgument, "page_token is not of this listing");
}

PageTokens::PageTokens(std::string_view secret)
    : key_(view(hmac_sha256(secret, "kith page tokens"))) {}

std::string PageTokens::seal(const std::string& context, const std::string& content) const {
  const Sha256 hash = hmac_sha256(key_, context + content);
  return content + std::string(view(hash).substr(0, kSealBytes));
}

std::optional<std::string_view> PageTokens::open(const std::string& context,
                                                 std::string_view token) const {
  if (token.size() < kSealBytes) return std::nullopt;
  const std::string_view content = token.substr(0, token.size() - kSealBytes);
  if (!constant_time_equal(seal(context, std::string(content)), token)) return std::nullopt;
  return content;
}

std::string PageTokens::of_sync(const UserId& caller, const SyncPlace& place) const {
  std::string content;
  content.push_back(static_cast<char>(place.kind));
  content.push_back(place.snapshot ? 1 : 0);
  for (const std::uint64_t number : {place.from, place.cursor, place.mark}) put(content, number);
  return seal(sync_context(caller), content);
}

std::optional<SyncPlace> PageTokens::sync_place(const UserId& caller,
                                                std::string_view token) const {
  const auto content = open(sync_context(caller), token);
  if (!content || content->size() != kSyncBytes) return std::nullopt;
  SyncPlace place;
  place.kind = static_cast<SyncPlace::Kind>((*content)[0]);
  place.snapshot = (*content)[1] != 0;
  place.from = number_at(*content, 2);
  place.cursor = number_at(*content, 10);
  place.mark = number_at(*content, 18);
  return place;
}

std::string PageTokens::of_members(const UserId& caller, const ConversationId& of,
                                   const UserId& last) const {
  return seal(members_context(caller, of), last.bytes());
}

std::optional<UserId> PageTokens::members_after(const UserId& caller, const ConversationId& of,
                                                std::string_view token) const {
  const auto content = open(members_context(caller, of), token);
  if (!content) return std::nullopt;
  const auto last = UserId::from_bytes(*content);
  return last ? std::optional(*last) : std::nullopt;
}

}  // namespace kith::server
