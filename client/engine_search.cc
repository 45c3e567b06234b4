// Engine, searching: this device and the server at the same time, and the index of older caches.
#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "client/engine.h"
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

// What a cursor belongs to.
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

struct Engine::Searching {
  SearchQuery query;
  search::Pattern pattern;
  SearchCursor from;
  Done<SearchPage> done;        // null: told
  std::uint64_t histories = 0;  // Engine::histories_ when it was searched here

  std::vector<OutboxRow> rows;
  std::vector<FoundEvent> held;
  std::vector<StoredEvent> told_by_server;
  SearchList waiting_list, held_list, server_list;

  // One more than there is room for, and those that may be known already.
  [[nodiscard]] std::size_t wanted() const { return query.limit + 1 + from.edge.size(); }
  // False: it is no page that was asked for.
  bool read(const v1::SearchPage& page);
};

bool Engine::Searching::read(const v1::SearchPage& page) {
  std::uint64_t above = from.server_before ? from.server_before : UINT64_MAX;
  for (const v1::SearchHit& hit : page.hits()) {
    const v1::Event& e = hit.event();
    const auto conversation = conversation_id(e.conversation_id());
    if (!conversation || hit.place() == 0 || hit.place() >= above) return false;
    above = hit.place();
    told_by_server.push_back({*conversation, e.seq(), id_of<MessageId>(e.message_id()), e.ordinal(),
                              e.SerializeAsString()});
    const StoredEvent& event = told_by_server.back();
    SearchCandidate candidate =
        candidate_of(event, static_cast<std::int64_t>(e.server_ts_ms()), hit.place());
    candidate.hidden =
        !searchable(event) || (!query.conversation.empty() && *conversation != query.conversation);
    server_list.hits.push_back(candidate);
  }
  server_list.more = page.more();
  return page.hits_size() > 0 || !page.more();
}

void Engine::search(const SearchQuery& query, Done<SearchPage> done) {
  const auto refused = [&done](const char* why) {
    done(make_error(ErrorCode::kInvalidArgument, why));
  };
  if (!is_utf8(query.text)) return refused("text: it is not UTF-8");
  if (query.limit == 0) return refused("limit: it is 0");
  auto pattern = search::parse(query.text);
  if (!pattern) return done(pattern.error());
  auto search = std::make_shared<Searching>();
  if (!query.after.empty()) {
    const auto from = decode_search_cursor(query.after, key_of(query));
    if (!from) return refused("after: it is of another search");
    search->from = *from;
  }
  search->query = query;
  search->query.limit = std::min(query.limit, limits::search_page_max);
  search->pattern = std::move(*pattern);
  search->done = std::move(done);

  v1::ClientFrame frame;
  v1::SearchMessages& ask = *frame.mutable_search();
  ask.set_query(query.text);
  if (!query.conversation.empty()) ask.set_conversation_id(query.conversation.bytes());
  ask.set_before(search->from.server_before);
  ask.set_limit(static_cast<std::uint32_t>(std::min(search->wanted(), limits::search_page_max)));
  const bool asked = search->from.server == SearchCursor::Server::kAsk && server_searches_ &&
                     connection_->ready() && validate(frame).ok();
  if (asked) {
    connection_->request(
        frame,
        [this, search](const v1::ServerFrame* answer, const Error&) {
          const bool page = answer && answer->has_search_page();
          finish_search(*search, page ? &answer->search_page() : nullptr);
        },
        limits::search_answer_limit);
  }
  if (Status here = search_here(*search); !here) {
    std::exchange(search->done, nullptr)(here.error());
  } else if (!asked) {
    finish_search(*search, nullptr);
  }
}

Status Engine::search_here(Searching& search) {
  search.histories = histories_;
  search.rows.clear();
  search.waiting_list = search.held_list = {};
  for (const OutboxRow& row : outbox_->rows().all()) {
    const bool there =
        search.query.conversation.empty() || search.query.conversation == row.conversation;
    if (row.kind != OutboxKind::kMessage || !there) continue;
    if (search::find(search.pattern, model_.message_of(row).text).empty()) continue;
    search.rows.push_back(row);
  }
  std::sort(search.rows.begin(), search.rows.end(),
            [](const OutboxRow& a, const OutboxRow& b) { return a.order > b.order; });
  for (const OutboxRow& row : search.rows) {
    search.waiting_list.hits.push_back({row.id, row.conversation, row.placed_seq, row.created_ms,
                                        static_cast<std::uint64_t>(row.order)});
  }
  if (search.from.held_done) return {};
  auto held = store_.search(
      {search.pattern, search.query.conversation, search.from.held_before, search.wanted()});
  if (!held) return held.error();
  search.held = std::move(*held);
  search.held_list.more = search.held.size() == search.wanted();
  for (const FoundEvent& found : search.held)
    search.held_list.hits.push_back(candidate_of(found.event, time_of(found.event), found.place));
  return {};
}

void Engine::finish_search(Searching& search, const v1::SearchPage* answer) {
  if (!search.done) return;
  if (search.histories != histories_) {  // what was found here went with the other history
    if (Status here = search_here(search); !here)
      return std::exchange(search.done, nullptr)(here.error());
  }
  const bool told = answer && search.read(*answer);
  const MergedPage merged = merge_search(search.from, search.waiting_list, search.held_list,
                                         told ? &search.server_list : nullptr, search.query.limit);
  SearchPage page;
  for (const SearchPick& pick : merged.picks) {
    SearchHit hit;
    hit.message = pick.source == SearchSource::kWaiting ? model_.message_of(search.rows[pick.index])
                  : pick.source == SearchSource::kHeld
                      ? model_.message_of(search.held[pick.index].event)
                      : model_.message_of(search.told_by_server[pick.index]);
    hit.matches = search::find(search.pattern, hit.message.text);
    want_profile(hit.message.sender);
    page.hits.push_back(std::move(hit));
  }
  if (merged.next) page.next = encode_search_cursor(*merged.next, key_of(search.query));
  page.complete = told || search.from.server == SearchCursor::Server::kAll;
  std::exchange(search.done, nullptr)(std::move(page));
}

// Messages that were stored before there was an index, a slice at a time.
void Engine::index_older(Millis pause) {
  index_timer_ = scheduler_.after(pause, [this] {
    index_timer_ = 0;
    const auto more = store_.index_more(limits::search_index_slice);
    if (!more || *more) index_older(more ? Millis(limits::search_index_pause) : kIndexAgain);
  });
}

}  // namespace kith::client
