// Searches: one search from its query to its page, and the index of older caches.
#include "client/searches.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "client/search.h"
#include "client/searchable.h"
#include "client/wire_ids.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"
#include "src/search_terms.h"
#include "src/utf8.h"

namespace kith::client {
namespace {

// Its index could not be written: the disk is full, say.
constexpr Millis kIndexAgain = std::chrono::minutes(1);

// The search that a cursor belongs to.
std::string key_of(const SearchQuery& query) {
  return query.conversation.bytes() + query.text;
}

SearchCandidate candidate_of(const StoredEvent& event, std::int64_t time_ms, std::uint64_t place) {
  return {event.message, event.conversation, event.seq, time_ms, place};
}

std::int64_t time_of(const StoredEvent& stored) {
  v1::Event event;
  event.ParseFromString(stored.bytes);
  return static_cast<std::int64_t>(event.server_ts_ms());
}

}  // namespace

struct Searches::Running {
  SearchQuery query;
  search::Pattern pattern;
  SearchCursor from;
  Done<SearchPage> done;      // null: called
  std::uint64_t changes = 0;  // ServerRun::changes() when it was searched here

  std::vector<OutboxRow> rows;
  std::vector<FoundEvent> held;
  std::vector<StoredEvent> from_server;
  SearchList waiting_list, held_list, server_list;

  // One more than there is room for, and those that may be known already.
  [[nodiscard]] std::size_t wanted() const { return query.limit + 1 + from.edge.size(); }
  // False: it is no page that was asked for.
  bool read(const v1::SearchPage& page);
};

bool Searches::Running::read(const v1::SearchPage& page) {
  std::uint64_t above = from.server_before ? from.server_before : UINT64_MAX;
  for (const v1::SearchHit& hit : page.hits()) {
    const v1::Event& e = hit.event();
    const auto conversation = conversation_id(e.conversation_id());
    if (!conversation || hit.place() == 0 || hit.place() >= above) return false;
    above = hit.place();
    from_server.push_back({*conversation, e.seq(), id_of<MessageId>(e.message_id()), e.ordinal(),
                           e.SerializeAsString()});
    const StoredEvent& event = from_server.back();
    SearchCandidate candidate =
        candidate_of(event, static_cast<std::int64_t>(e.server_ts_ms()), hit.place());
    candidate.hidden =
        !searchable(event) || (!query.conversation.empty() && *conversation != query.conversation);
    server_list.hits.push_back(candidate);
  }
  server_list.more = page.more();
  return page.hits_size() > 0 || !page.more();
}

Searches::Searches(Replica& replica, Profiles& profiles, Scheduler& scheduler)
    : replica_(replica), profiles_(profiles), index_(scheduler, [this] {
        const auto more = replica_.model().store().index_more(limits::search_index_slice);
        if (!more || *more) index_.start(more ? Millis(limits::search_index_pause) : kIndexAgain);
      }) {}

void Searches::index_older() {
  index_.start(limits::search_index_pause);
}

void Searches::on_welcome(const v1::Welcome& welcome) {
  server_searches_ =
      std::find(welcome.caps().begin(), welcome.caps().end(), "search") != welcome.caps().end();
}

void Searches::search(const SearchQuery& query, Done<SearchPage> done) {
  const auto refuse = [&done](const char* why) {
    done(make_error(ErrorCode::kInvalidArgument, why));
  };
  if (!is_utf8(query.text)) return refuse("text: it is not UTF-8");
  if (query.limit == 0) return refuse("limit: it is 0");
  auto pattern = search::parse(query.text);
  if (!pattern) return done(pattern.error());
  auto search = std::make_shared<Running>();
  if (!query.after.empty()) {
    const auto from = decode_search_cursor(query.after, key_of(query));
    if (!from) return refuse("after: it is of another search");
    search->from = *from;
  }
  search->query = query;
  search->query.limit = std::min(query.limit, limits::search_page_max);
  search->pattern = std::move(*pattern);
  search->done = std::move(done);
  const bool asked = ask_server(search);
  if (Status here = search_here(*search); !here) {
    std::exchange(search->done, nullptr)(here.error());
  } else if (!asked) {
    finish(*search, nullptr);
  }
}

bool Searches::ask_server(const std::shared_ptr<Running>& search) {
  v1::ClientFrame frame;
  v1::SearchMessages& ask = *frame.mutable_search();
  ask.set_query(search->query.text);
  if (!search->query.conversation.empty())
    ask.set_conversation_id(search->query.conversation.bytes());
  ask.set_before(search->from.server_before);
  ask.set_limit(static_cast<std::uint32_t>(std::min(search->wanted(), limits::search_page_max)));
  Connection& connection = replica_.connection();
  if (search->from.server != SearchCursor::Server::kAsk || !server_searches_ ||
      !connection.ready() || !validate(frame)) {
    return false;
  }
  connection.request(
      frame,
      [this, search](const v1::ServerFrame* answer, const Error&) {
        const bool page = answer && answer->has_search_page();
        finish(*search, page ? &answer->search_page() : nullptr);
      },
      limits::search_answer_limit);
  return true;
}

Status Searches::search_here(Running& search) {
  const ShownRows& shown = replica_.model().shown();
  search.changes = replica_.run().changes();
  search.rows.clear();
  search.waiting_list = search.held_list = {};
  for (const OutboxRow& row : replica_.outbox().rows().all()) {
    const bool there =
        search.query.conversation.empty() || search.query.conversation == row.conversation;
    if (row.kind != OutboxKind::kMessage || !there) continue;
    if (search::find(search.pattern, shown.message_of(row).text).empty()) continue;
    search.rows.push_back(row);
  }
  std::sort(search.rows.begin(), search.rows.end(),
            [](const OutboxRow& a, const OutboxRow& b) { return a.order > b.order; });
  for (const OutboxRow& row : search.rows) {
    search.waiting_list.hits.push_back({row.id, row.conversation, row.placed_seq, row.created_ms,
                                        static_cast<std::uint64_t>(row.order)});
  }
  if (search.from.held_done) return {};
  auto held = replica_.model().store().search(
      {search.pattern, search.query.conversation, search.from.held_before, search.wanted()});
  if (!held) return held.error();
  search.held = std::move(*held);
  search.held_list.more = search.held.size() == search.wanted();
  for (const FoundEvent& found : search.held)
    search.held_list.hits.push_back(candidate_of(found.event, time_of(found.event), found.place));
  return {};
}

void Searches::finish(Running& search, const v1::SearchPage* answer) {
  if (!search.done) return;
  if (search.changes !=
      replica_.run().changes()) {  // what was found here went with the other history
    if (Status here = search_here(search); !here)
      return std::exchange(search.done, nullptr)(here.error());
  }
  const bool answered = answer && search.read(*answer);
  const MergedPage merged =
      merge_search(search.from, search.waiting_list, search.held_list,
                   answered ? &search.server_list : nullptr, search.query.limit);
  const ShownRows& shown = replica_.model().shown();
  SearchPage page;
  for (const SearchPick& pick : merged.picks) {
    SearchHit hit;
    hit.message = pick.source == SearchSource::kWaiting ? shown.message_of(search.rows[pick.index])
                  : pick.source == SearchSource::kHeld
                      ? shown.message_of(search.held[pick.index].event)
                      : shown.message_of(search.from_server[pick.index]);
    hit.matches = search::find(search.pattern, hit.message.text);
    profiles_.want(hit.message.sender);
    page.hits.push_back(std::move(hit));
  }
  if (merged.next) page.next = encode_search_cursor(*merged.next, key_of(search.query));
  page.complete = answered || search.from.server == SearchCursor::Server::kAll;
  std::exchange(search.done, nullptr)(std::move(page));
}

}  // namespace kith::client
