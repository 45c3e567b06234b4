// Catching up.
#include "server/queries/sync_service.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "server/records/wire.h"
#include "server/users/receipts_off.h"
#include "src/frame_codec.h"

namespace kith::server {
namespace {

// Contacts and blocks, in this order, from the `from`th on, as many as fit; returns true if not yet all.
bool fill_user_state(const UserRecord& user, std::size_t& from, v1::SyncPage* page) {
  auto* out = page->mutable_user_state();
  auto* settings = out->mutable_settings();
  settings->set_online(static_cast<v1::Audience>(user.privacy.online));
  settings->set_last_seen(static_cast<v1::Audience>(user.privacy.last_seen));
  settings->set_receipts_off(!user.privacy.receipts);
  settings->set_group_adds(static_cast<v1::Audience>(user.privacy.group_adds));
  settings->set_first_messages(static_cast<v1::Audience>(user.privacy.first_messages));
  auto* profile = out->mutable_profile();
  profile->set_user_id(user.id.bytes());
  profile->set_handle(user.handle);
  profile->set_display_name(user.display_name);
  constexpr std::size_t kIdBytes = UserId::kSize + 2;
  const std::size_t all = user.contacts.size() + user.blocked.size();
  for (std::size_t bytes = page->ByteSizeLong() + kIdBytes;
       from < all && bytes <= limits::page_bytes_max; ++from, bytes += kIdBytes) {
    const std::size_t contacts = user.contacts.size();
    if (from < contacts) {
      out->add_contacts(user.contacts[from].bytes());
    } else {
      out->add_blocked(user.blocked[from - contacts].bytes());
    }
  }
  return from < all;
}

}  // namespace

// One SyncRequest being answered: first the mark, then the ids, the heads last.
struct SyncService::Listing {
  Caller caller;
  Reply reply;
  SyncPlace place{};
  bool snapshot = false;
  bool receipts = true;
  std::size_t window = 0;
  FeedVersion cursor = 0;
  FeedVersion high = 0;
  std::vector<FeedChange> entries{};
  std::map<ConversationId, std::uint64_t> known{};  // heads of large groups that the client has
  v1::ServerFrame answer{};

  // Nothing but the head of a large group could have moved, and the client has that head.
  [[nodiscard]] bool is_known(const FeedChange& entry, const Conversation& c,
                              const Member& me) const {
    const auto head = known.find(entry.conversation);
    return !snapshot && !entry.marked && head != known.end() && head->second == visible_upto(c, me);
  }
  void reset(v1::SyncResetReason reason) {
    auto* r = answer.mutable_sync_reset();
    r->set_reason(reason);
    r->set_snapshot_cursor(high);
    reply(std::move(answer));
  }
};

void SyncService::sync(const Caller& caller, const v1::SyncRequest& request, const Reply& reply) {
  auto listing = std::make_shared<Listing>(Listing{caller, reply});
  SyncPlace& place = listing->place;
  const bool goes_on = !request.page_token().empty();
  if (goes_on) {
    // The token names the listing, whatever else is in the request.
    const auto sealed = page_tokens_.sync_place(caller.user, request.page_token());
    if (!sealed) return reply_error(reply, PageTokens::refusal());
    place = *sealed;
  } else {
    place.kind = request.snapshot() ? SyncPlace::Kind::kSnapshot : SyncPlace::Kind::kChanges;
    place.snapshot = request.snapshot();
    place.cursor = request.cursor();
    place.from = request.snapshot() ? 0 : request.cursor();
  }
  listing->snapshot = place.snapshot;
  listing->cursor = place.cursor;
  listing->window = request.window() == 0 ? limits::sync_window_default : request.window();
  listing->window = std::min(listing->window, limits::sync_window_max);
  for (const v1::HeadRef& head : request.large_heads()) {
    listing->known[*conversation_id(head.conversation_id())] = head.seq();
  }
  // FIRST: what changes from here on gets a new mark.
  const FeedVersion high = listing->high = feed_.begin_serving(caller.user, listing->cursor);
  if (!feed_.may_be(listing->cursor)) return listing->reset(v1::SYNC_RESET_REASON_FUTURE);
  if (!listing->snapshot && listing->cursor < feed_.horizon()) {
    return listing->reset(v1::SYNC_RESET_REASON_HORIZON);
  }
  auto* page = listing->answer.mutable_sync_page();
  place.mark = goes_on ? std::min(place.mark, high) : high;
  page->set_next_cursor(place.mark);
  if (place.kind == SyncPlace::Kind::kUserState) return list_user_state(listing, place.from);
  const auto listed = guard_.wrap([this, listing](Result<std::vector<FeedChange>> found) {
    if (!found) return reply_error(listing->reply, found.error());
    if (!listing->snapshot && found->size() > limits::sync_delta_max) {
      return listing->reset(v1::SYNC_RESET_REASON_TOO_MANY);
    }
    listing->entries = *std::move(found);
    users_.with(listing->caller.user, guard_.wrap([this, listing](Result<Users::Record> me) {
      if (!me) return reply_error(listing->reply, me.error());
      listing->receipts = shares_receipts(me->get());
      list_more(listing, 0);
    }));
  });
  if (listing->snapshot) {
    feed_.list(caller.user, place.from, listing->window + 1, listed);
  } else {
    // The first page counts: a delta of too many is given up before it begins.
    const std::size_t wanted = goes_on ? listing->window : limits::sync_delta_max;
    feed_.changed(caller.user, place.from, wanted + 1, listed);
  }
}

void SyncService::list_more(const std::shared_ptr<Listing>& listing, std::size_t index) {
  auto* page = listing->answer.mutable_sync_page();
  if (index == std::min(listing->entries.size(), listing->window)) return finish_listing(listing);
  // LAST: the heads.
  conversations_.with(listing->entries[index].conversation, listing->caller.user,
                      guard_.wrap([this, listing, index, page](Result<const Conversation*> found) {
                        if (!found) return reply_error(listing->reply, found.error());
                        const Conversation* c = *found;
                        const Member* me =
                            c != nullptr ? find_member(*c, listing->caller.user) : nullptr;
                        if (me != nullptr && !listing->is_known(listing->entries[index], *c, *me)) {
                          to_wire(*c, *me, listing->receipts, page->add_changed());
                        }
                        list_more(listing, index + 1);
                      }));
}

void SyncService::finish_listing(const std::shared_ptr<Listing>& listing) {
  auto* page = listing->answer.mutable_sync_page();
  if (listing->entries.size() > listing->window) {
    listing->place.from = listing->entries[listing->window - 1].ver;
    page->set_more(true);
    page->set_page_token(page_tokens_.of_sync(listing->caller.user, listing->place));
    return listing->reply(std::move(listing->answer));
  }
  // A client without a cursor needs all of it, and one that is up to date nothing.
  if (listing->cursor == 0) return list_user_state(listing, 0);
  if (feed_.nothing_above(listing->caller.user, listing->cursor)) {
    return listing->reply(std::move(listing->answer));
  }
  feed_.user_state(listing->caller.user,
                   guard_.wrap([this, listing](Result<FeedVersion> changed_at) {
                     if (!changed_at) return reply_error(listing->reply, changed_at.error());
                     if (*changed_at <= listing->cursor) {
                       return listing->reply(std::move(listing->answer));
                     }
                     list_user_state(listing, 0);
                   }));
}

void SyncService::list_user_state(const std::shared_ptr<Listing>& listing, std::size_t from) {
  users_.with(listing->caller.user, guard_.wrap([this, listing, from](Result<Users::Record> me) {
    if (!me) return reply_error(listing->reply, me.error());
    auto* page = listing->answer.mutable_sync_page();
    std::size_t next = from;
    if (*me && fill_user_state(**me, next, page)) {
      listing->place.kind = SyncPlace::Kind::kUserState;
      listing->place.from = next;
      page->set_more(true);
      page->set_page_token(page_tokens_.of_sync(listing->caller.user, listing->place));
    }
    listing->reply(std::move(listing->answer));
  }));
}

}  // namespace kith::server
