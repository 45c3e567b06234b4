// Searches: asks this device and the server at the same time, and merges what they find into pages.
#pragma once

#include <memory>

#include "client/profiles.h"
#include "client/replica.h"
#include "kith/client/client.h"
#include "src/timer.h"

namespace kith::v1 {
class SearchPage;
}  // namespace kith::v1

namespace kith::client {

class Searches {
 public:
  Searches(Replica& replica, Profiles& profiles, Scheduler& scheduler);

  // See Client.
  void search(const SearchQuery& query, Done<SearchPage> done);
  void on_welcome(const v1::Welcome& welcome);
  // Messages that were stored before there was an index become findable, a slice at a time.
  void index_older();

 private:
  struct Running;
  // Returns true if the server was asked; its answer finishes the search.
  bool ask_server(const std::shared_ptr<Running>& search);
  Status search_here(Running& search);
  void finish(Running& search, const v1::SearchPage* answer);

  Replica& replica_;
  Profiles& profiles_;
  bool server_searches_ = false;
  Timer index_;
};

}  // namespace kith::client
