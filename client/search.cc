// Search: the merge of three lists, and the text form of where it stopped.
#include "client/search.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "src/hash.h"

namespace kith::client {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kNumber = 8;                       // bytes of one number
constexpr std::size_t kMark = 4;                         // bytes that stand for the query
constexpr std::size_t kFixed = 2 + kMark + 4 * kNumber;  // without the edge
constexpr std::uint8_t kWaitingDone = 1, kHeldDone = 2;  // flags
constexpr int kServerShift = 2;

void put(std::string& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift);
}
std::uint64_t take(std::string_view& in) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < kNumber; ++i)
    number = (number << 8) | static_cast<std::uint8_t>(in[i]);
  in.remove_prefix(kNumber);
  return number;
}

std::string mark_of(std::string_view query) {
  const Hash16 hash = hash16(query);
  return {reinterpret_cast<const char*>(hash.data()), kMark};
}

// Hashed: ids are the senders' choice, and one with the end of another must not hide it.
std::uint64_t short_of(const MessageId& id) {
  const Hash16 hash = hash16(id.view());
  std::uint64_t number = 0;
  std::memcpy(&number, hash.data(), sizeof number);
  return number;
}

// A list that is being shown.
struct Reader {
  const std::vector<SearchCandidate>* hits = nullptr;  // null: it has no part in this page
  bool more = false;
  std::size_t at = 0;

  [[nodiscard]] bool empty() const { return !hits || at == hits->size(); }
  [[nodiscard]] const SearchCandidate& front() const { return (*hits)[at]; }
  [[nodiscard]] bool done() const { return empty() && !more; }
  // Where the next page goes on; `before` is where this one began. New hits stand above.
  [[nodiscard]] std::uint64_t next(std::uint64_t before) const {
    if (!hits || hits->empty()) return before;
    if (at > 0) return (*hits)[at - 1].place;
    return before ? before : hits->front().place + 1;
  }
};

// Held before the server's where nothing else decides.
bool newer(const SearchCandidate& server, const SearchCandidate& held) {
  if (server.time_ms != held.time_ms) return server.time_ms > held.time_ms;
  return server.conversation == held.conversation && server.seq > held.seq;
}

class Merge {
 public:
  Merge(const SearchCursor& from, const SearchList& waiting, const SearchList& held,
        const SearchList* server, std::size_t limit)
      : from_(from), limit_(limit), edge_ms_(from.edge_ms), edge_(from.edge) {
    waiting_ = {&waiting.hits, waiting.more};
    while (!waiting_.empty() && told_before(waiting_.front()))
      told_.insert(waiting_.hits->at(waiting_.at++).id);
    if (!from.held_done) held_ = {&held.hits, held.more};
    if (from.server == SearchCursor::Server::kAsk && server)
      server_ = {&server->hits, server->more};
  }

  MergedPage run() {
    while (!waiting_.empty() && page_.picks.size() < limit_) tell(SearchSource::kWaiting, waiting_);
    if (waiting_.done()) {
      pass_known();
      while (page_.picks.size() < limit_ && tell_newest()) pass_known();
    }
    page_.next = next();
    return std::move(page_);
  }

 private:
  [[nodiscard]] bool told_before(const SearchCandidate& waiting) const {
    return from_.waiting_done || (from_.waiting_before && waiting.place >= from_.waiting_before);
  }

  // False if nothing more can be shown: all is, or what comes next is not known.
  bool tell_newest() {
    if (held_.done() && server_.done()) return false;
    if ((held_.empty() && held_.more) || (server_.empty() && server_.more)) return false;
    if (held_.empty() || (!server_.empty() && newer(server_.front(), held_.front()))) {
      tell(SearchSource::kServer, server_);
    } else {
      tell(SearchSource::kHeld, held_);
    }
    return true;
  }

  void tell(SearchSource source, Reader& from) {
    const SearchCandidate& hit = from.front();
    if (told_.insert(hit.id).second) {
      page_.picks.push_back({source, from.at});
      if (source != SearchSource::kWaiting) last_.push_back(&hit);
    }
    ++from.at;
  }

  // Goes on in both lists over what has been shown.
  void pass_known() {
    while (!held_.empty() && known(held_.front())) ++held_.at;
    while (!server_.empty() && known(server_.front())) ++server_.at;
  }
  [[nodiscard]] bool known(const SearchCandidate& hit) const {
    return hit.hidden || told_.count(hit.id) > 0 ||
           (hit.time_ms == edge_ms_ &&
            std::find(edge_.begin(), edge_.end(), short_of(hit.id)) != edge_.end());
  }

  [[nodiscard]] static bool passed(const Reader& list, const SearchCandidate& hit) {
    if (list.done()) return true;
    for (std::size_t i = 0; i < list.at; ++i) {
      if ((*list.hits)[i].id == hit.id) return true;
    }
    return false;
  }

  [[nodiscard]] std::optional<SearchCursor> next() const {
    SearchCursor to;
    to.waiting_done = waiting_.done();
    to.held_done = held_.done();
    to.server = from_.server;
    if (to.server == SearchCursor::Server::kAsk) {
      to.server = !server_.hits    ? SearchCursor::Server::kLeftOut
                  : server_.done() ? SearchCursor::Server::kAll
                                   : SearchCursor::Server::kAsk;
    }
    if (to.waiting_done && to.held_done && to.server != SearchCursor::Server::kAsk) return {};
    to.waiting_before = to.waiting_done ? 0 : waiting_.next(from_.waiting_before);
    // While messages wait to be shown, one of them may be placed: it is among the newest then.
    const bool begun = to.waiting_done;
    if (!to.held_done) to.held_before = begun ? held_.next(from_.held_before) : 0;
    if (to.server == SearchCursor::Server::kAsk)
      to.server_before = begun ? server_.next(from_.server_before) : 0;
    keep_edge(to);
    return to;
  }

  void keep_edge(SearchCursor& to) const {
    if (last_.empty()) {
      to.edge_ms = from_.edge_ms;
      to.edge = from_.edge;
      return;
    }
    to.edge_ms = last_.back()->time_ms;
    for (auto hit = last_.rbegin(); hit != last_.rend(); ++hit) {
      if ((*hit)->time_ms != to.edge_ms || to.edge.size() == kSearchEdgeMax) break;
      if (!passed(held_, **hit) || !passed(server_, **hit)) to.edge.push_back(short_of((*hit)->id));
    }
    if (to.edge_ms != from_.edge_ms) return;
    for (const std::uint64_t earlier : from_.edge) {
      if (to.edge.size() < kSearchEdgeMax) to.edge.push_back(earlier);
    }
  }

  const SearchCursor& from_;
  const std::size_t limit_;
  const std::int64_t edge_ms_;
  const std::vector<std::uint64_t>& edge_;
  Reader waiting_, held_, server_;
  MergedPage page_;
  std::set<MessageId> told_;
  std::vector<const SearchCandidate*> last_;  // shown of the two lists, in order
};

}  // namespace

std::string encode_search_cursor(const SearchCursor& cursor, std::string_view query) {
  std::string bytes{kVersion};
  bytes += static_cast<char>((cursor.waiting_done ? kWaitingDone : 0) |
                             (cursor.held_done ? kHeldDone : 0) |
                             (static_cast<int>(cursor.server) << kServerShift));
  put(bytes, cursor.waiting_before);
  put(bytes, cursor.held_before);
  put(bytes, cursor.server_before);
  put(bytes, static_cast<std::uint64_t>(cursor.edge_ms));
  for (std::size_t i = 0; i < std::min(cursor.edge.size(), kSearchEdgeMax); ++i)
    put(bytes, cursor.edge[i]);
  return base64url_encode(bytes + mark_of(bytes + std::string(query)));
}

std::optional<SearchCursor> decode_search_cursor(std::string_view text, std::string_view query) {
  if (text.size() > kSearchCursorMax) return std::nullopt;
  const auto decoded = base64url_decode(text);
  if (!decoded || decoded->size() < kFixed || (decoded->size() - kFixed) % kNumber != 0)
    return std::nullopt;
  const std::string bytes = decoded->substr(0, decoded->size() - kMark);
  if (decoded->substr(bytes.size()) != mark_of(bytes + std::string(query)) || bytes[0] != kVersion)
    return std::nullopt;
  const auto flags = static_cast<std::uint8_t>(bytes[1]);
  SearchCursor cursor;
  if ((flags >> kServerShift) > static_cast<int>(SearchCursor::Server::kLeftOut))
    return std::nullopt;
  cursor.waiting_done = (flags & kWaitingDone) != 0;
  cursor.held_done = (flags & kHeldDone) != 0;
  cursor.server = static_cast<SearchCursor::Server>(flags >> kServerShift);
  std::string_view rest = std::string_view(bytes).substr(2);
  cursor.waiting_before = take(rest);
  cursor.held_before = take(rest);
  cursor.server_before = take(rest);
  cursor.edge_ms = static_cast<std::int64_t>(take(rest));
  while (!rest.empty()) cursor.edge.push_back(take(rest));
  return cursor;
}

MergedPage merge_search(const SearchCursor& from, const SearchList& waiting, const SearchList& held,
                        const SearchList* server, std::size_t limit) {
  return Merge(from, waiting, held, server, limit).run();
}

}  // namespace kith::client
