// SyncService: answers what changed for a user since a cursor, page by page.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "server/conversation/conversations.h"
#include "server/feed/user_feed.h"
#include "server/requests/caller.h"
#include "server/requests/page_tokens.h"
#include "server/requests/reply.h"
#include "server/users/users.h"
#include "src/guard.h"

namespace kith::v1 {
class SyncRequest;
}

namespace kith::server {

class SyncService {
 public:
  // All outlive this.
  SyncService(UserFeed& feed, Conversations& conversations, Users& users)
      : feed_(feed), conversations_(conversations), users_(users) {}

  // Page tokens are good for all that have the same secret. Before the first request.
  void set_secret(std::string_view secret) { page_tokens_ = PageTokens(secret); }
  void sync(const Caller& caller, const v1::SyncRequest& request, const Reply& reply);

 private:
  struct Listing;
  void list_more(const std::shared_ptr<Listing>& listing, std::size_t index);
  void finish_listing(const std::shared_ptr<Listing>& listing);
  void list_user_state(const std::shared_ptr<Listing>& listing, std::size_t from);

  UserFeed& feed_;
  Conversations& conversations_;
  Users& users_;
  PageTokens page_tokens_{{}};
  Guard guard_;
};

}  // namespace kith::server
