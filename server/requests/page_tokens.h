// PageTokens: where a listing of several pages goes on, sealed. A token says itself what it continues, and nobody
// makes one or changes it: what is no token of this server is refused, instead of beginning somewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kith/core/ids.h"
#include "kith/core/result.h"
#include "kith/server/ports/records.h"

namespace kith::server {

// The token of a sync.
struct SyncPlace {
  enum class Kind : std::uint8_t {
    kChanges = 1,   // the entries after `from`
    kSnapshot = 2,  // those before `from`
    kUserState = 3  // the entries are through; `from` contacts and blocks are, too
  };
  Kind kind = Kind::kChanges;
  bool snapshot = false;  // the listing is one, also where its user state is listed
  std::uint64_t from = 0;
  Position cursor = 0;  // what the listing began with
  Position mark = 0;    // the high mark of its first page
  friend bool operator==(const SyncPlace&, const SyncPlace&) = default;
};

class PageTokens {
 public:
  // Tokens are good for everybody who has the same secret.
  explicit PageTokens(std::string_view secret);

  // The answer to a token that is not of the listing that it is brought for.
  static Error refusal();

  [[nodiscard]] std::string of_sync(const UserId& caller, const SyncPlace& place) const;
  // Nothing unless of_sync() has made it for this user.
  [[nodiscard]] std::optional<SyncPlace> sync_place(const UserId& caller,
                                                    std::string_view token) const;

  // A list of members goes on behind `last`.
  [[nodiscard]] std::string of_members(const UserId& caller, const ConversationId& of,
                                       const UserId& last) const;
  [[nodiscard]] std::optional<UserId> members_after(const UserId& caller, const ConversationId& of,
                                                    std::string_view token) const;

 private:
  [[nodiscard]] std::string seal(const std::string& context, const std::string& content) const;
  [[nodiscard]] std::optional<std::string_view> open(const std::string& context,
                                                     std::string_view token) const;
  std::string key_;
};

}  // namespace kith::server
