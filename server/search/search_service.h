// SearchService: finds messages for a session. The index returns places, and the service checks
// each hit again, because the index lags and knows nothing of members.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "kith/core/scheduler.h"
#include "kith/server/ports/search_index.h"
#include "server/conversation/conversations.h"
#include "server/feed/user_feed.h"
#include "server/requests/caller.h"
#include "server/requests/reply.h"
#include "src/guard.h"

namespace kith::v1 {
class ClientFrame;
}

namespace kith::server {

// The costs of an account's searches, in milliseconds of work.
struct SearchCosts {
  // Milliseconds until this account may search again; 0 = now.
  std::function<std::uint32_t(const Caller&)> wait;
  std::function<void(const Caller&, std::uint32_t ms)> charge;
};

class SearchService {
 public:
  // `index`: null if this server has none; then every search is answered with kUnimplemented. All
  // must outlive the service.
  SearchService(SearchIndex* index, UserFeed& feed, Conversations& conversations,
                Scheduler& scheduler);

  // `damaged` is called with what a search has met in the index.
  void on_damage(std::function<void(const Error&)> damaged) { damaged_ = std::move(damaged); }

  // Without it searches cost nothing.
  void set_costs(SearchCosts costs) { costs_ = std::move(costs); }

  // False if the body is no search. The frame has passed validate().
  bool handle(const Caller& caller, const v1::ClientFrame& frame, const Reply& reply);

  // Adds "searches", "searches_failed".
  void add_stats(std::map<std::string, std::uint64_t>& all) const;

 private:
  struct Search;
  using SearchPtr = std::shared_ptr<Search>;

  void look_into(const SearchPtr& search, const ConversationId& id);
  void list_conversations(const SearchPtr& search, FeedVersion before);
  void ask(const SearchPtr& search);
  void look_at_next(const SearchPtr& search);
  void look_at(const SearchPtr& search, const IndexHit& hit);
  void take(Search& search, const IndexHit& hit, const Event& event);
  void answer(const SearchPtr& search);
  void fail(const SearchPtr& search, Error error);
  void ended(const SearchPtr& search);
  [[nodiscard]] bool late(const Search& search) const;

  SearchIndex* index_;
  UserFeed& feed_;
  Conversations& conversations_;
  Scheduler& scheduler_;
  [[nodiscard]] std::size_t places_of_one() const;

  std::function<void(const Error&)> damaged_;
  SearchCosts costs_;
  std::size_t running_ = 0;
  std::map<UserId, std::size_t> running_of_;  // those with any
  std::uint64_t searches_ = 0;
  std::uint64_t failed_ = 0;
  Guard guard_;
};

}  // namespace kith::server
