// SearchService: finds messages for a session.
#include "server/search/search_service.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "server/records/wire.h"
#include "server/search/message_place.h"
#include "server/search/message_text.h"
#include "src/frame_codec.h"
#include "src/search_terms.h"

namespace kith::server {

namespace {

constexpr std::size_t kListPage = 1'000;
constexpr std::uint32_t kRetryMs = 1'000;
// Costs of a page of the list and of checking a hit, for the loop and the store.
constexpr std::chrono::microseconds kListCost{1'000};
constexpr std::chrono::microseconds kHitCost{50};

// The part of the index's errors that helps a person: no path and no sentence of SQLite.
Error as_told(const Error& error) {
  switch (error.code) {
    case ErrorCode::kTimeout:
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kTooLarge:
    case ErrorCode::kLimitExceeded:
      return error;
    default:
      return make_error(ErrorCode::kUnavailable, "the search index cannot be read now", kRetryMs);
  }
}

}  // namespace

// One request on its way.
struct SearchService::Search {
  Caller caller;
  Reply reply;
  search::Pattern pattern;
  IndexQuery query;
  std::size_t limit = 0;
  std::int64_t deadline_ms = 0;

  std::vector<IndexHit> hits;                    // of the last answer of the index …
  std::size_t next = 0;                          // … and which of them is looked at next
  bool exhausted = false;                        // the index has no more
  std::map<ConversationId, IndexScope> windows;  // what this user may see, where it is known

  v1::ServerFrame frame;
  std::size_t bytes = 0;
  bool full = false;
  std::chrono::microseconds spent{0};
};

SearchService::SearchService(SearchIndex* index, UserFeed& feed, Conversations& conversations,
                             Scheduler& scheduler)
    : index_(index), feed_(feed), conversations_(conversations), scheduler_(scheduler) {}

bool SearchService::handle(const Caller& caller, const v1::ClientFrame& frame, const Reply& reply) {
  if (!frame.has_search()) return false;
  const auto refuse = [&](const Error& error) {
    reply_error(reply, error);
    return true;
  };
  if (index_ == nullptr) {
    return refuse(make_error(ErrorCode::kUnimplemented, "this server does not search"));
  }
  const v1::SearchMessages& request = frame.search();
  auto pattern = search::parse(request.query());
  if (!pattern) return refuse(pattern.error());
  if (const std::uint32_t wait = costs_.wait ? costs_.wait(caller) : 0; wait > 0) {
    return refuse(make_error(ErrorCode::kRateLimited, "these searches cost too much", wait));
  }
  const auto own = running_of_.find(caller.user);
  if (own != running_of_.end() && own->second >= places_of_one()) {
    return refuse(make_error(ErrorCode::kRateLimited, "too many searches at a time", kRetryMs));
  }
  if (running_ >= limits::searches_running_max) {
    return refuse(make_error(ErrorCode::kOverloaded, "too many searches at a time", kRetryMs));
  }
  ++running_;
  ++running_of_[caller.user];
  ++searches_;
  auto search = std::make_shared<Search>();
  search->caller = caller;
  search->reply = reply;
  search->pattern = std::move(*pattern);
  search->limit = request.limit() == 0
                      ? limits::search_page_default
                      : std::min<std::size_t>(request.limit(), limits::search_page_max);
  search->query.text = request.query();
  search->query.reader = caller.user;
  search->query.before = request.before();
  search->deadline_ms = scheduler_.clock().steady_ms() + Millis(limits::search_time_limit).count();
  search->query.spent = [spent = std::weak_ptr(search)](std::chrono::microseconds used) {
    if (const auto of = spent.lock()) of->spent += used;
  };
  search->frame.mutable_search_page();
  if (const auto one = conversation_id(request.conversation_id())) {
    look_into(search, *one);
  } else {
    list_conversations(search, 0);
  }
  return true;
}

// A user who is no member does not wait for hits there.
void SearchService::look_into(const SearchPtr& search, const ConversationId& id) {
  conversations_.with(
      id, search->caller.user,
      guard_.wrap([this, search, id](const Result<const Conversation*>& found) {
        if (!found) return fail(search, found.error());
        const Member* me = *found != nullptr ? find_member(**found, search->caller.user) : nullptr;
        if (me == nullptr) return answer(search);
        search->query.scopes.push_back({id, me->join_seq, visible_upto(**found, *me)});
        ask(search);
      }));
}

void SearchService::list_conversations(const SearchPtr& search, FeedVersion before) {
  feed_.list(search->caller.user, before, kListPage,
             guard_.wrap([this, search](const Result<std::vector<FeedChange>>& listed) {
               search->spent += kListCost;
               if (!listed) return fail(search, listed.error());
               auto& scopes = search->query.scopes;
               for (const FeedChange& change : *listed) {
                 scopes.push_back({change.conversation, 1, 0});
               }
               const bool more = listed->size() == kListPage;
               if (!more || scopes.size() >= limits::search_conversations_max) return ask(search);
               if (late(*search)) return fail(search, make_error(ErrorCode::kTimeout, ""));
               // A page a turn: others wait for the loop.
               scheduler_.post(guard_.wrap([this, search, before = listed->back().ver] {
                 list_conversations(search, before);
               }));
             }));
}

void SearchService::ask(const SearchPtr& search) {
  if (late(*search)) return fail(search, make_error(ErrorCode::kTimeout, ""));
  const std::int64_t left = search->deadline_ms - scheduler_.clock().steady_ms();
  const auto found = static_cast<std::size_t>(search->frame.search_page().hits_size());
  search->query.limit = search->limit - found + 1;  // one more tells whether there is more
  search->query.time_limit = Millis(left);
  index_->find(search->query, guard_.wrap([this, search](Result<std::vector<IndexHit>> hits) {
    if (!hits) {
      if (hits.error().code == ErrorCode::kCacheCorrupt && damaged_) damaged_(hits.error());
      return fail(search, as_told(hits.error()));
    }
    search->exhausted = hits->size() < search->query.limit;
    search->hits = std::move(*hits);
    search->next = 0;
    look_at_next(search);
  }));
}

// One at a turn: each may be read from the disk, and others wait for the loop.
void SearchService::look_at_next(const SearchPtr& search) {
  if (search->full) return answer(search);
  if (search->next == search->hits.size()) {
    if (search->exhausted) return answer(search);
    // Some that the index named are not for this user: on behind them.
    for (IndexScope& scope : search->query.scopes) {
      const auto window = search->windows.find(scope.conversation);
      if (window != search->windows.end()) scope = window->second;
    }
    return ask(search);
  }
  scheduler_.post(guard_.wrap([this, search] { look_at(search, search->hits[search->next++]); }));
}

void SearchService::look_at(const SearchPtr& search, const IndexHit& hit) {
  search->query.before = hit.place;
  search->spent += kHitCost;
  conversations_.with(
      hit.conversation, search->caller.user,
      guard_.wrap([this, search, hit](const Result<const Conversation*>& found) {
        if (!found) return fail(search, found.error());
        const Member* me = *found != nullptr ? find_member(**found, search->caller.user) : nullptr;
        // Nothing of it: a window in which no seq lies.
        IndexScope window{hit.conversation, 2, 1};
        if (me != nullptr) window = {hit.conversation, me->join_seq, visible_upto(**found, *me)};
        search->windows[hit.conversation] = window;
        if (hit.seq < window.from || hit.seq > window.to) return look_at_next(search);
        const EventQuery query{hit.conversation, hit.seq, hit.seq, 1, false};
        conversations_.events(
            query, guard_.wrap([this, search, hit](const Result<std::vector<Event>>& events) {
              // A damaged piece of history hides what is in it, not the rest.
              const bool damaged = !events && events.error().code == ErrorCode::kCacheCorrupt;
              if (!events && !damaged) return fail(search, events.error());
              if (!damaged && !events->empty()) take(*search, hit, events->front());
              look_at_next(search);
            }));
      }));
}

void SearchService::take(Search& search, const IndexHit& hit, const Event& event) {
  if (!may_stand_at(event, hit.place)) return;  // the index is of another history
  if (event.sender_only && event.sender != search.caller.user) return;
  if (search::find(search.pattern, message_text(event)).empty()) return;
  v1::SearchPage& page = *search.frame.mutable_search_page();
  v1::SearchHit fresh;
  to_wire(event, search.caller.user, fresh.mutable_event());
  fresh.set_place(hit.place);
  search.bytes += fresh.ByteSizeLong() + 8;
  const bool fits = search.bytes <= limits::page_bytes_max || page.hits_size() == 0;
  if (!fits || static_cast<std::size_t>(page.hits_size()) == search.limit) {
    page.set_more(true);
    search.full = true;
    return;
  }
  *page.add_hits() = std::move(fresh);
}

bool SearchService::late(const Search& search) const {
  return scheduler_.clock().steady_ms() >= search.deadline_ms;
}

// One person's searches do not take the places of all others: the fewer are left, the fewer has one.
std::size_t SearchService::places_of_one() const {
  return running_ < limits::searches_running_max / 2 ? limits::searches_running_of_one_max : 1;
}

void SearchService::ended(const SearchPtr& search) {
  --running_;
  const auto ms = std::chrono::ceil<Millis>(search->spent);
  if (costs_.charge) costs_.charge(search->caller, static_cast<std::uint32_t>(ms.count()));
  const auto own = running_of_.find(search->caller.user);
  if (--own->second == 0) running_of_.erase(own);
}

void SearchService::answer(const SearchPtr& search) {
  ended(search);
  search->reply(std::move(search->frame));
}

void SearchService::fail(const SearchPtr& search, Error error) {
  // Hits found in time are returned.
  if (error.code == ErrorCode::kTimeout && search->frame.search_page().hits_size() > 0) {
    search->frame.mutable_search_page()->set_more(true);
    return answer(search);
  }
  ended(search);
  ++failed_;
  if (error.code == ErrorCode::kTimeout) {
    error = make_error(ErrorCode::kOverloaded, "the search takes too long", kRetryMs);
  }
  reply_error(search->reply, error);
}

void SearchService::add_stats(std::map<std::string, std::uint64_t>& all) const {
  all["searches"] = searches_;
  all["searches_failed"] = failed_;
}

}  // namespace kith::server
