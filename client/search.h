// Search: what waits in the outbox, what this device holds and what the server has found, merged
// into one list, page by page. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/ids.h"
#include "kith/core/result.h"

namespace kith::client {

// Where a page ends and the next one begins: how far each of the three lists has been shown.
struct SearchCursor {
  enum class Server : std::uint8_t {
    kAsk = 0,
    kAll = 1,      // it has sent everything
    kLeftOut = 2,  // it did not answer a page, so no later one: each hit comes once, in order
  };
  bool waiting_done = false;
  bool held_done = false;
  Server server = Server::kAsk;
  std::uint64_t waiting_before = 0;  // places of the three lists; 0: from the newest
  std::uint64_t held_before = 0;
  std::uint64_t server_before = 0;
  // Hits of the last millisecond shown that one of the lists may come to yet.
  std::int64_t edge_ms = 0;
  std::vector<std::uint64_t> edge;
  friend bool operator==(const SearchCursor&, const SearchCursor&) = default;
};

// Most messages that a cursor remembers of its last millisecond.
inline constexpr std::size_t kSearchEdgeMax = 64;

// Printable, at most kSearchCursorMax bytes; `query` is what it belongs to.
inline constexpr std::size_t kSearchCursorMax = 1'024;
std::string encode_search_cursor(const SearchCursor& cursor, std::string_view query);
// Nothing unless encode_search_cursor() has made it for the same query.
std::optional<SearchCursor> decode_search_cursor(std::string_view text, std::string_view query);

// A hit of one of the lists.
struct SearchCandidate {
  MessageId id;
  ConversationId conversation;
  std::uint64_t seq = 0;
  std::int64_t time_ms = 0;
  std::uint64_t place = 0;  // descends within its list
  bool hidden = false;      // nothing to show: passed over
};
struct SearchList {
  std::vector<SearchCandidate> hits;
  bool more = false;  // there are older ones than the last of these
};

enum class SearchSource : std::uint8_t { kWaiting, kHeld, kServer };
struct SearchPick {
  SearchSource source = SearchSource::kHeld;
  std::size_t index = 0;  // in its list
};
struct MergedPage {
  std::vector<SearchPick> picks;     // newest first
  std::optional<SearchCursor> next;  // nothing: there is no more
};

// The page at `from` of lists: of `held` and `server` what stands below it, of `waiting` everything.
// Waiting messages come first; held and server's by time, a message that both have once, as it is held.
// `server`: null if it was not asked or did not answer. A page is shorter than `limit` where the
// server's list ends before everything is shown: what comes next is not known then.
//
// Over all pages each hit comes exactly once, as long as each list descends in time. Where the
// server's clock stepped back it may come twice; none is ever left out.
MergedPage merge_search(const SearchCursor& from, const SearchList& waiting, const SearchList& held,
                        const SearchList* server, std::size_t limit);

}  // namespace kith::client
